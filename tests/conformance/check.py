"""Runs a case through the engine and compares the outcome with what is expected."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from scheduling.engine import Options, decide
from scheduling.engine.decisions import Decisions, Wait, WaitCode
from scheduling.engine.types import Request, Snapshot

from .cases import Row, State

ACTIONS = {
    "allocate": "allocate",
    "consolidation": "consolidate",
    "reclaim": "reclaim",
    "preempt": "preempt",
    "stalegangeviction": "stale",
}


@dataclass(slots=True)
class Outcome:
    """How the tasks of a case stand after one session."""

    statuses: dict[str, str]
    nodes: dict[str, str]
    devices: dict[str, tuple[int, ...]]
    shares: set[str]
    """Tasks that ask for a share of a device."""
    waits: dict[str, Wait]
    """By job."""
    counts: Counter[str] = field(default_factory=Counter)


def differences(case: Row, options: Options = Options()) -> list[str]:  # noqa: B008
    """Where the outcome is not as expected; empty when it is."""
    state = State(case)
    options = replace(options, actions=tuple(ACTIONS[name] for name in case["actions"]))
    if case["mode"] == "single_session":
        return compare(case, run(state, options))
    rounds = case.get("rounds", {})
    for _ in range(rounds.get("until_match", 2)):
        outcome = run(state, options)
        settle(state, outcome)
    found = compare(case, outcome, settled=True)
    for _ in range(rounds.get("after_match", 5)):
        if found:
            break
        outcome = run(state, options)
        settle(state, outcome)
        found = compare(case, outcome, settled=True)
    return found


def run(state: State, options: Options) -> Outcome:
    """One session."""
    snapshot = state.snapshot()
    return named(state, snapshot, decide(snapshot, options))


def named(state: State, snapshot: Snapshot, decisions: Decisions) -> Outcome:
    tasks = {number: name for name, number in state.pods.items()}
    nodes = {number: name for name, number in state.nodes.items()}
    statuses = {name: task.status for name, task in state.tasks.items()}
    places = {name: task.node for name, task in state.tasks.items() if task.node and task.status != "Pending"}
    devices = {
        tasks[pod.id]: pod.devices
        for workload in snapshot.workloads
        for group in workload.sub_groups
        for pod in group.pods
        if pod.id in tasks
    }
    for pod in (*decisions.withdrawn, *(item.pod for item in decisions.evicts)):
        statuses[tasks[pod]] = "Releasing"
    for item in decisions.places:
        name = tasks[item.pod]
        statuses[name], places[name], devices[name] = "Binding", nodes[item.node], item.devices
    for item in decisions.reserves:
        name = tasks[item.pod]
        statuses[name], places[name], devices[name] = "Pipelined", nodes[item.node], item.devices
    shares = {
        tasks[pod.id]
        for workload in snapshot.workloads
        for group in workload.sub_groups
        for pod in group.pods
        if pod.id in tasks and _is_share(pod.request or group.request)
    }
    jobs = {workload.id: workload.name for workload in snapshot.workloads}
    waits = {jobs[wait.workload]: wait for wait in decisions.waits}
    counts = Counter(binds=len(decisions.places), evictions=len(decisions.evicts), pipelined=len(decisions.reserves))
    return Outcome(statuses, {name: node for name, node in places.items() if node}, devices, shares, waits, counts)


def settle(state: State, outcome: Outcome) -> None:
    """What a session decided has happened when the next one begins."""
    deleted = {task["id"] for job in state.case["jobs"] if job.get("delete_in_test") for task in job["tasks"]}
    for name, task in state.tasks.items():
        status = outcome.statuses[name]
        if status == "Binding":
            task.status, task.node = "Running", outcome.nodes[name]
            task.groups = tuple(str(device) for device in outcome.devices[name])
        elif status in ("Pipelined", "Releasing") and name not in deleted:
            task.status, task.node, task.groups = "Pending", None, ()
        outcome.statuses[name], outcome.nodes[name] = task.status, task.node or ""


def compare(case: Row, outcome: Outcome, *, settled: bool = False) -> list[str]:
    expect, found = case["expect"], []
    for job in case["jobs"]:
        names = [task["id"] for task in job["tasks"]]
        wanted = expect.get("jobs", {}).get(job["name"])
        if wanted:
            found += [line for name in names for line in _task(name, wanted, outcome)]
        if job["name"] in expect.get("counts", {}):
            actual = dict(sorted(Counter(outcome.statuses[name] for name in names).items()))
            counts = {status: count for status, count in expect["counts"][job["name"]].items() if count}
            if actual != counts:
                found.append(f"{job['name']}: expected {counts}, actual {actual}")
    for name, wanted in expect.get("tasks", {}).items():
        if name in outcome.statuses:
            found += _task(name, wanted, outcome)
    if not settled:
        for kind, most in expect.get("at_most", {}).items():
            if outcome.counts[kind] > most:
                found.append(f"expected at most {most} {kind}, actual {outcome.counts[kind]}")
    for job, wanted in expect.get("jobs", {}).items():
        if wanted.get("error") and not settled:
            found += _reason(job, wanted["error"], outcome)
    return found + _shared(case, outcome) + _nodes(case, outcome)


def _task(name: str, wanted: dict[str, Any], outcome: Outcome) -> list[str]:
    status, node = outcome.statuses[name], outcome.nodes.get(name)
    if wanted.get("status") not in (None, status):
        return [f"{name}: expected {wanted['status']}, actual {status}"]
    if wanted.get("node") not in (None, "", node):
        return [f"{name}: expected on {wanted['node']}, actual on {node}"]
    return []


def _reason(job: str, error: str, outcome: Outcome) -> list[str]:
    """The same cause with the same numbers, in our words."""
    wait = outcome.waits.get(job)
    if wait is None:
        return [f"{job}: expected to wait with a reason"]
    domains = re.findall(r"can allocate only (\d+) of (\d+) required pods", error)
    if domains:
        best = max(int(slots) for slots, _ in domains)
        numbers = {"slots": best, "pods": int(domains[0][1]), "domains": len(domains)}
        same = wait.code is WaitCode.TOPOLOGY and numbers.items() <= wait.numbers.items()
        return [] if same else [f"{job}: expected topology with {numbers}, actual {wait}"]
    return [] if wait.code is WaitCode.SHORT else [f"{job}: expected to be short, actual {wait}"]


def _is_share(request: Request) -> bool:
    return bool(request.devices and (request.device_milli < 1000 or request.device_memory_mib))


def _shared(case: Row, outcome: Outcome) -> list[str]:
    """Tasks with one group name share a device of their node, tasks with different names do not."""
    expect = case["expect"]
    wanted = {
        task["id"]: result
        for job in case["jobs"]
        for task in job["tasks"]
        for result in (expect.get("tasks", {}).get(task["id"]) or expect.get("jobs", {}).get(job["name"]),)
        if result
    }
    named: dict[tuple[str, str], set[int]] = {}
    for name, result in wanted.items():
        groups, devices = result.get("gpu_groups") or (), outcome.devices.get(name, ())
        if len(groups) == len(devices) == 1 and name in outcome.shares and not result.get("ignore_gpu_groups"):
            named.setdefault((outcome.nodes.get(name, ""), groups[0]), set()).add(devices[0])
    found = [
        f"{group} of {node}: expected one device, actual {devices}"
        for (node, group), devices in named.items()
        if len(devices) > 1
    ]
    used = [(node, device) for (node, _), devices in named.items() for device in devices]
    if len(used) > len(set(used)):
        found.append(f"expected devices of their own, actual {named}")
    return found


def _nodes(case: Row, outcome: Outcome) -> list[str]:
    """Whole devices that nobody uses, and those of which all users are leaving."""
    found = []
    for name, wanted in case["expect"].get("nodes", {}).items():
        gpus = next(round(node["gpus"]) for node in case["nodes"] if node["name"] == name)
        users: dict[int, set[str]] = {}
        for task, node in outcome.nodes.items():
            for device in outcome.devices.get(task, ()) if node == name else ():
                users.setdefault(device, set()).add(outcome.statuses[task])
        actual = {
            "idle_gpus": gpus - len(users),
            "releasing_gpus": sum(statuses == {"Releasing"} for statuses in users.values()),
        }
        if actual != wanted:
            found.append(f"{name}: expected {wanted}, actual {actual}")
    return found
