"""What a pool's loop costs between two cycles: 500 nodes, 4,000 running and 1,000 waiting workloads (SQLite)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from tests.bench.database import empty_database
from tests.bench.measure import Figure, measurement

NODES, DEVICES, WAITING, PROJECTS = 500, 8, 1000, 40
ROUNDS = 5


@measurement
def loops() -> Iterator[Figure]:
    """Reading a pool cold, when nothing changed, and when one pod in a hundred did; a whole quiet cycle."""
    with empty_database():
        yield from _measured()


def _measured() -> Iterator[Figure]:
    from scheduling.clusters.simulated.store import create_clock
    from scheduling.loops.kept import KeptSnapshot
    from scheduling.loops.pool_loop import PoolLoop
    from scheduling.loops.tenure import Tenure

    pool, workloads = _filled()
    create_clock(pool.cluster_id)
    tenure = Tenure.take(f"loop:pool:{pool.pk}", "bench")
    assert tenure is not None
    loop = PoolLoop(pool.pk, threading.Event())
    for _ in range(3):
        loop.cycle(tenure)
    yield Figure("loop, a whole quiet cycle", _median(lambda: loop.cycle(tenure)) * 1000, "ms", 5)

    kept = KeptSnapshot(pool.pk, check_seconds=1e9)
    cold_seconds = _median(lambda: KeptSnapshot(pool.pk).look())
    yield Figure("loop, reading 5,000 workloads cold", cold_seconds * 1000, "ms")
    kept.look()
    yield Figure("loop, reading when nothing changed", _median(kept.look) * 1000, "ms", 5)
    changed = _median(kept.look, before=lambda: _change(pool, workloads[::100]))
    yield Figure("loop, reading when 1 % changed, part of cold", changed / cold_seconds, "", 0.05)


def _change(pool: Any, workloads: list[int]) -> None:
    """Something of each of these is another than before."""
    from django.db import transaction
    from django.db.models import F

    from portal.services.feed import feed_tell
    from scheduling.models import Workload

    with transaction.atomic():
        Workload.objects.filter(pk__in=workloads).update(priority=F("priority") + 1)
        feed_tell(cluster=pool.cluster_id, workloads=workloads)


def _median(act: Callable[[], object], before: Callable[[], None] = lambda: None) -> float:
    """Seconds; the first round is not counted."""
    seconds = []
    for _ in range(ROUNDS + 1):
        before()
        begun = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - begun)
    return sorted(seconds[1:])[ROUNDS // 2]


def _filled() -> tuple[Any, list[int]]:
    """The pool, full of work inside quota, and the ids of its workloads."""
    from django.db import transaction

    from scheduling.models import Workload
    from tests import factories as make

    cluster = make.make_cluster("north")
    pool = make.make_pool("a100", cluster)
    each = NODES * DEVICES // PROJECTS
    with transaction.atomic():
        projects = []
        for _ in range(PROJECTS):
            department = make.make_department(parent=cluster)
            projects.append(make.make_project(department=department))
            make.make_quota(department, pool, gpus=each)
            make.make_quota(projects[-1], pool, gpus=each, over_quota=False)
        nodes = [make.make_node(pool=pool) for _ in range(NODES)]
        running = {"state": Workload.State.RUNNING, "applied": True}
        for number in range(NODES * DEVICES):
            workload = make.make_workload(project=projects[number % PROJECTS], pool=pool, **running)
            make.make_pod(workload, nodes[number // DEVICES], str(number % DEVICES))
        for number in range(WAITING):
            make.make_pod(make.make_workload(project=projects[number % PROJECTS], pool=pool, applied=True))
    return pool, list(Workload.objects.order_by("pk").values_list("pk", flat=True))
