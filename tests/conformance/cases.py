"""Reads recorded cases and turns their states into snapshots."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scheduling.engine.types import (
    Amounts,
    Bounds,
    Near,
    Node,
    Operator,
    Pod,
    PodState,
    Request,
    Requirement,
    Snapshot,
    SubGroup,
    SubGroupSet,
    Topology,
    Unit,
    Workload,
)

Row = dict[str, Any]
MINUTE_MS = 60_000
NOW_MS = 1_000_000 * MINUTE_MS
CORES, MEMORY_BYTES, PODS, DEVICE_MEMORY_MIB = 20_000, 20_000_000_000, 110, 100
"""Of a node that says nothing else."""
RELEASING = {"Releasing": PodState.RELEASING, "StuckInReleasing": PodState.STUCK}
ON_A_NODE = ("Running", "Binding", "Bound", "Allocated", "Pipelined")
ENDED = ("Succeeded", "Failed")
NODE_TYPE = "kai.scheduler/type"
"""The label of which `allowed_nodes` names values."""
WITHOUT = {"quota": -1, "limit": -1, "over_quota_weight": 1}


def rows(path: Path) -> Iterator[Row]:
    for line in path.read_text().splitlines():
        if line.strip():
            yield json.loads(line)


@dataclass(slots=True)
class Task:
    """One task as it stands: changed by rounds."""

    id: str
    status: str
    node: str | None
    groups: tuple[str, ...]
    row: Row


class State:
    """The objects of a case with ids for the engine."""

    def __init__(self, case: Row) -> None:
        self.case = case
        self.nodes = {node["name"]: number for number, node in enumerate(case["nodes"], start=1)}
        self.tasks = {
            task["id"]: Task(task["id"], task["status"], task.get("node"), tuple(task.get("gpu_groups", ())), task)
            for job in case["jobs"]
            for task in job["tasks"]
        }
        self.pods = {name: number for number, name in enumerate(self.tasks, start=1)}
        self.units: dict[str, int] = {}
        for row in (*case["departments"], *case["queues"]):
            self.units[row["name"]] = len(self.units) + 1

    def snapshot(self) -> Snapshot:
        case = self.case
        units = [
            self._unit(row, number)
            for number, row in enumerate((*case["departments"], *_parents_first(case["queues"])), start=1)
        ]
        topologies = [
            Topology(number, tuple(level["NodeLabel"] for level in row["Spec"]["Levels"]))
            for number, row in enumerate(case.get("topologies", ()), start=1)
        ]
        return Snapshot(
            pool=1,
            now_ms=NOW_MS,
            nodes=tuple(self._node(row) for row in case["nodes"]),
            units=tuple(units),
            workloads=(
                *(self._workload(row, number) for number, row in enumerate(case["jobs"], start=1)),
                *self._leaving(),
            ),
            topologies=tuple(topologies),
            usage_weight_milli=0,
            staleness_grace_ms=0,
        )

    def _node(self, row: Row) -> Node:
        gpus = round(row["gpus"])
        memory = round(row.get("memory_bytes", MEMORY_BYTES))
        return Node(
            id=self.nodes[row["name"]],
            name=row["name"],
            devices=gpus,
            capacity=Amounts(gpus * 1000, round(row.get("cpu_cores", CORES) * 1000), memory),
            pod_slots=row.get("max_pods", PODS),
            device_memory_mib=int(row.get("gpu_memory_mib", DEVICE_MEMORY_MIB)) // 100 * 100,
            labels=tuple(sorted(row.get("labels", {}).items())),
        )

    def _unit(self, row: Row, number: int) -> Unit:
        shares = [row.get(name) or WITHOUT for name in ("gpu", "cpu_milli", "memory_mb")]
        runtime = row.get("reclaim_min_runtime_s")
        return Unit(
            id=self.units[row["name"]],
            parent=self.units[row["parent"]] if row.get("parent") else None,
            name=row["name"],
            created_ms=NOW_MS + number * MINUTE_MS,
            rank=row.get("priority", 100),
            weight_milli=Amounts(*(max(0, round(share["over_quota_weight"] * 1000)) for share in shares)),
            quota=_bounds(share["quota"] for share in shares),
            limit=_bounds(share["limit"] for share in shares),
            reclaim_min_runtime_ms=None if runtime is None else round(runtime * 1000),
        )

    def _workload(self, row: Row, number: int) -> Workload:
        default = _request(row["request_per_task"])
        created_ms = NOW_MS - round(row.get("age_minutes", 0) * MINUTE_MS)
        stale = row.get("stale_for_s")
        grace = row.get("staleness_grace_s")
        sets, groups = _groups(row.get("groups"), row.get("min_available", len(row["tasks"])))
        root = row.get("groups") or {}
        members: dict[str, list[Pod]] = {group["name"]: [] for group in groups}
        statuses = [self.tasks[task["id"]].status for task in row["tasks"]]
        for task in sorted(row["tasks"], key=lambda task: -task.get("order", -1)):
            name = task.get("group") or groups[0]["name"]
            if self.tasks[task["id"]].status not in ENDED and name in members:
                members[name].append(self._pod(task, default))
        return Workload(
            id=number,
            unit=self.units.get(row["queue"], 0),
            name=row["name"],
            priority=row["priority"],
            preemptible=row.get("preemptible", row["priority"] < 100),
            created_ms=created_ms,
            started_ms=NOW_MS - MINUTE_MS,
            sub_groups=tuple(
                SubGroup(
                    id=index,
                    request=default,
                    min_members=group["min"],
                    pods=tuple(members[group["name"]]),
                    name=group["name"],
                    parent=group["parent"],
                    near=self._near(group.get("topology")),
                )
                for index, group in enumerate(groups, start=1)
            ),
            sets=tuple(replace(item, near=self._near(raw)) for item, raw in sets),
            min_children=root.get("min") if root.get("kind") == "set" else None,
            near=self._near(root.get("topology")) if root.get("kind") == "set" else None,
            displaces_after_ms=created_ms + round(row.get("preemption_delay_s", 0) * 1000),
            stale_since_ms=None if stale is None else NOW_MS - round(stale * 1000),
            staleness_grace_ms=None if grace is None else 1 << 50 if grace < 0 else round(grace * 1000),
            has_succeeded_pods="Succeeded" in statuses,
        )

    def _leaving(self) -> Iterator[Workload]:
        """A share of a device that is pipelined at the start waits for somebody whom the case does not list, and who is
        leaving the rest of the device."""
        for job in self.case["jobs"]:
            request = _request(job["request_per_task"])
            for row in job["tasks"]:
                task = self.tasks[row["id"]]
                if task.status == "Pipelined" and request.device_milli < 1000:
                    number = len(self.tasks) + self.pods[task.id]
                    rest = replace(request, device_milli=1000 - request.device_milli)
                    pod = Pod(number, PodState.RELEASING, self.nodes[task.node or ""], self._shared(task, request))
                    group = SubGroup(1, rest, 0, (pod,))
                    yield Workload(number, self.units[job["queue"]], task.id, 0, False, 0, (group,))

    def _near(self, raw: Row | None) -> Near | None:
        if not raw:
            return None
        names = [row["ObjectMeta"]["Name"] for row in self.case.get("topologies", ())]
        name = raw.get("Topology")
        if name not in names:
            return None
        return Near(names.index(name) + 1, raw.get("RequiredLevel") or None, raw.get("PreferredLevel") or None)

    def _pod(self, row: Row, default: Request) -> Pod:
        task = self.tasks[row["id"]]
        request = default
        if "gpus" in row:
            request = replace(default, devices=_devices(row["gpus"]), device_milli=_device_milli(row["gpus"]))
        if "allowed_nodes" in row:
            only = Requirement(NODE_TYPE, Operator.IN, tuple(row["allowed_nodes"]))
            request = replace(request, nodes=((only,),))
        pod = Pod(self.pods[task.id], request=None if request == default else request)
        if task.status in ON_A_NODE or task.status in RELEASING:
            state = RELEASING.get(task.status, PodState.BOUND)
            return replace(pod, state=state, node=self.nodes.get(task.node or ""), devices=self._shared(task, request))
        return pod

    def _shared(self, task: Task, request: Request) -> tuple[int, ...]:
        """Tasks that name the same group of a node share a device."""
        if not task.groups or not (request.device_milli < 1000 or request.device_memory_mib):
            return ()
        names: dict[str, None] = {}
        for other in self.tasks.values():
            if other.node == task.node and (other.status in ON_A_NODE or other.status in RELEASING):
                names |= dict.fromkeys(other.groups)
        order = list(names)
        return tuple(order.index(name) for name in task.groups)


def _parents_first(queues: list[Row]) -> list[Row]:
    known = {row["name"] for row in queues}
    done: list[Row] = []
    left = list(queues)
    while left:
        names = {row["name"] for row in done}
        ready = [row for row in left if row.get("parent") not in known or row["parent"] in names]
        if not ready:
            raise ValueError(f"The queues {[row['name'] for row in left]} are their own ancestors.")
        done += ready
        left = [row for row in left if row not in ready]
    return done


def _bounds(values: Iterator[float]) -> Bounds:
    gpu, cpu, memory = values
    return Bounds(
        None if gpu < 0 else round(gpu * 1000),
        None if cpu < 0 else round(cpu),
        None if memory < 0 else round(memory * 1_000_000),
    )


def _devices(gpus: float) -> int:
    return 1 if 0 < gpus < 1 else round(gpus)


def _device_milli(gpus: float) -> int:
    return round(gpus * 1000) if 0 < gpus < 1 else 1000


def _request(row: Row) -> Request:
    if row.get("best_effort"):
        return Request()
    gpus, memory_mib = row.get("gpus", 0), round(row.get("gpu_memory_mib", 0))
    devices = row.get("fraction_devices") if 0 < gpus < 1 or memory_mib else None
    return Request(
        devices=round(devices or (1 if memory_mib else _devices(gpus))),
        device_milli=1000 if memory_mib else _device_milli(gpus),
        cpu_millicores=round(row.get("cpu_cores", 1) * 1000),
        memory_bytes=round(row.get("memory_bytes", 1_000_000_000)),
        device_memory_mib=memory_mib,
    )


def _groups(root: Row | None, minimum: int | None) -> tuple[list[tuple[SubGroupSet, Row | None]], list[Row]]:
    """Sets and leaves of the sub-group tree, parents first."""
    if root is None:
        return [], [{"name": "", "min": minimum or 0, "parent": None}]
    if root["kind"] == "pods":
        return [], [{**root, "name": root.get("name", ""), "min": int(root.get("min", 1)), "parent": None}]
    sets: list[tuple[SubGroupSet, Row | None]] = []
    leaves: list[Row] = []

    def walk(row: Row, parent: int | None) -> None:
        for child in row.get("children", ()):
            if child["kind"] == "pods":
                leaves.append({**child, "min": int(child.get("min", 1)), "parent": parent})
                continue
            number, least = len(sets) + 1, child.get("min")
            item = SubGroupSet(number, child.get("name", ""), parent, None if least is None else int(least))
            sets.append((item, child.get("topology")))
            walk(child, number)

    walk(root, None)
    return sets, leaves or [{"name": "", "min": minimum or 0, "parent": None}]
