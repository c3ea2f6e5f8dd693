"""The engine alone: one core, no I/O, every rule switched on.

A cycle is the first `Engine.decide` of a state made beforehand: a second would only repeat the answer, for nothing has
changed. "Built anew" is making the state from a snapshot. Times are of the process, the smallest of a few rounds, with
the collector off.
"""

from __future__ import annotations

import gc
import math
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from statistics import median
from typing import TypeVar

from scheduling.engine import Engine, Options, decide
from scheduling.engine.explain import Explainer, settled
from scheduling.engine.types import Pod, Snapshot, Workload
from tests.bench import pools
from tests.bench.measure import Figure, measurement

T = TypeVar("T")
UNBOUNDED = Options(search_steps=1 << 60)
"""The whole work in one cycle."""
OBVIOUS = Options(obvious=True, search_steps=1 << 60)


def seconds(make: Callable[[], T], use: Callable[[T], object], rounds: int = 3) -> float:
    """What `use` takes of what `make` makes anew for each round."""
    best = math.inf
    for _ in range(rounds):
        made = make()
        gc.collect()
        gc.freeze()
        gc.disable()
        begun = time.process_time()
        use(made)
        best = min(best, time.process_time() - begun)
        gc.enable()
        gc.unfreeze()
    return best


def cycle(snapshot: Snapshot, options: Options = UNBOUNDED, rounds: int = 3) -> float:
    return seconds(lambda: Engine(snapshot, options), Engine.decide, rounds)


def shape(
    name: str, make: Callable[[int], Snapshot], targets: dict[int, float], reference: dict[int, float]
) -> Iterator[Figure]:
    """The cycle at several sizes, how much faster that is than the reference, and how it grows with the size."""
    found: dict[int, float] = {}
    for nodes, target in targets.items():
        found[nodes] = cycle(make(nodes))
        yield Figure(f"{name}, {nodes} nodes", found[nodes], "s", target)
        if nodes in reference:
            yield Figure(
                f"{name}, {nodes} nodes, against KAI", reference[nodes] / found[nodes], "x", 100, at_least=True
            )
    small, large = min(found), max(found)
    growth = math.log(found[large] / found[small]) / math.log(large / small)
    yield Figure(f"{name}, exponent of growth", growth, "", 1.1)


@measurement
def engine_allocate() -> Iterator[Figure]:
    """8 N one-GPU pods of 40 projects in 8 departments."""
    targets = {100: 0.006, 250: 0.013, 500: 0.025, 1000: 0.05}
    yield from shape("allocate", pools.to_allocate, targets, {100: 0.19, 250: 0.69, 500: 2.0, 1000: 7.2})
    engine_seconds = cycle(pools.to_allocate(1000))
    yield Figure("placements a second", 8000 / engine_seconds, "1/s", 200_000, at_least=True)


@measurement
def engine_gang() -> Iterator[Figure]:
    """Reclaim for one gang of N/2 pods of 8 GPUs from 8 N one-GPU pods."""
    targets = {100: 0.006, 200: 0.012, 500: 0.03, 1000: 0.05}
    yield from shape(
        "reclaim for a gang", pools.to_reclaim_for_a_gang, targets, {100: 0.84, 200: 1.7, 500: 8.6, 1000: 35.7}
    )


@measurement
def engine_one_by_one() -> Iterator[Figure]:
    """Whole cycle, 8 N one-GPU pods of one project over quota, 8 N one-GPU pods pending of others."""
    targets = {50: 0.02, 100: 0.03, 200: 0.06, 500: 0.12}
    reference = {50: 0.9, 100: 3.5, 200: 23.5, 500: 172.9}
    yield from shape("reclaim one by one", pools.to_reclaim_one_by_one, targets, reference)
    large = cycle(pools.to_reclaim_one_by_one(5000), rounds=1)
    yield Figure("reclaim one by one, 5000 nodes", large, "s", 1.2)


@measurement
def engine_full() -> Iterator[Figure]:
    """Whole cycle on a full cluster where nothing can happen, 4 N pending."""
    targets = {100: 0.004, 200: 0.008, 400: 0.016}
    yield from shape("nothing can happen", pools.full, targets, {100: 0.33, 200: 0.99, 400: 5.6})


@measurement
def engine_mixed() -> Iterator[Figure]:
    """95 % full, 1,000 projects, gangs of 1 to 64 pods of some eighty classes; searches bounded as by default."""
    waiting = {}
    for nodes, pending, target in ((1000, 20_000, 0.1), (5000, 50_000, 0.4), (10_000, 100_000, 0.7)):
        snapshot = pools.mixed(nodes, pending)
        rounds = 3 if nodes == 1000 else 1
        waiting[nodes] = cycle(snapshot, Options(), rounds)
        yield Figure(f"mixed, {nodes} nodes, {pending} pending", waiting[nodes], "s", target)
        built = seconds(lambda snapshot=snapshot: snapshot, Engine, rounds=1)
        yield Figure(f"mixed, {nodes} nodes, state built anew", built, "s")
        if nodes == 1000:
            twice = cycle(pools.mixed(nodes, 2 * pending), Options(), rounds)
            yield Figure("mixed, twice the pending work", twice / waiting[nodes], "x", 2.2)
        if nodes == 10_000:
            yield from _again(snapshot, waiting[nodes] + built)


