"""Pools of the sizes and shapes that the engine is measured on, the same every time."""

from __future__ import annotations

import random
from dataclasses import replace

from scheduling.engine import decide
from scheduling.engine.types import (
    Amounts,
    Bounds,
    Near,
    Node,
    Pod,
    PodRule,
    PodState,
    Request,
    Snapshot,
    SubGroup,
    Topology,
    Unit,
    Workload,
)

GIB = 1024**3
NOW_MS = 1_000_000_000
ONE = Request(1, 1000, 1000, GIB)
MACHINE = Amounts(8000, 128_000, 1024 * GIB)


def machines(count: int) -> tuple[Node, ...]:
    return tuple(Node(number, f"n{number:05}", 8, MACHINE, 110) for number in range(count))


def work(
    number: int, unit: int, request: Request, pods: int = 1, *, on: tuple[tuple[int, tuple[int, ...]], ...] = ()
) -> Workload:
    """A preemptible gang, running on these nodes and devices, or pending."""
    members = tuple(
        Pod(number * 100 + index, PodState.BOUND, *on[index]) if on else Pod(number * 100 + index)
        for index in range(pods)
    )
    group = SubGroup(number, request, pods, members)
    return Workload(number, unit, f"w{number}", 50, True, number, (group,), started_ms=0 if on else None)


