"""Whether the parts of a snapshot fit together: that of a loop always do, that of a file need not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from scheduling.engine.types import Node, Snapshot, Unit, Workload

MOST_DEVICES = 1024
MOST_AMOUNT = 1 << 53
MOST_MS = 1 << 47
"""Some thousand years."""


def inconsistency(snapshot: Snapshot) -> str:
    """The first thing that is wrong, in words; empty where nothing is."""
    return next(_problems(snapshot), "")


def _problems(snapshot: Snapshot) -> Iterator[str]:
    if not 0 <= snapshot.now_ms < MOST_MS:
        yield "its time is none"
    yield from _twice("nodes", (node.id for node in snapshot.nodes))
    yield from _twice("units", (unit.id for unit in snapshot.units))
    yield from _twice("workloads", (workload.id for workload in snapshot.workloads))
    yield from _twice(
        "pods", (pod.id for item in snapshot.workloads for group in item.sub_groups for pod in group.pods)
    )
    for node in snapshot.nodes:
        yield from _of_node(node)
    yield from _of_units(snapshot.units)
    leaves = {unit.id for unit in snapshot.units} - {unit.parent for unit in snapshot.units}
    for workload in snapshot.workloads:
        if workload.unit not in leaves:
            yield f"workload {workload.id} belongs to unit {workload.unit}, which is no project in it"
        yield from _of_workload(workload)


def _twice(what: str, ids: Iterable[int]) -> Iterator[str]:
    seen: set[int] = set()
    for pk in ids:
        if pk in seen:
            yield f"two {what} have the number {pk}"
        seen.add(pk)


def _of_node(node: Node) -> Iterator[str]:
    if not 0 <= node.devices <= MOST_DEVICES:
        yield f"node {node.id} has {node.devices} GPUs"
    if not all(0 <= amount < MOST_AMOUNT for amount in (*node.capacity, node.pod_slots, node.device_memory_mib)):
        yield f"node {node.id} has an amount that no node has"


def _of_units(units: Iterable[Unit]) -> Iterator[str]:
    seen: set[int] = set()
    for unit in units:
        if unit.parent is not None and unit.parent not in seen:
            yield f"unit {unit.id} comes before unit {unit.parent}, which it is in, or that is missing"
        seen.add(unit.id)


def _of_workload(workload: Workload) -> Iterator[str]:
    sets: set[int | None] = {None}
    for item in workload.sets:
        if item.parent not in sets:
            yield f"workload {workload.id} has a set in set {item.parent}, which is missing"
        sets.add(item.id)
    for group in workload.sub_groups:
        if group.parent not in sets:
            yield f"workload {workload.id} has a sub-group in set {group.parent}, which is missing"
        request = group.request
        amounts = (request.devices, request.device_milli, *request.amounts, request.device_memory_mib)
        if not all(0 <= amount < MOST_AMOUNT for amount in amounts):
            yield f"workload {workload.id} asks for an amount that nothing has"
