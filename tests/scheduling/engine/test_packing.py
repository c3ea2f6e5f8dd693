"""Packing: what is kept free for whom, and that remembered costs are right."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest

from scheduling.engine.packing import ACCOMPANY_TENTHS, STEP, STRANDED_WEIGHT, UNIT, FreeRoom, Packing, RequestClass

GIB = 1024**3


def kind(devices: int, milli: int = 1000, cores: int = 8, weight: int = 10, gib: int | None = None) -> RequestClass:
    return RequestClass(devices, milli, cores * 1000, (4 * cores if gib is None else gib) * GIB, weight)


def room(*nodes: tuple[Sequence[int], int], gib: int = 1024) -> FreeRoom:
    """Per node the free milli of its devices and its free cores."""
    most = max(len(devices) for devices, _ in nodes)
    return FreeRoom(
        np.array([[*devices, *[0] * (most - len(devices))] for devices, _ in nodes], np.int64).reshape(
            len(nodes), most
        ),
        np.array([cores * 1000 for _, cores in nodes]),
        np.full(len(nodes), gib * GIB),
        np.full(len(nodes), 110),
    )


def pack(free: FreeRoom, *classes: RequestClass, only: dict[int, set[int]] | None = None) -> Packing:
    """`only`: for a class the nodes that it may use; the others may use all."""
    nodes = len(free.pods)
    counts = [int((row > 0).sum()) for row in free.device_milli]
    eligible = [
        np.array([only is None or n not in only or node in only[n] for node in range(nodes)])
        for n in range(len(classes))
    ]
    return Packing(counts, free, classes, eligible)


WHOLE = [1000, 1000]


@pytest.mark.parametrize(("wanted", "node"), [(10, 1), (0, 0)])
def test_a_rare_model_is_kept_for_those_who_need_it(wanted: int, node: int) -> None:
    packing = pack(room((WHOLE, 32), (WHOLE, 32)), kind(1), kind(1, weight=wanted), only={1: {0}})
    assert packing.choose(0) == (node, (0,))
    assert packing.choose(1) == (0, (0,))


@pytest.mark.parametrize(("others", "node"), [(1, 0), (9, 1)])
def test_the_rarer_the_model_the_more_it_is_kept(others: int, node: int) -> None:
    """The rest of the first node's device fits exactly; a whole device elsewhere is worth more until it is the last."""
    free = room(([500], 64), *[(WHOLE, 64)] * others)
    packing = pack(free, kind(1, 500, weight=60), kind(1, 500, weight=10), kind(1, 1000, weight=30), only={1: {0}})
    assert packing.choose(0) == (node, (0,))


def test_much_cpu_is_taken_where_it_strands_no_gpu() -> None:
    """On both nodes every pod would fit after it, but not the pods for all GPUs of the first."""
    packing = pack(room(([1000] * 8, 96), ([1000] * 8, 128)), kind(1, cores=11, weight=99), kind(1, cores=32, weight=1))
    assert packing.choose(1) == (1, (0,))
    assert packing.choose(0) == (0, (0,))


def test_much_memory_is_taken_where_it_strands_no_gpu() -> None:
    free = room(([1000] * 8, 128), ([1000] * 8, 128), gib=96)
    free.memory_bytes[1] = 128 * GIB
    packing = pack(free, kind(1, gib=11, weight=99), kind(1, gib=32, weight=1))
    assert packing.choose(1) == (1, (0,))
    assert packing.choose(0) == (0, (0,))


def test_work_without_gpu_goes_where_no_gpu_is_then_where_cpu_abounds() -> None:
    packing = pack(room((WHOLE, 16), (WHOLE, 64), ([], 8)), kind(1), kind(0, 0, cores=8, weight=0))
    assert packing.choose(1) == (2, ())
    packing.take(2, (), 1)
    assert packing.choose(1) == (1, ())


def test_a_share_fills_a_started_device() -> None:
    packing = pack(room((WHOLE, 32), ([1000, 500, 700], 48)), kind(1, 500), kind(1, 1000), kind(1, 200))
    assert packing.choose(0) == (1, (1,))


def test_full_nodes_are_filled_before_whole_ones_are_broken() -> None:
    free = room(([1000] * 8, 96), ([0] * 7 + [1000], 12))
    packing = Packing([8, 8], free, [kind(1), kind(8, cores=88)], [np.array([True, True])] * 2)
    assert packing.choose(0) == (1, (7,))
    assert packing.choose(1) == (0, tuple(range(8)))


def test_several_devices_are_the_fullest_that_fit() -> None:
    packing = pack(room(([1000, 300, 600, 500], 64)), kind(2, 500))
    assert packing.choose(0) == (0, (2, 3))


def test_equal_costs_go_to_the_first_node_and_the_lowest_device() -> None:
    packing = pack(room((WHOLE, 32), (WHOLE, 32)), kind(1))
    assert packing.choose(0) == (0, (0,))


@pytest.mark.parametrize("lack", ["device", "cpu", "memory", "pods", "eligible"])
def test_none_where_something_lacks(lack: str) -> None:
    free = room(([1000, 400], 32))
    packing = pack(free, kind(1, 500), only={0: set()} if lack == "eligible" else None)
    if lack != "eligible":
        assert packing.choose(0) == (0, (0,))
    match lack:
        case "device":
            free.device_milli[0, 0] = 499
        case "cpu":
            free.cpu_millicores[0] = 7999
        case "memory":
            free.memory_bytes[0] = 32 * GIB - 1
        case "pods":
            free.pods[0] = 0
    packing.changed(0)
    assert packing.choose(0) is None


