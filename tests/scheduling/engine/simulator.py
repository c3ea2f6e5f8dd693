"""The world around the engine at its smallest: what is decided happens, and what was stopped asks again."""

from __future__ import annotations

from dataclasses import replace

from scheduling.engine import decide
from scheduling.engine.decisions import Decisions
from scheduling.engine.types import Pod, PodState, Snapshot, Workload

STEP_MS = 1000


def advance(snapshot: Snapshot, decisions: Decisions) -> Snapshot:
    """The next snapshot: pods stop for one step and are pending after it."""
    places = {place.pod: place for place in decisions.places}
    reserves = {reserve.pod: reserve for reserve in decisions.reserves}
    evicted = {evict.pod for evict in decisions.evicts}

    def next_pod(pod: Pod) -> Pod:
        if pod.id in places:
            return Pod(pod.id, PodState.BOUND, places[pod.id].node, places[pod.id].devices, request=pod.request)
        if pod.id in evicted and pod.id in reserves:
            kept = reserves[pod.id]
            return replace(pod, state=PodState.RELEASING, reserved_node=kept.node, reserved_devices=kept.devices)
        if pod.id in reserves:
            kept = reserves[pod.id]
            return replace(pod, reserved_node=kept.node, reserved_devices=kept.devices)
        if pod.id in evicted:
            return replace(pod, state=PodState.RELEASING)
        if pod.state is PodState.RELEASING:
            return replace(pod, state=PodState.PENDING, node=None, devices=())
        return pod

    def next_workload(workload: Workload) -> Workload:
        groups = tuple(replace(group, pods=tuple(map(next_pod, group.pods))) for group in workload.sub_groups)
        was, runs = _bound(workload), any(pod.state is PodState.BOUND for group in groups for pod in group.pods)
        started_ms = (workload.started_ms if was else snapshot.now_ms) if runs else None
        return replace(workload, sub_groups=groups, started_ms=started_ms)

    return replace(snapshot, now_ms=snapshot.now_ms + STEP_MS, workloads=tuple(map(next_workload, snapshot.workloads)))


def settle(snapshot: Snapshot, most_cycles: int) -> tuple[Snapshot, Decisions, int]:
    """Cycles until nothing is decided any more and nothing is stopping; fails after `most_cycles`."""
    for cycles in range(most_cycles):
        decisions = decide(snapshot)
        stopping = any(pod.state is PodState.RELEASING for pod in pods(snapshot))
        if not (decisions.places or decisions.reserves or decisions.evicts or stopping):
            return snapshot, decisions, cycles
        snapshot = advance(snapshot, decisions)
    raise AssertionError(f"No rest after {most_cycles} cycles.")


def pods(snapshot: Snapshot) -> list[Pod]:
    return [pod for workload in snapshot.workloads for group in workload.sub_groups for pod in group.pods]


def _bound(workload: Workload) -> bool:
    return any(pod.state is PodState.BOUND for group in workload.sub_groups for pod in group.pods)
