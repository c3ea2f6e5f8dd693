"""The engine alone: one core, no I/O."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace

from scheduling.engine import decide
from scheduling.engine.types import Amounts, Bounds, Node, Pod, PodState, Request, Snapshot, SubGroup, Unit, Workload
from tests.bench.measure import Figure, measurement

ROUNDS = 5
GIB = 1024**3


def cluster(nodes: int, workloads: int, projects: int = 16) -> Snapshot:
    """A pool of 8-GPU nodes and preemptible one-GPU to eight-GPU workloads, all waiting, the same every time."""
    chance = random.Random(7)
    departments = [
        Unit(1 + number, None, f"d{number}", created_ms=number, quota=Bounds(nodes * 8000 // 4)) for number in range(4)
    ]
    leaves = [
        Unit(10 + number, 1 + number % 4, f"p{number}", created_ms=number, quota=Bounds(nodes * 8000 // projects))
        for number in range(projects)
    ]
    waiting = []
    for number in range(workloads):
        request = Request(chance.choice((1, 1, 1, 2, 4, 8)), 1000, 4000, 16 * GIB)
        group = SubGroup(number, request, 1, (Pod(number),))
        unit = 10 + chance.randrange(projects)
        waiting.append(Workload(number, unit, f"w{number}", 50, True, number, (group,)))
    machines = tuple(Node(n, f"n{n:04}", 8, Amounts(8000, 128_000, 1024 * GIB), 110) for n in range(nodes))
    return Snapshot(1, 10_000_000, machines, (*departments, *leaves), tuple(waiting))


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
        return replace(workload, sub_groups=groups, started_ms=0)

    return replace(snapshot, workloads=tuple(run(workload) for workload in snapshot.workloads))


def median_ms(snapshot: Snapshot) -> float:
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        decide(snapshot)
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)


@measurement
def engine_cycle() -> Iterator[Figure]:
    """The obvious engine at the size of the demo and of a small installation; the targets are for these sizes only."""
    for nodes, workloads, target in ((24, 100, 100.0), (40, 300, 200.0)):
        fresh = cluster(nodes, workloads)
        yield Figure(f"cycle, {nodes} nodes, {workloads} waiting, empty", median_ms(fresh), "ms", target)
        full = with_what_was_placed(fresh)
        yield Figure(f"cycle, {nodes} nodes, {workloads} workloads, full", median_ms(full), "ms", target)