def test_more_bound_than_there_is_fits_nothing() -> None:
    packing = pack(room(([-300, 1000], -5), ([-300, 700], 32)), kind(1, 500), kind(2, 500), kind(0, 0))
    assert [packing.choose(cls) for cls in range(3)] == [(1, (1,)), None, (1, ())]


def test_without_demand_and_without_gpus_pods_still_find_a_node() -> None:
    assert pack(room((WHOLE, 32)), kind(1, weight=0), kind(2, weight=0)).choose(1) == (0, (0, 1))
    packing = pack(room(([], 32)), kind(1), kind(0, 0))
    assert (packing.choose(0), packing.choose(1)) == (None, (0, ()))


def test_arrays_of_other_lengths_are_refused() -> None:
    free = room((WHOLE, 32), (WHOLE, 32))
    with pytest.raises(ValueError, match="eligible"):
        Packing([2, 2], free, [kind(1)], [np.array([True])])
    with pytest.raises(ValueError, match="free"):
        Packing([2], free, [kind(1)], [np.array([True])])


CLASSES = (
    kind(1, 1000, 12, 30),
    kind(1, 470, 8, 12),
    kind(1, 810, 3, 20),
    kind(1, 160, 4, 3),
    kind(2, 1000, 20, 4),
    kind(2, 600, 10, 2),
    kind(4, 1000, 44, 2),
    kind(0, 0, 16, 9),
)
ONLY = {1: {0, 1, 4}, 4: {2, 3, 4}, 6: {3, 4}}
SIZES = (2, 2, 4, 4, 8, 0)


def cluster() -> FreeRoom:
    return room(*(([1000] * devices, 16 + 11 * devices) for devices in SIZES), gib=300)


def by_definition(free: FreeRoom, cls: int) -> tuple[int, int, tuple[int, ...]] | None:
    """Cost, node and devices by the formula of the module, one by one."""
    demand = [(n, c) for n, c in enumerate(CLASSES) if c.devices]
    weight_sum = sum(c.weight for _, c in demand)
    gpu = sum(c.weight * c.devices * c.device_milli for _, c in demand)
    rates = [
        10 * UNIT * gpu // (ACCOMPANY_TENTHS * sum(c.weight * need for (_, c), need in zip(demand, needs, strict=True)))
        for needs in ([c.cpu_millicores for _, c in demand], [c.memory_bytes >> 20 for _, c in demand])
    ]

    def may(n: int, node: int) -> bool:
        return n not in ONLY or node in ONLY[n]

    def potential(node: int, devices: Sequence[int], cpu: int, memory: int) -> int:
        total = 0
        for n, c in demand:
            open_devices = [milli for milli in devices if milli >= c.device_milli]
            if may(n, node) and len(open_devices) >= c.devices and cpu >= c.cpu_millicores and memory >= c.memory_bytes:
                reachable = sum(size for at, size in enumerate(SIZES) if may(n, at))
                total -= sum(open_devices) * (c.weight * UNIT * sum(SIZES) // (weight_sum * reachable))
        lost = max(
            0, *(sum(devices) * UNIT - have * rate for have, rate in zip((cpu, memory >> 20), rates, strict=True))
        )
        return total + STRANDED_WEIGHT * lost

    request = CLASSES[cls]
    found = []
    for node in range(len(SIZES)):
        devices, cpu, memory = free.device_milli[node].tolist(), free.cpu_millicores[node], free.memory_bytes[node]
        left = (int(cpu) - request.cpu_millicores, int(memory) - request.memory_bytes)
        open_devices = [device for device, milli in enumerate(devices) if milli >= request.device_milli]
        if not may(cls, node) or min(left) < 0 or len(open_devices) < request.devices:
            continue
        tightest = sorted(open_devices, key=lambda device: (devices[device], device))[: request.devices]
        for chosen in [[device] for device in open_devices] if request.devices == 1 else [tightest]:
            after = [milli - request.device_milli * (device in chosen) for device, milli in enumerate(devices)]
            cost = (potential(node, after, *left) - potential(node, devices, int(cpu), int(memory))) // STEP
            last = request.devices == 0 and SIZES[node] > 0
            found.append((last, cost, node, tuple(sorted(chosen))))
    return min(found)[1:] if found else None


def test_remembered_costs_choose_as_the_definition_and_as_fresh_ones() -> None:
    chance = random.Random(11)
    free = cluster()
    eligible = [np.array([n not in ONLY or node in ONLY[n] for node in range(len(SIZES))]) for n in range(len(CLASSES))]
    packing = Packing(SIZES, free, CLASSES, eligible)
    running: list[tuple[int, tuple[int, ...], int]] = []
    refused = 0
    for _ in range(150):
        cls = chance.randrange(len(CLASSES))
        choice = packing.choose(cls)
        assert choice == Packing(SIZES, free, CLASSES, eligible).choose(cls)
        expected = by_definition(free, cls)
        assert choice == (expected and expected[1:])
        if choice:
            packing.take(*choice, cls)
            running.append((*choice, cls))
        refused += choice is None
        if running and chance.random() < 0.3:
            packing.give_back(*running.pop(chance.randrange(len(running))))
    assert refused, "the cluster never became full: the case proves too little"
    while running:
        packing.give_back(*running.pop())
    for array, at_first in zip(
        (free.device_milli, free.cpu_millicores, free.memory_bytes, free.pods),
        (cluster().device_milli, cluster().cpu_millicores, cluster().memory_bytes, cluster().pods),
        strict=True,
    ):
        assert (array == at_first).all()
