"""Why a workload waits: one dominant reason with its figures, true of the state it is computed from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from . import gang
from .arithmetic import RESOURCES, Numbers, total
from .cycle import Cycle
from .decisions import Wait, WaitCode
from .gang import Chunk
from .ledger import NodeState, Room
from .placement import (
    POD_SLOTS,
    capacity_for,
    fit_in_turn,
    free_now,
    free_pod_slots,
    lacking,
    largest_first,
    usable_devices,
)
from .policy import refusal
from .types import Amounts, Node, Request, Workload


def waits(cycle: Cycle) -> tuple[Wait, ...]:
    """Of every workload that waits, in the order of the snapshot. Nothing that could start may be left."""
    found: list[Wait] = []
    seen: dict[tuple[object, ...], Wait] = {}
    for workload in cycle.snapshot.workloads:
        if not gang.waits(cycle.ledger, workload):
            continue
        chunk = gang.next_chunk(cycle.ledger, workload)
        if chunk is None:
            found.append(_incomplete(cycle, workload))
            continue
        shape = cycle.shape(workload, chunk)
        if shape not in seen:
            kept = cycle.set_aside(chunk)
            seen[shape] = _room_reserved(cycle, workload, kept) or _explain(cycle, workload, chunk)
            cycle.keep(kept)
        wait = seen[shape]
        found.append(Wait(workload.id, wait.code, wait.numbers))
    return tuple(found)


def _incomplete(cycle: Cycle, workload: Workload) -> Wait:
    for group in workload.sub_groups:
        pods = len(gang.pending(cycle.ledger, group)) + len(gang.bound(cycle.ledger, group))
        if pods < group.min_members:
            break
    return Wait(workload.id, WaitCode.INCOMPLETE, {"pods": pods, "minimum": group.min_members})


def _room_reserved(cycle: Cycle, workload: Workload, rooms: dict[int, Room]) -> Wait | None:
    nodes = {room.node for room in rooms.values()}
    stopping = sum(room.node in nodes for room in cycle.ledger.stopping.values())
    return Wait(workload.id, WaitCode.ROOM_RESERVED, {"nodes": len(nodes), "pods": stopping}) if stopping else None


def _explain(cycle: Cycle, workload: Workload, chunk: Chunk) -> Wait:
    if refused := refusal(cycle.ledger, cycle.tree, workload, chunk.asked):
        return Wait(workload.id, refused.code, refused.numbers)
    ready = [state for state in cycle.ledger.nodes.values() if state.node.ready]
    if not ready:
        return Wait(workload.id, WaitCode.NO_READY_NODE, {"nodes": len(cycle.ledger.nodes)})
    return (
        _never_fits(cycle, workload, chunk)
        or _short(workload, chunk, ready)
        or _fragmented(cycle, workload, chunk, ready)
    )


def _never_fits(cycle: Cycle, workload: Workload, chunk: Chunk) -> Wait | None:
    """Resource by resource: `largest` is the most on one of the nodes that have enough of the resources before."""
    for request in dict.fromkeys(cycle.ledger.request(pod) for pod in chunk.pods):
        nodes = [capacity_for(state.node, request) for state in cycle.ledger.nodes.values()]
        for resource, asked in enumerate(request.amounts):
            largest = max(capacity[resource] for capacity in nodes)
            if asked > largest:
                numbers: Numbers = {"resource": RESOURCES[resource], "requested": asked, "largest": largest}
                return Wait(workload.id, WaitCode.NEVER_FITS, numbers)
            nodes = [capacity for capacity in nodes if capacity[resource] >= asked]
    return None


def _short(workload: Workload, chunk: Chunk, ready: Sequence[NodeState]) -> Wait | None:
    free = total(free_now(state) for state in ready)
    for resource, asked in enumerate(chunk.asked):
        if asked > free[resource]:
            numbers: Numbers = {
                "resource": RESOURCES[resource],
                "requested": asked,
                "free": free[resource],
                "short": asked - free[resource],
            }
            return Wait(workload.id, WaitCode.SHORT, numbers)
    return None


def _fragmented(cycle: Cycle, workload: Workload, chunk: Chunk, ready: Sequence[NodeState]) -> Wait:
    """Judged by the first pod that finds no room, beside those of the workload that ask for something larger."""
    ledger = cycle.ledger
    rooms = fit_in_turn(ledger, cycle.snapshot, chunk.pods, now=True, preferred={})
    request = ledger.request(next(pod for pod in largest_first(ledger, chunk.pods) if pod not in rooms))
    alike = [pod for pod in rooms if ledger.request(pod) == request]
    big_enough = [state for state in ready if _is_big_enough(state.node, request)] or ready

    for pod, room in rooms.items():
        ledger.bind(pod, room)
    missing = Counter(lacking(state, request) for state in big_enough)
    for pod in alike:
        ledger.unbind(pod)
    resource = max((*RESOURCES, POD_SLOTS), key=lambda name: missing[name])
    free = [_free_of(state, resource) for state in ready]
    largest = max(_usable_of(state, request, resource) for state in ready)
    for pod in rooms:
        if pod not in alike:
            ledger.unbind(pod)

    numbers: Numbers = {
        "resource": resource,
        "requested": _by_name(request.amounts, resource, 1),
        "pods": sum(ledger.request(pod) == request for pod in chunk.pods),
        "slots": len(alike),
        "free": sum(free),
        "largest": largest,
    }
    return Wait(workload.id, WaitCode.FRAGMENTED, numbers)


def _is_big_enough(node: Node, request: Request) -> bool:
    capacity = capacity_for(node, request)
    return all(asked <= capacity[resource] for resource, asked in enumerate(request.amounts))


def _free_of(state: NodeState, resource: str) -> int:
    return _by_name(free_now(state), resource, free_pod_slots(state))


def _usable_of(state: NodeState, request: Request, resource: str) -> int:
    """Of GPUs only whole parts that such a pod could use."""
    free = _free_of(state, resource)
    if resource != RESOURCES[0]:
        return free
    return min(free, len(usable_devices(state, request, now=True)) * request.device_milli)


def _by_name(amounts: Amounts, resource: str, pod_slots: int) -> int:
    return pod_slots if resource == POD_SLOTS else amounts[RESOURCES.index(resource)]