def running_ones(count: int, first: int, unit_of: int, units: int) -> list[Workload]:
    """One-GPU workloads that fill nodes one after the other."""
    return [
        work(first + number, unit_of + number % units, ONE, on=((number // 8, (number % 8,)),))
        for number in range(count)
    ]


def pool(nodes: int, units: list[Unit], workloads: list[Workload]) -> Snapshot:
    return Snapshot(1, NOW_MS, machines(nodes), tuple(units), tuple(workloads))


def project(number: int, parent: int, quota_gpus: int) -> Unit:
    return Unit(1000 + number, parent, f"p{number}", created_ms=number, quota=Bounds(quota_gpus * 1000))


def department(number: int, quota_gpus: int) -> Unit:
    return Unit(1 + number, None, f"d{number}", created_ms=number, quota=Bounds(quota_gpus * 1000))


def to_allocate(nodes: int) -> Snapshot:
    """8 N one-GPU pods of 40 projects in 8 departments, on N empty nodes."""
    units = [department(number, nodes) for number in range(8)]
    units += [project(number, 1 + number % 8, nodes // 5) for number in range(40)]
    return pool(nodes, units, [work(number, 1000 + number % 40, ONE) for number in range(8 * nodes)])


def in_racks(snapshot: Snapshot) -> Snapshot:
    """The same with 20 nodes to a rack."""
    nodes = tuple(
        replace(node, labels=(("kubernetes.io/hostname", node.name), ("rack", f"r{node.id // 20:03}")))
        for node in snapshot.nodes
    )
    return replace(snapshot, nodes=nodes, topologies=(Topology(1, ("rack",)),))


def in_one_rack(workload: Workload) -> Workload:
    return replace(workload, near=Near(1, "rack"))


def one_to_a_node(workload: Workload) -> Workload:
    (group,) = workload.sub_groups
    own = (("app", "lonely"),)
    rule = PodRule("kubernetes.io/hostname", own)
    return replace(workload, sub_groups=(replace(group, request=replace(group.request, labels=own, apart=(rule,))),))


def to_reclaim_for_a_gang(nodes: int) -> Snapshot:
    """One gang of N/2 pods of 8 GPUs, where 8 N one-GPU pods run."""
    units = [department(0, 8 * nodes), project(0, 1, 4 * nodes), project(1, 1, 4 * nodes)]
    number = 8 * nodes
    members = tuple(Pod(number * 100 + index) for index in range(nodes // 2))
    gang = Workload(
        number,
        1001,
        "gang",
        50,
        True,
        number,
        (SubGroup(number, Request(8, 1000, 8000, 8 * GIB), nodes // 2, members),),
    )
    return pool(nodes, units, [*running_ones(number, 0, 1000, 1), gang])


def to_reclaim_one_by_one(nodes: int) -> Snapshot:
    """8 N one-GPU pods of one project running over quota, 8 N one-GPU pending of nine others."""
    units = [department(0, 8 * nodes), project(0, 1, 0)]
    units += [project(number, 1, 8 * nodes // 9) for number in range(1, 10)]
    count = 8 * nodes
    pending = [work(count + number, 1001 + number % 9, ONE) for number in range(count)]
    return pool(nodes, units, [*running_ones(count, 0, 1000, 1), *pending])


def full(nodes: int) -> Snapshot:
    """Ten projects that have exactly their quotas, and 4 N one-GPU pods pending."""
    units = [department(0, 8 * nodes), *[project(number, 1, 8 * nodes // 10) for number in range(10)]]
    pending = [work(8 * nodes + number, 1000 + number % 10, ONE) for number in range(4 * nodes)]
    return pool(nodes, units, [*running_ones(8 * nodes, 0, 1000, 10), *pending])


def mixed(nodes: int, pending_pods: int) -> Snapshot:
    """A pool 95 % full, whose work is of half of 1,000 projects; gangs of 1 to 64 pods of some eighty classes wait."""
    chance = random.Random(17)
    departments, each = 50, 20
    shares = [[chance.random() + 0.1 for _ in range(each)] for _ in range(departments)]
    total = sum(map(sum, shares))
    quotas = [[int(share / total * nodes * 8 * 0.8 * 1000) for share in row] for row in shares]
    units = [Unit(1 + number, None, f"d{number}", number, quota=Bounds(sum(row))) for number, row in enumerate(quotas)]
    units += [
        Unit(1000 + number * each + index, 1 + number, f"p{number}-{index}", index, quota=Bounds(quota))
        for number, row in enumerate(quotas)
        for index, quota in enumerate(row)
    ]
    projects = departments * each
    early = _gangs(chance, 0, [1000 + 2 * number for number in range(projects // 2)], gpus=int(nodes * 8 * 0.97))
    start = pool(nodes, units, early)
    running = [workload for workload in with_what_was_placed(start).workloads if workload.started_ms is not None]
    waiting = _gangs(chance, 1_000_000, list(range(1000, 1000 + projects)), pods=pending_pods)
    return replace(start, workloads=(*running, *waiting))


def _gangs(
    chance: random.Random, first: int, units: list[int], *, gpus: int = 1 << 60, pods: int = 1 << 60
) -> list[Workload]:
    found: list[Workload] = []
    while gpus > 0 and pods > 0:
        size = chance.choice([1] * 12 + [2, 2, 4, 4, 8, 8, 16, 32, 64])
        devices = chance.choice([1, 1, 2, 4, 8]) if size > 1 else chance.choice([0, 1, 1, 1, 2, 4, 8])
        milli = chance.choice([250, 500, 1000, 1000]) if size == devices == 1 else 1000
        shape = chance.choice([1, 2, 4])
        request = Request(devices, milli, 1000 * shape * max(devices, 1), 4 * GIB * shape * max(devices, 1))
        found.append(work(first + len(found), chance.choice(units), request, size))
        gpus -= size * devices
        pods -= size
    return found


def with_what_was_placed(snapshot: Snapshot) -> Snapshot:
    """The snapshot of the next cycle, everything placed running."""
    places = {place.pod: place for place in decide(snapshot).places}

    def run(workload: Workload) -> Workload:
        groups = tuple(
            replace(
                group,
                pods=tuple(
                    Pod(pod.id, PodState.BOUND, places[pod.id].node, places[pod.id].devices)
                    if pod.id in places
                    else pod
                    for pod in group.pods
                ),
            )
            for group in workload.sub_groups
        )
        is_running = any(pod.id in places for group in workload.sub_groups for pod in group.pods)
        return replace(workload, sub_groups=groups, started_ms=0 if is_running else None)

    return replace(snapshot, workloads=tuple(run(workload) for workload in snapshot.workloads))
