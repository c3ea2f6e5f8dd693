"""The node and the devices for a pod: every node is looked at, the best that fits is taken.

Bin-pack takes the fullest node and device that fit, so that large rooms stay whole; spread takes the emptiest. Work
without GPU prefers nodes without GPUs. Equal nodes are told apart by name, equal devices by number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .arithmetic import Ratio, total
from .ledger import DEVICE_MILLI, Ledger, NodeState, Room
from .types import Amounts, Node, Placement, Request, Snapshot

POD_SLOTS = "pods"
"""Named like a resource where a node can take no further pod whatever it asks for."""


def fit(
    ledger: Ledger, snapshot: Snapshot, pods: Sequence[int], *, now: bool, preferred: Mapping[int, Room]
) -> dict[int, Room] | None:
    """Rooms for all the pods together, or None. The ledger is left as it was found.

    `now`: rooms that are free at once; otherwise rooms that are free when everything that is stopping has gone. A pod
    takes its `preferred` room where that one fits.
    """
    if len(pods) > 1 and not _enough_in_sum(ledger, pods, now=now):
        return None
    rooms = fit_in_turn(ledger, snapshot, pods, now=now, preferred=preferred)
    return rooms if len(rooms) == len(pods) else None


def fit_in_turn(
    ledger: Ledger, snapshot: Snapshot, pods: Sequence[int], *, now: bool, preferred: Mapping[int, Room]
) -> dict[int, Room]:
    """Like `fit`, with the rooms of the pods before the first that finds none. The largest pods choose first."""
    rooms: dict[int, Room] = {}
    for pod in largest_first(ledger, pods):
        room = _room(ledger, snapshot, ledger.request(pod), preferred.get(pod), now=now)
        if room is None:
            break
        rooms[pod] = room
        ledger.bind(pod, room)
    for pod in rooms:
        ledger.unbind(pod)
    return rooms


def largest_first(ledger: Ledger, pods: Sequence[int]) -> list[int]:
    return sorted(pods, key=lambda pod: ledger.request(pod).amounts, reverse=True)


def lacking(state: NodeState, request: Request) -> str | None:
    """The first resource of which the node has too little for one such pod now; `POD_SLOTS` where those are used up."""
    free = free_now(state)
    if free.gpu_milli < request.amounts.gpu_milli or len(usable_devices(state, request, now=True)) < request.devices:
        return "gpu_milli"
    if free.cpu_millicores < request.cpu_millicores:
        return "cpu_millicores"
    if free.memory_bytes < request.memory_bytes:
        return "memory_bytes"
    return POD_SLOTS if free_pod_slots(state) < 1 else None


def capacity_for(node: Node, request: Request) -> Amounts:
    """What an empty node could give to one such pod; of its GPUs only the asked part of each."""
    return node.capacity._replace(gpu_milli=min(node.capacity.gpu_milli, node.devices * request.device_milli))


def free_now(state: NodeState) -> Amounts:
    """What is neither occupied nor reserved."""
    return Amounts(*(max(0, min(views)) for views in zip(state.now.amounts, state.later.amounts, strict=True)))


def free_pod_slots(state: NodeState) -> int:
    return max(0, min(state.now.pod_slots, state.later.pod_slots))


def usable_devices(state: NodeState, request: Request, *, now: bool) -> list[int]:
    """Devices with room for the pod's share of one."""
    need, occupied = request.device_milli, state.now.devices
    return [
        device
        for device, free in enumerate(state.later.devices)
        if free >= need and (not now or occupied[device] >= need)
    ]


def _room(ledger: Ledger, snapshot: Snapshot, request: Request, preferred: Room | None, *, now: bool) -> Room | None:
    if preferred and _has_room(ledger.nodes[preferred.node], request, preferred.devices, now=now):
        return preferred
    strategy = snapshot.gpu_placement if request.devices else snapshot.cpu_placement
    best: tuple[Any, ...] | None = None
    for state in ledger.nodes.values():
        if not state.node.ready or not _amounts_fit(state, request, now=now):
            continue
        devices = _devices(state, request, strategy, now=now)
        if devices is None:
            continue
        key = (*_preference(state, request, devices, strategy), state.node.name, state.node.id)
        if best is None or key < best[0]:
            best = (key, Room(state.node.id, devices))
    return best[1] if best else None


def _enough_in_sum(ledger: Ledger, pods: Sequence[int], *, now: bool) -> bool:
    """Spares looking for rooms one by one where the free resources do not even add up."""
    views = ((state.now if now else state.later).amounts for state in ledger.nodes.values() if state.node.ready)
    free = total(Amounts(*(max(0, amount) for amount in view)) for view in views)
    asked = total(ledger.request(pod).amounts for pod in pods)
    return all(have >= need for have, need in zip(free, asked, strict=True))


def _has_room(state: NodeState, request: Request, devices: Sequence[int], *, now: bool) -> bool:
    spaces = (state.now, state.later) if now else (state.later,)
    return (
        state.node.ready
        and len(devices) == request.devices
        and _amounts_fit(state, request, now=now)
        and all(space.devices[device] >= request.device_milli for space in spaces for device in devices)
    )


def _amounts_fit(state: NodeState, request: Request, *, now: bool) -> bool:
    asked = request.amounts
    for space in (state.later, state.now) if now else (state.later,):
        free = space.amounts
        if space.pod_slots < 1 or any(need > free[index] for index, need in enumerate(asked) if need):
            return False
    return True


def _devices(state: NodeState, request: Request, strategy: Placement, *, now: bool) -> tuple[int, ...] | None:
    """Distinct devices with room for the pod's share of each; None where there are too few."""
    if not request.devices:
        return ()
    free, fitting = state.later.devices, usable_devices(state, request, now=now)
    if len(fitting) < request.devices:
        return None
    fullest_first = 1 if strategy is Placement.BINPACK else -1
    fitting.sort(key=lambda device: (fullest_first * free[device], device))
    return tuple(sorted(fitting[: request.devices]))


def _preference(state: NodeState, request: Request, devices: Sequence[int], strategy: Placement) -> tuple[Any, ...]:
    """Less is better."""
    free, capacity = state.later.amounts, state.node.capacity
    if not request.devices:
        has_devices = state.node.devices > 0
        if strategy is Placement.BINPACK:
            return has_devices, free.cpu_millicores
        return has_devices, Ratio(-free.cpu_millicores, capacity.cpu_millicores)
    if strategy is Placement.BINPACK:
        opened = sum(state.later.devices[device] == DEVICE_MILLI for device in devices)
        return opened, free.gpu_milli
    return 0, Ratio(-free.gpu_milli, capacity.gpu_milli)
