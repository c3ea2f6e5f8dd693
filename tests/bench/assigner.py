"""Choosing among four pools, compared on the same load: the assigner, blind round robin, and each in its first pool.

The engine decides in each pool, on a clock that goes in steps; the assigner sees what the loops would publish. Round
robin deals workloads to the pools of their order in turn, and one that has waited for so long goes to the next.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from statistics import mean, median
from typing import Any

import django

from scheduling.engine import decide
from scheduling.engine.types import (
    Amounts,
    Bounds,
    Node,
    Pod,
    PodState,
    Request,
    Snapshot,
    SubGroup,
    Unit,
    Workload,
)
from tests.bench.measure import Figure, measurement

GIB = 1024**3
STEP_S, HOURS, WAIT_S = 60, 6, 60
NODES = {1: 10, 2: 8, 3: 6, 4: 4}
"""Machines of 8 GPUs in each pool."""
DEPARTMENTS, PROJECTS = 3, 9
LOAD = 0.93
SEEDS = range(1, 9)
MACHINE = Amounts(8000, 128_000, 1024 * GIB)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Job:
    id: int
    project: int
    pods: int
    devices: int
    submit_s: int
    left_s: int
    order: tuple[int, ...]
    pool: int = 0
    since_s: int = 0
    """Since when it waits in its pool, or runs."""
    waited_s: int = 0
    moves: int = 0
    """To a pool that it prefers less, as the assigner counts them."""
    epoch: int = 1
    members: list[Pod] = field(default_factory=list)
    started_ms: int | None = None

    @property
    def runs(self) -> bool:
        return all(pod.state is PodState.BOUND for pod in self.members)

    @property
    def waits(self) -> bool:
        return all(pod.state is PodState.PENDING and pod.reserved_node is None for pod in self.members)

    def workload(self) -> Workload:
        request = Request(self.devices, 1000, 4000 * self.devices, 16 * GIB * self.devices)
        group = SubGroup(self.id, request, self.pods, tuple(self.members))
        return Workload(
            self.id, self.project, f"j{self.id}", 50, True, self.submit_s * 1000, (group,), started_ms=self.started_ms
        )


def load(seed: int) -> list[Job]:
    """Six hours of submissions that ask for nearly all GPUs; each project prefers pools in its own order."""
    chance = random.Random(seed)
    orders = {
        100 + number: tuple(chance.sample(list(NODES), chance.choice([2, 3, 3, 4]))) for number in range(PROJECTS)
    }
    budget = sum(NODES.values()) * 8 * HOURS * 3600 * LOAD
    jobs: list[Job] = []
    while budget > 0:
        pods, devices = chance.choice([(1, 1)] * 10 + [(1, 2)] * 3 + [(1, 4)] * 3 + [(1, 8)] * 2 + [(2, 8)])
        seconds = min(int(chance.lognormvariate(7.2, 1.0)), 4 * 3600) + 60
        project = chance.choice(list(orders))
        submit = int(chance.random() * HOURS * 3600)
        jobs.append(Job(0, project, pods, devices, submit, seconds, orders[project]))
        budget -= pods * devices * seconds
    jobs.sort(key=lambda job: job.submit_s)
    for number, job in enumerate(jobs, 1):
        job.id = number
        job.members = [Pod(number * 100 + index) for index in range(job.pods)]
    return jobs


def units(pool: int) -> tuple[Unit, ...]:
    """Quotas of three departments with three projects each, together the whole pool."""
    gpus = NODES[pool] * 8
    each = gpus * 1000 // PROJECTS
    found = [Unit(1 + number, None, f"d{number}", number, quota=Bounds(each * 3)) for number in range(DEPARTMENTS)]
    return (
        *found,
        *(Unit(100 + number, 1 + number // 3, f"p{number}", number, quota=Bounds(each)) for number in range(PROJECTS)),
    )


UNITS = {pool: units(pool) for pool in NODES}
MACHINES = {
    pool: tuple(Node(pool * 100 + number, f"n{pool}-{number}", 8, MACHINE, 110) for number in range(count))
    for pool, count in NODES.items()
}


@dataclass
class Outcome:
    waits: list[int] = field(default_factory=list)
    moves: int = 0
    evictions: int = 0
    unfinished: int = 0


class City:
    """Four pools with a load, and somebody who chooses among them."""

    def __init__(self, jobs: list[Job], choose: Callable[[City], None]) -> None:
        self.now_s = 0
        self.coming = jobs
        self.jobs: dict[int, Job] = {}
        self.cycles: dict[int, Any] = {}
        """What each pool's loop last published."""
        self.looked: set[int] = set()
        """Jobs that a loop has looked at in the pool where they are."""
        self.outcome = Outcome()
        self._choose = choose

    def run(self) -> Outcome:
        for pool in NODES:
            self._cycle(pool)
        while self.now_s < (HOURS + 6) * 3600 and (self.coming or self.jobs):
            self.now_s += STEP_S
            changed = self._pass()
            self._choose(self)
            for pool in NODES:
                if pool in changed or any(job.pool == pool and not job.runs for job in self.jobs.values()):
                    self._cycle(pool)
        self.outcome.unfinished = len(self.jobs)
        self.outcome.waits += [job.waited_s + self.now_s - job.since_s for job in self.jobs.values() if not job.runs]
        return self.outcome

    def _pass(self) -> set[int]:
        """What ends, is gone and arrives; the pools that it concerns."""
        changed = set()
        for job in list(self.jobs.values()):
            if job.runs and self.now_s - job.since_s >= job.left_s:
                self.outcome.waits.append(job.waited_s)
                changed.add(job.pool)
                del self.jobs[job.id]
            elif any(pod.state is PodState.RELEASING for pod in job.members):
                job.members = [Pod(pod.id) if pod.state is PodState.RELEASING else pod for pod in job.members]
                changed.add(job.pool)
        while self.coming and self.coming[0].submit_s <= self.now_s:
            job = self.coming.pop(0)
            job.pool, job.since_s = job.order[0], self.now_s
            self.jobs[job.id] = job
            changed.add(job.pool)
        return changed

    def move(self, job: Job, pool: int) -> None:
        job.moves += job.order.index(pool) > job.order.index(job.pool)
        job.epoch += 1
        job.waited_s += self.now_s - job.since_s
        job.pool, job.since_s = pool, self.now_s
        self.looked.discard(job.id)
        self.outcome.moves += 1

    def _cycle(self, pool: int) -> None:
        here = {job.id: job for job in self.jobs.values() if job.pool == pool}
        snapshot = Snapshot(
            pool,
            self.now_s * 1000,
            MACHINES[pool],
            UNITS[pool],
            tuple(job.workload() for job in here.values()),
            min_runtime_ms=600_000,
        )
        decisions = decide(snapshot)
        from scheduling.loops.cycle import Cycle

        self.cycles[pool] = Cycle(0, BEGIN, snapshot, decisions)
        self.looked.update(here)
        pods = {pod.id: (job, at) for job in here.values() for at, pod in enumerate(job.members)}
        running = {job.id for job in here.values() if job.runs}
        for gone in decisions.withdrawn:
            job, at = pods[gone]
            job.members[at] = replace(job.members[at], reserved_node=None, reserved_devices=())
        for evict in decisions.evicts:
            job, at = pods[evict.pod]
            job.members[at] = replace(job.members[at], state=PodState.RELEASING)
        self.outcome.evictions += len({evict.workload for evict in decisions.evicts})
        for kept in decisions.reserves:
            job, at = pods[kept.pod]
            job.members[at] = replace(job.members[at], reserved_node=kept.node, reserved_devices=kept.devices)
        for place in decisions.places:
            job, at = pods[place.pod]
            job.members[at] = Pod(place.pod, PodState.BOUND, place.node, place.devices)
        for job in here.values():
            if job.runs and job.id not in running:
                job.waited_s += self.now_s - job.since_s
                job.since_s, job.started_ms = self.now_s, self.now_s * 1000
            elif job.id in running and not job.runs:
                job.left_s -= self.now_s - job.since_s
                job.since_s, job.started_ms = self.now_s, None


