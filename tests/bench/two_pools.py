"""Why pools are there: two of them in two worker processes against one of the same total size, on two cores."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.context import SpawnContext
from typing import Any

from tests.bench.measure import Figure, measurement
from tests.bench.pools import to_allocate
from tests.harness.servers import postgres, postgres_bin

NODES, ROUNDS = 800, 5
"""Of the one pool, 8 GPUs each; as many pods of one GPU wait as there are GPUs."""
RECORDED_NODES, RECORDED_ROUNDS = 200, 3
PROJECTS, DEPARTMENTS = 40, 8
SPAWN: SpawnContext = multiprocessing.get_context("spawn")

Round = tuple[float, float, int]
"""When it began and ended, by the machine's clock, and how many decisions it made."""


@measurement
def two_pools() -> Iterator[Figure]:
    """Decisions per second: deciding alone, and whole cycles with what they record on PostgreSQL."""
    one, two = _rate(decide_alone, [NODES]), _rate(decide_alone, [NODES // 2] * 2)
    yield Figure("one pool, deciding alone", one, "/s")
    yield Figure("two pools in two processes, deciding alone", two, "/s")
    yield Figure("two pools to one, deciding alone", two / one, "", 1.8, at_least=True)
    if postgres_bin() is None:
        return
    with postgres() as address:
        os.environ |= {"BURSAR_DATABASE_URL": address, "DJANGO_SETTINGS_MODULE": "portal.settings.test"}
        os.environ.pop("BURSAR_TEST_EMBEDDED", None)
        single, *halves = _in_process(fill)
        one, two = _rate(whole_cycles, [single]), _rate(whole_cycles, halves)
    yield Figure("one pool, read, decided and recorded", one, "/s")
    yield Figure("two pools in two processes, the same", two, "/s")
    yield Figure("two pools to one, read, decided and recorded", two / one, "")


def _rate(work: Callable[..., None], pools: Sequence[int]) -> float:
    """Decisions per second of processes that work at the same time, one for each of `pools`; the best round's, for
    whatever else the machine does is no part of it."""
    barrier, results = SPAWN.Barrier(len(pools)), SPAWN.Queue()
    workers = [SPAWN.Process(target=work, args=(pool, barrier, results)) for pool in pools]
    for worker in workers:
        worker.start()
    rounds: list[list[Round]] = [results.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join()
    return max(
        sum(made for *_, made in each) / (max(end for _, end, _ in each) - min(begin for begin, *_ in each))
        for each in zip(*rounds, strict=True)
    )


def decide_alone(nodes: int, barrier: Any, results: Any) -> None:
    """In a process of its own: the same pool again and again."""
    from scheduling.engine import decide

    snapshot = to_allocate(nodes)

    def cycle() -> int:
        return len(decide(snapshot).places)

    cycle()
    results.put(_rounds(cycle, lambda: None, ROUNDS, barrier))


def whole_cycles(pool: int, barrier: Any, results: Any) -> None:
    """In a process of its own: the same pool of the database, its decisions forgotten in between."""
    import django

    django.setup()
    from django.utils import timezone

    from scheduling.engine import decide
    from scheduling.loops.cycle import Cycle
    from scheduling.loops.kept import KeptSnapshot
    from scheduling.loops.record import record
    from scheduling.loops.samples import Samples
    from scheduling.loops.tenure import Tenure
    from scheduling.models import Decision

    tenure = Tenure.take(f"loop:pool:{pool}", "bench")
    assert tenure is not None
    samples = Samples()

    def cycle() -> int:
        tenure.cycle += 1
        snapshot = KeptSnapshot(pool).look().snapshot
        made = Cycle(tenure.cycle, timezone.now(), snapshot, decide(snapshot))
        record(tenure, made, samples)
        return len(made.decisions.places)

    def forget() -> None:
        Decision.objects.filter(pool=pool).delete()

    cycle()
    forget()
    results.put(_rounds(cycle, forget, RECORDED_ROUNDS, barrier))


def _rounds(cycle: Callable[[], int], forget: Callable[[], None], rounds: int, barrier: Any) -> list[Round]:
    found = []
    for _ in range(rounds):
        barrier.wait(120)
        begin = time.monotonic()
        made = cycle()
        found.append((begin, time.monotonic(), made))
        barrier.wait(120)
        forget()
    return found


def _in_process(work: Callable[[Any], None]) -> list[int]:
    """What it puts, done in a process of its own: this one has no database."""
    results = SPAWN.SimpleQueue()
    worker = SPAWN.Process(target=work, args=(results,))
    worker.start()
    worker.join()
    if worker.exitcode:
        raise RuntimeError("The database could not be filled.")
    found: list[int] = results.get()
    return found


def fill(results: Any) -> None:
    """In a process of its own: an empty database, and in it a large pool and two of half its size; their ids."""
    import django
    from psycopg import connect, errors

    address = os.environ["BURSAR_DATABASE_URL"]
    with (
        connect(address.rsplit("/", 1)[0] + "/postgres", autocommit=True) as server,
        suppress(errors.DuplicateDatabase),
    ):
        server.execute("CREATE DATABASE bursar")
    django.setup()
    from django.core.management import call_command

    from tests import factories as make

    call_command("migrate", verbosity=0)
    cluster = make.make_cluster("north")
    departments = [make.make_department(parent=cluster) for _ in range(DEPARTMENTS)]
    projects = [make.make_project(department=departments[number % DEPARTMENTS]) for number in range(PROJECTS)]
    pools = [_pool(name, nodes, projects) for name, nodes in (("whole", 2), ("left", 1), ("right", 1))]
    results.put(pools)


def _pool(name: str, halves: int, projects: Sequence[Any]) -> int:
    from quotas.models import Node
    from scheduling.models import Assignment, Pod, SubGroup, Workload
    from tests import factories as make

    pool = make.make_pool(name, projects[0].cluster)
    nodes = RECORDED_NODES // 2 * halves
    for unit in {project.parent for project in projects}:
        make.make_quota(unit, pool, nodes * 8 // DEPARTMENTS)
    for project in projects:
        make.make_quota(project, pool, nodes * 8 // PROJECTS)
    first = make.make_node(pool=pool)
    same = {field.attname: getattr(first, field.attname) for field in Node._meta.concrete_fields}
    Node.objects.bulk_create(
        Node(**(same | {"id": None, "uid": f"{name}-{number}", "name": f"{name}-{number}"}))
        for number in range(1, nodes)
    )
    asks = {"requested_gpu_milli": 1000, "requested_cpu_millicores": 1000, "requested_memory_bytes": 1024**3}
    workloads = Workload.objects.bulk_create(
        Workload(
            project=projects[number % PROJECTS],
            cluster=pool.cluster,
            kind=Workload.Kind.TRAINING,
            name=f"{name}-{number}",
            image="python:3.12",
            pods_wanted=1,
            pool=pool,
            applied=True,
            **asks,
        )
        for number in range(nodes * 8)
    )
    Assignment.objects.bulk_create(Assignment(workload=workload, pool=pool) for workload in workloads)
    each = {"min_members": 1, "wanted": 1, "devices": 1, "cpu_millicores": 1000, "memory_bytes": 1024**3}
    groups = SubGroup.objects.bulk_create(
        SubGroup(workload=workload, name="workers", request_class=1, **each) for workload in workloads
    )
    Pod.objects.bulk_create(
        Pod(
            uid=f"{group.workload.name}-0",
            name=f"{group.workload.name}-0",
            sub_group=group,
            workload=group.workload,
            pool=pool,
            created_at=group.workload.created_at,
        )
        for group in groups
    )
    return pool.pk
