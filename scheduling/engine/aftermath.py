"""What a cycle leaves: its decisions done, in the snapshot that it was made from."""

from __future__ import annotations

from dataclasses import replace

from .decisions import Decisions
from .types import Pod, PodState, Snapshot, Workload


def after(snapshot: Snapshot, decisions: Decisions) -> Snapshot:
    """The snapshot as its cycle left it: what was placed is bound, what was evicted is stopping, what was reserved is
    kept. At the same moment; nothing has stopped yet."""
    if not (decisions.places or decisions.reserves or decisions.evicts or decisions.withdrawn):
        return snapshot
    places = {place.pod: place for place in decisions.places}
    reserves = {reserve.pod: reserve for reserve in decisions.reserves}
    evicted = {evict.pod for evict in decisions.evicts}
    withdrawn = set(decisions.withdrawn)
    touched = {place.workload for place in decisions.places}
    touched |= {reserve.workload for reserve in decisions.reserves} | {evict.workload for evict in decisions.evicts}

    def next_pod(pod: Pod) -> Pod:
        if pod.id in places:
            place = places[pod.id]
            return replace(
                pod,
                state=PodState.BOUND,
                node=place.node,
                devices=place.devices,
                reserved_node=None,
                reserved_devices=(),
            )
        if pod.id in evicted:
            pod = replace(pod, state=PodState.RELEASING)
        if pod.id in withdrawn:
            pod = replace(pod, reserved_node=None, reserved_devices=())
        if pod.id in reserves:
            room = reserves[pod.id]
            pod = replace(pod, reserved_node=room.node, reserved_devices=room.devices)
        return pod

    def next_workload(workload: Workload) -> Workload:
        if workload.id not in touched and not withdrawn:
            return workload
        groups = tuple(replace(group, pods=tuple(map(next_pod, group.pods))) for group in workload.sub_groups)
        was, runs = _runs(workload), any(pod.state is PodState.BOUND for group in groups for pod in group.pods)
        started_ms = workload.started_ms if was or not runs else snapshot.now_ms
        return replace(workload, sub_groups=groups, started_ms=started_ms)

    return replace(snapshot, workloads=tuple(map(next_workload, snapshot.workloads)))


def _runs(workload: Workload) -> bool:
    return any(pod.state is PodState.BOUND for group in workload.sub_groups for pod in group.pods)