def _again(snapshot: Snapshot, cold_seconds: float) -> Iterator[Figure]:
    """When nothing changed, and when one in a hundred workloads did."""
    engine = Engine(snapshot)
    engine.decide()
    yield Figure("mixed, 10000 nodes, nothing changed", seconds(lambda: engine, Engine.decide, rounds=1), "s", 0.005)
    changed = [replace(workload, priority=workload.priority + 1) for workload in snapshot.workloads[::100]]
    by_id = {workload.id: workload for workload in changed}
    edited = replace(snapshot, workloads=tuple(by_id.get(item.id, item) for item in snapshot.workloads))

    def edit_and_decide(engine: Engine) -> None:
        engine.edit(edited, changed, [])
        engine.decide()

    again = seconds(lambda: engine, edit_and_decide, rounds=1)
    yield Figure("mixed, 10000 nodes, 1 % changed, part of a cold cycle", again / cold_seconds, "", 0.05)


@measurement
def engine_rules() -> Iterator[Figure]:
    """One workload in a hundred asks for a topology or for other pods, for which the rest may not pay: against the same
    workloads of which none asks."""
    plain = pools.in_racks(pools.to_allocate(500))

    def seconds_with(wish: Callable[[Workload], Workload]) -> float:
        asking = [replace(wish(item), id=item.id + 1_000_000) for item in plain.workloads[::100]]
        return cycle(replace(plain, workloads=(*plain.workloads, *asking)), rounds=9)

    alone = seconds_with(lambda workload: workload)
    for name, wish in (("topology", pools.in_one_rack), ("pod affinity", pools.one_to_a_node)):
        yield Figure(f"{name} in use by 1 in 100", seconds_with(wish) / alone, "x", 1.2)


@measurement
def engine_refused() -> Iterator[Figure]:
    """What one more gang costs that finds no place."""
    cost = {}
    for nodes in (1000, 10_000):
        snapshot = pools.full(nodes)
        cost[nodes] = cycle(snapshot) / (4 * nodes)
        yield Figure(f"refused gang, {nodes} nodes", cost[nodes] * 1e6, "us")
    yield Figure("refused gang, 10,000 against 1,000 nodes", cost[10_000] / cost[1000], "x", 2)


@measurement
def engine_oracle() -> Iterator[Figure]:
    """Against the obvious engine: the same decisions, so many times faster."""
    for nodes, target in ((1000, 2.5), (10_000, 5)):
        snapshot = pools.to_allocate(nodes)
        snapshot = replace(snapshot, workloads=snapshot.workloads[: 1000 if nodes == 1000 else 200])
        assert decide(snapshot, UNBOUNDED) == decide(snapshot, OBVIOUS)
        ratio = cycle(snapshot, OBVIOUS, rounds=1) / cycle(snapshot)
        yield Figure(f"obvious engine, {nodes} nodes", ratio, "x", target, at_least=True)


@measurement
def engine_explain() -> Iterator[Figure]:
    """One workload explained on demand, in a settled cycle of 10,000 nodes and 100,000 pending pods: the median of
    twenty that wait, by how many pods start together."""
    cycle = settled(pools.mixed(10_000, 100_000))
    explainer = Explainer(cycle)
    for name, least, most in (("single pods", 1, 1), ("gangs of 2 to 16", 2, 16), ("gangs of 64", 64, 64)):
        waiting = [job.workload.id for job in cycle.jobs if least <= len(job.chunk) <= most]
        chosen = waiting[:: max(len(waiting) // 20, 1)][:20]
        taken = [seconds(lambda: explainer, lambda made, pk=pk: made.explain(pk), rounds=1) for pk in chosen]
        yield Figure(f"explain, {name}, median of {len(taken)}", median(taken), "s", 0.05)
        yield Figure(f"explain, {name}, longest", max(taken), "s")


@measurement
def engine_memory() -> Iterator[Figure]:
    """Of the state that is kept, by pod, the snapshot's objects included: of workloads with one pod each, and of the
    mixed pool with gangs of seven pods in the mean."""
    shapes: dict[str, Callable[[], Snapshot]] = {
        "one pod a workload": lambda: pools.to_reclaim_one_by_one(500),
        "mixed": lambda: pools.mixed(1000, 20_000),
    }
    for name, make in shapes.items():
        gc.collect()
        tracemalloc.start()
        snapshot = make()
        engine = Engine(snapshot)
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert engine is not None
        yield Figure(f"memory by pod, {name}", size / sum(_pods(snapshot)), "B", 1000)


def _pods(snapshot: Snapshot) -> Iterator[int]:
    for workload in snapshot.workloads:
        for group in workload.sub_groups:
            yield len(tuple(pod for pod in group.pods if isinstance(pod, Pod)))