def first_pool(city: City) -> None:
    """Everybody stays where they begin."""


class RoundRobin:
    def __init__(self) -> None:
        self._dealt: Counter[int] = Counter()
        self._last = 0

    def __call__(self, city: City) -> None:
        for job in city.jobs.values():
            if job.id > self._last:
                self._last = job.id
                job.pool = job.order[self._dealt[job.project] % len(job.order)]
                self._dealt[job.project] += 1
            elif job.waits and city.now_s - job.since_s >= WAIT_S:
                city.move(job, job.order[(job.order.index(job.pool) + 1) % len(job.order)])


class Assigner:
    """`scheduling.choosing` on what the cycles have published."""

    def __init__(self) -> None:
        from scheduling.choosing import Rule

        self._rule = Rule(timedelta(seconds=WAIT_S), 3)

    def __call__(self, city: City) -> None:
        from scheduling.choosing import STARTS, Stock, choose

        stock = Stock({pool: room(cycle) for pool, cycle in city.cycles.items()}, chains(city.cycles))
        waiting = [candidate(job) for job in city.jobs.values() if job.waits]
        for item in waiting:
            if item.id not in city.looked and item.pool and stock.forecast(item, item.pool).outcome in STARTS:
                stock.give(item, item.pool)
        choices, _ = choose(waiting, stock, self._rule, BEGIN + timedelta(seconds=city.now_s))
        for choice in choices:
            city.move(city.jobs[choice.candidate.id], choice.pool)


