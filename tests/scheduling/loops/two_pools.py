"""A world with a second pool of GPUs, and its assigner, step by step."""

from __future__ import annotations

import threading
import time
from typing import Any

from django.db import transaction

from portal.services.feed import feed_tell
from quotas.models import Pool
from scheduling.loops.assigner import Assigner
from scheduling.loops.pool_loop import PoolLoop
from scheduling.loops.tenure import Tenure
from scheduling.models import Assignment, Event, PoolChoice, Workload
from tests.factories import make_account, make_pool

from .world import Steps, World, taken

BOTH = ["gpu", "second"]


class Pools:
    """`gpu` has two nodes with four GPUs, `second` one; what waits is tried elsewhere at once."""

    def __init__(self, wait_seconds: int = 0, most_moves: int = 3) -> None:
        self.world = World("two_pools.json")
        self.first = self.world.pool
        self.second = make_pool("second", self.world.cluster, label_key="class")
        chosen = {"wait_seconds": wait_seconds, "most_moves": most_moves}
        PoolChoice.objects.update_or_create(account=make_account(), defaults=chosen)
        self.steps = Steps(self.world)
        self.loops: dict[int, tuple[PoolLoop, Tenure]] = {self.first.pk: (self.steps.loop, self.steps.tenure)}
        tenure = taken(f"loop:pool:{self.second.pk}")
        self.loops[self.second.pk] = (PoolLoop(self.second.pk, threading.Event()), tenure)
        self.assigner = Assigner(self.world.cluster.pk, threading.Event())
        self.tenure = taken(f"assigner:cluster:{self.world.cluster.pk}")
        self.project = self.world.project("p")
        self.round()

    def submit(self, name: str, devices: int = 4, pods: int = 1, **fields: Any) -> Workload:
        return self.world.submit(self.project, name, devices=devices, pods=pods, **({"pools": BOTH} | fields))

    def told(self) -> None:
        """Loops hear of units and quotas that a test has made."""
        with transaction.atomic():
            feed_tell(cluster=self.world.cluster.pk, config=True)

    def observe(self) -> None:
        self.steps.observe()
        self.steps.observe()

    def cycle(self, pool: Pool) -> None:
        loop, tenure = self.loops[pool.pk]
        tenure.keep()
        tenure.cycle += 1
        loop.cycle(tenure)

    def cycles(self) -> None:
        for pool in (self.first, self.second):
            self.cycle(pool)

    def assign(self) -> int:
        return self.assigner.look(self.tenure)

    def round(self) -> None:
        """Everybody once, in the order in which nothing is left over."""
        self.observe()
        self.cycles()
        self.assign()
        self.observe()
        self.cycles()
        self.observe()

    def fill(self, pool: str = "gpu", run_seconds: int = 3600) -> Workload:
        """Takes all of a pool's GPUs."""
        pods = 2 if pool == "gpu" else 1
        filler = self.submit(f"fills-{pool}-{time.monotonic_ns()}", pods=pods, pools=[pool], run_seconds=run_seconds)
        self.round()
        return filler


def pool_of(workload: Workload) -> str:
    """As its row and the assignment say, which are one."""
    workload.refresh_from_db()
    assert workload.pool is not None
    assert Assignment.objects.get(workload=workload).pool_id == workload.pool_id
    return workload.pool.name


def moves_of(workload: Workload) -> list[dict[str, Any]]:
    return list(Event.objects.filter(workload=workload, code="moved").order_by("pk").values_list("numbers", flat=True))
