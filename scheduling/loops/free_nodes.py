"""What is free on the nodes of a pool after a cycle: the loop's answer to where else something would fit."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from scheduling.asking import HOSTNAME
from scheduling.engine.types import NOTHING, Amounts, Node, Request
from scheduling.quantities import DEVICE_MILLI, device_share_milli

from .cycle import Cycle

Labels = tuple[tuple[str, str], ...]
FreeRow = list[int]
"""Of nodes that are alike: the id of one of them, free whole GPUs, the largest free part of a shared GPU in milli, free
millicores, bytes and pod slots, how many such nodes there are."""


@dataclass(frozen=True, slots=True)
class NodeRoom:
    """What is free on one ready node."""

    node: Node
    gpus: int
    """Whole ones."""
    share_milli: int
    """The largest free part of a shared GPU."""
    cpu_millicores: int
    memory_bytes: int
    pods: int
    is_kept: bool
    """Room on it is kept for somebody."""


def node_rooms(cycle: Cycle) -> list[NodeRoom]:
    """Of the ready nodes, in their order, once what the cycle decided has happened."""
    nodes = {node.id: node for node in cycle.snapshot.nodes}
    devices: dict[int, Counter[int]] = defaultdict(Counter)
    taken: dict[int, Amounts] = defaultdict(lambda: NOTHING)
    pods: Counter[int] = Counter()
    kept = {item.node for item in cycle.decisions.reserves}
    placed = {item.pod: (item.node, item.devices) for item in cycle.decisions.places}
    for workload in cycle.snapshot.workloads:
        for group in workload.sub_groups:
            for pod in group.pods:
                if pod.reserved_node is not None and pod.id not in placed:
                    kept.add(pod.reserved_node)
                place, held = placed.get(pod.id, (pod.node, pod.devices))
                if place is None:
                    continue
                request = pod.request or group.request
                milli = _milli(request, nodes.get(place))
                gpu, cpu, memory = taken[place]
                taken[place] = Amounts(
                    gpu + request.devices * milli, cpu + request.cpu_millicores, memory + request.memory_bytes
                )
                pods[place] += 1
                for device in held:
                    devices[place][device] += milli
    return [
        _room(node, devices[node.id], taken[node.id], pods[node.id], node.id in kept)
        for node in cycle.snapshot.nodes
        if node.ready
    ]


def _milli(request: Request, node: Node | None) -> int:
    if not request.device_memory_mib:
        return request.device_milli
    return device_share_milli(request.device_memory_mib, node.device_memory_mib if node else 0)


def _room(node: Node, used: Counter[int], taken: Amounts, pods: int, is_kept: bool) -> NodeRoom:
    left = max(node.capacity.gpu_milli - taken.gpu_milli, 0)
    others = dict(node.taken)
    free = [max(DEVICE_MILLI - used[device] - others.get(device, 0), 0) for device in range(node.devices)]
    gpus = min(sum(milli == DEVICE_MILLI for milli in free), left // DEVICE_MILLI)
    shares = [milli for milli in free if milli < DEVICE_MILLI] if gpus else free
    return NodeRoom(
        node=node,
        gpus=gpus,
        share_milli=min(max(shares, default=0), left),
        cpu_millicores=max(node.capacity.cpu_millicores - taken.cpu_millicores, 0),
        memory_bytes=max(node.capacity.memory_bytes - taken.memory_bytes, 0),
        pods=max(node.pod_slots - pods, 0),
        is_kept=is_kept,
    )


def free_slots(rooms: Iterable[NodeRoom]) -> dict[str, int]:
    """How many nodes have so many whole GPUs free, and the largest free share of a GPU under "share"."""
    slots: Counter[str] = Counter()
    share = 0
    for room in rooms:
        if room.node.devices:
            slots[str(room.gpus)] += 1
            share = max(share, DEVICE_MILLI if room.gpus else room.share_milli)
    slots["share"] = share
    return dict(slots)


def free_rows(rooms: Iterable[NodeRoom]) -> list[FreeRow]:
    """Nodes that are alike, and have the same free, in one row. Where room is kept for somebody nothing is offered."""
    first: dict[tuple[Labels, tuple[object, ...], int], int] = {}
    counts: Counter[tuple[int, ...]] = Counter()
    for room in rooms:
        node = room.node
        kind = first.setdefault((_shared(node.labels, node.name), node.taints, node.device_memory_mib), node.id)
        free = (room.gpus, room.share_milli, room.cpu_millicores, room.memory_bytes, room.pods)
        counts[kind, *((0,) * len(free) if room.is_kept else free)] += 1
    return [[*row, count] for row, count in sorted(counts.items())]


@lru_cache(maxsize=32_768)
def _shared(labels: Labels, name: str) -> Labels:
    """Labels without those that are the node's own."""
    return tuple((key, value) for key, value in labels if key != HOSTNAME and value != name)