def candidate(job: Job) -> Any:
    from scheduling.asking import Ask
    from scheduling.choosing import Candidate

    request = job.workload().sub_groups[0].request
    return Candidate(
        id=job.id,
        project=job.project,
        shape=job.pods * 100 + job.devices,
        priority=50,
        created_at=BEGIN + timedelta(seconds=job.submit_s),
        ask=Ask(request, job.pods, job.pods, True),
        order=job.order,
        pool=job.pool,
        epoch=job.epoch,
        since=BEGIN + timedelta(seconds=job.since_s),
        moves=job.moves,
    )


def room(cycle: Any) -> Any:
    from scheduling.asking import FreeNodes, Room
    from scheduling.engine.arithmetic import minus, total
    from scheduling.loops.free_nodes import free_rows, node_rooms
    from scheduling.loops.usage import beyond_quota

    nodes = cycle.snapshot.nodes
    shares = [share for share in cycle.decisions.shares if share.unit < 100]
    rows = free_rows(node_rooms(cycle))
    beyond = beyond_quota(cycle)
    return Room(
        nodes=len(nodes),
        ready=len(nodes),
        free=minus(total(node.capacity for node in nodes), total(share.allocated for share in shares)),
        largest_node=MACHINE,
        free_nodes=tuple(FreeNodes(count, *free) for _, *free, count in rows),
        lent_milli=sum(beyond[share.unit][0] for share in shares),
    )


def chains(cycles: dict[int, Any]) -> Callable[[int, int], list[Any]]:
    from scheduling.asking import Standing
    from scheduling.loops.usage import beyond_quota

    shares = {
        pool: ({share.unit: share for share in cycle.decisions.shares}, beyond_quota(cycle))
        for pool, cycle in cycles.items()
    }

    def chain(project: int, pool: int) -> list[Standing]:
        own, beyond = shares[pool]
        found = []
        for unit in (project, 1 + (project - 100) // 3):
            share = own[unit]
            found.append(
                Standing(
                    id=unit,
                    name="",
                    quota=share.quota,
                    allocated=share.allocated,
                    non_preemptible=share.allocated_non_preemptible,
                    fair_share=share.fair_share,
                    borrowed_gpu_milli=beyond[unit][0] if unit < 100 else 0,
                )
            )
        return found

    return chain


@measurement
def assigner() -> Iterator[Figure]:
    """Four pools under one load: who waits how long, what moves, what is stopped."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.test")
    os.environ.setdefault("BURSAR_TEST_EMBEDDED", "1")
    django.setup()
    makers: dict[str, Callable[[], Callable[[City], None]]] = {
        "in its first pool": lambda: first_pool,
        "blind round robin": RoundRobin,
        "the assigner": Assigner,
    }
    outcomes = {name: together([City(load(seed), make()).run() for seed in SEEDS]) for name, make in makers.items()}
    print(f"{'':20}{'median wait':>14}{'mean wait':>12}{'p95 wait':>12}{'moves':>8}{'evictions':>11}{'unfinished':>12}")
    for name, found in outcomes.items():
        waits = f"{median(found.waits):>12.0f} s{mean(found.waits):>10.0f} s{percentile(found.waits):>10.0f} s"
        print(f"{name:20}{waits}{found.moves:>8}{found.evictions:>11}{found.unfinished:>12}")
    ours, blind = outcomes["the assigner"], outcomes["blind round robin"]
    yield Figure("assigner, median wait", median(ours.waits), "s", median(blind.waits))
    yield Figure("assigner, mean wait", mean(ours.waits), "s", mean(blind.waits))
    yield Figure("assigner, p95 wait", percentile(ours.waits), "s", percentile(blind.waits))
    yield Figure("assigner, moves", ours.moves, "", blind.moves)
    yield Figure("assigner, evictions", ours.evictions, "", blind.evictions)


def together(runs: list[Outcome]) -> Outcome:
    waits = [seconds for run in runs for seconds in run.waits]
    return Outcome(
        waits, sum(run.moves for run in runs), sum(run.evictions for run in runs), sum(run.unfinished for run in runs)
    )


def percentile(values: list[int]) -> float:
    return sorted(values)[int(len(values) * 0.95)]
