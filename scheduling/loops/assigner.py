"""Chooses among the pools of what waits: a cluster's second-level scheduler.

It looks at what the pools' loops last published, moves a workload only to where it would start at once, and only while
it waits. A start is conditional on the row that it writes, so a workload cannot start in two pools.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.utils import timezone

from orgs.models import ClusterInfo, OrgUnit
from quotas.models import Pool, PoolSummary
from scheduling.choosing import STARTS, Labels, Rule, Stock, choose
from scheduling.models import OPEN_STATES, Decision, PoolChoice
from scheduling.selectors.standing import matching_nodes, rooms, standings

from .reassign import MOST_MOVED, MOST_TRIES, reassign, tries_that_differ
from .tenure import Tenure
from .thread import Gone
from .waiting_list import WaitingList, unseen

LOOK_SECONDS = 1.0
PAUSE_SECONDS = 0.3
"""Between two looks, however often it is woken."""
AGAIN_SECONDS = 10.0
"""Everything is weighed again so often: usage and time pass by themselves."""
STALE = timedelta(seconds=60)
"""A pool whose loop has published nothing for so long is offered to nobody."""
log = structlog.get_logger()


class Assigner:
    """One cluster's. A step is one look, and a pass over what waits when something has changed."""

    def __init__(self, cluster: int, wake: threading.Event) -> None:
        self.cluster = cluster
        self.wake = wake
        self._forget()

    def _forget(self) -> None:
        self._list = WaitingList(self.cluster)
        self._published: Any = None
        self._again_at = 0.0

    def step(self, tenure: Tenure, stop: threading.Event) -> None:
        stop.wait(PAUSE_SECONDS)
        self.wake.wait(LOOK_SECONDS - PAUSE_SECONDS)
        self.wake.clear()
        if stop.is_set():
            return
        try:
            self.look(tenure)
        except Exception:
            self._forget()
            raise

    def look(self, tenure: Tenure) -> int:
        """How many workloads were moved. Raises LeaseLost, with nothing written."""
        tenure.keep()
        changed = self._list.look()
        published = self._read_published()
        if not changed and published == self._published and time.monotonic() < self._again_at:
            return 0
        if not ClusterInfo.objects.filter(pk=self.cluster).exists():
            raise Gone
        self._published = published
        now = timezone.now()
        rule = pool_choice()
        candidates = self._list.candidates.values()
        due = [wait for item in candidates if (wait := (item.since + rule.wait - now).total_seconds()) > 0]
        self._again_at = time.monotonic() + min([AGAIN_SECONDS, *due])
        return self._pass(tenure, rule, now) if candidates else 0

    def _pass(self, tenure: Tenure, rule: Rule, now: datetime) -> int:
        decided = self._decided()
        candidates = [item for item in self._list.candidates.values() if item.id not in decided]
        choices, seen = choose(candidates, self._stock(now), rule, now)
        tries = tries_that_differ(seen, self._list.tries)
        if not (choices or tries):
            return 0
        if len(choices) > MOST_MOVED or len(tries) > MOST_TRIES:
            self._again_at = 0.0
        tries = tries[:MOST_TRIES]
        moved = reassign(tenure, self.cluster, choices[:MOST_MOVED], tries, self._list.pools, now)
        self._list.tries.update(((item.workload, item.pool), item.code) for item in tries)
        if choices:
            log.info("workloads_moved", cluster=self.cluster, chosen=len(choices), moved=len(moved))
        return len(moved)

    def _decided(self) -> set[int]:
        """Workloads that a loop has decided something for: they are about to start."""
        rows = Decision.objects.filter(pool__in=list(self._list.pools), state__in=OPEN_STATES)
        return {pk for pair in rows.values_list("workload", "for_workload") for pk in pair if pk is not None}

    def _stock(self, now: datetime) -> Stock:
        """What the pools have, less what those will take there that no loop has looked at yet."""
        coming = unseen(self.cluster)
        everybody = [*self._list.candidates.values(), *coming]
        projects = {unit.pk: unit for unit in OrgUnit.objects.filter(pk__in={item.project for item in everybody})}
        pools = {pool.pk: pool for pool in Pool.objects.filter(pk__in=self._list.pools)}
        standing = standings(list(projects.values()), list(pools))
        asked = {frozenset(item.ask.node_labels.items()) for item in everybody if item.ask.node_labels}
        counts = matching_nodes(list(pools), [dict(labels) for labels in asked]) if asked else []
        matching: dict[Labels, Any] = dict(zip(asked, counts, strict=True))
        fresh = PoolSummary.objects.filter(pool__in=pools, as_of__gt=now - STALE).values_list("pool", flat=True)
        stock = Stock(
            rooms(list(fresh)), lambda project, pool: standing.chain(projects[project], pools[pool]), matching
        )
        for item in coming:
            if item.pool in stock.rooms and stock.forecast(item, item.pool).outcome in STARTS:
                stock.give(item, item.pool)
        return stock

    def _read_published(self) -> Any:
        """What loops said of their pools, but for the time."""
        rows = PoolSummary.objects.filter(pool__cluster=self.cluster).order_by("pk")
        return list(rows.values_list("pk", "ready", "pending", "allocated_gpu_milli", "allocated_cpu_millicores"))


def pool_choice() -> Rule:
    """When another pool is tried, as it is set."""
    row = PoolChoice.current()
    return Rule(timedelta(seconds=row.wait_seconds), row.most_moves)
