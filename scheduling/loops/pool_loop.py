"""One pool's scheduler: cycles of snapshot, decide, record, act."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import structlog
from django.conf import settings
from django.utils import timezone

from orgs.models import ClusterInfo
from quotas.models import Pool
from scheduling.clusters.gateway import Gateway, GatewayError
from scheduling.clusters.registry import gateway_for
from scheduling.engine import Engine
from scheduling.engine.decisions import Decisions
from scheduling.engine.types import Snapshot

from .actor import Actor
from .answering import answer_questions
from .cycle import Cycle
from .holdings import Holdings
from .kept import KeptSnapshot, Look
from .record import record
from .samples import Samples
from .saving import Saving
from .settle import settle
from .tenure import Tenure
from .thread import Gone
from .unwind import Unwinder

QUIET_SECONDS = 1.0
"""A pool in which nothing changed is decided on again so often: minimum runtimes and deadlines pass by themselves."""
RECORD_SECONDS = 10.0
"""The same decisions are held against the rows again so often: hours and minutes pass by themselves."""
OUT_OF_REACH_SECONDS = 1.0
log = structlog.get_logger()


class PoolLoop:
    """A step is one cycle, and the pause before it: until the interval is over, or a wake-up comes."""

    def __init__(self, pool: int, wake: threading.Event) -> None:
        self.pool = pool
        self.wake = wake
        self._actor = Actor(pool)
        self._samples = Samples()
        self._saving = Saving(pool)
        self._under_way: tuple[Snapshot, Decisions | None] | None = None
        """What the cycle looks at, and what it decided so far."""
        self._unwinder = Unwinder()
        self._is_away = False
        """Its cluster: that is logged once."""
        self._forget()

    def _forget(self) -> None:
        """Read and think everything anew."""
        self._kept = KeptSnapshot(self.pool)
        self._engine: Engine | None = None
        self._holdings: Holdings | None = None
        self._has_open = True
        """Decisions may be under way."""
        self._quiet_until = 0.0
        self._not_searched: tuple[int, ...] = ()
        """Workloads that the last cycle had no time to search victims for."""
        self._recorded: Decisions | None = None
        """What was decided and recorded last."""
        self._record_at = 0.0
        self._decided_in = 0
        """The cycle that decided last."""

    def step(self, tenure: Tenure, stop: threading.Event) -> None:
        self.wake.wait(settings.LOOP_INTERVAL_SECONDS)
        self.wake.clear()
        if stop.is_set():
            return
        tenure.cycle += 1
        with structlog.contextvars.bound_contextvars(cycle=tenure.cycle):
            try:
                self.cycle(tenure)
                self._is_away = False
            except GatewayError as problem:
                if not self._is_away:
                    log.warning("cluster_out_of_reach", problem=str(problem))
                self._is_away = True
                tenure.wait(OUT_OF_REACH_SECONDS, stop)

    def cycle(self, tenure: Tenure) -> None:
        """Settles what is late, decides, records, acts, and answers questions. Raises GatewayError when the cluster
        cannot be asked."""
        if not self._has_open and time.monotonic() < self._quiet_until and not self._kept.has_news():
            # Nothing was told since it was found quiet: all that may have come is a question.
            tenure.keep()
            self._answer(tenure)
            return
        gateway = self._gateway()
        if self._has_open:
            settle(self.pool, gateway, tenure)
        try:
            self._decide(tenure)
        except Exception as problem:
            if self._under_way is not None:
                self._saving.failed(tenure, *self._under_way, problem)
            self._forget()
            raise
        if self._has_open:
            self._actor.act(gateway, tenure)
        self._answer(tenure)

    def _answer(self, tenure: Tenure) -> None:
        """Questions of pages, from the state that the last decisions left."""
        if self._engine is None:
            return
        try:
            if answer_questions(tenure, self.pool, self._engine, self._decided_in):
                self.wake.set()
        except Exception:
            self._forget()
            raise

    def _gateway(self) -> Gateway:
        where = Pool.objects.filter(pk=self.pool).values_list("cluster_id", "cluster__cluster_info__state").first()
        if where is None:
            raise Gone
        cluster, state = where
        if state == ClusterInfo.State.DISCONNECTED:
            # What is known of it grows old: nothing is decided by it.
            raise GatewayError("The cluster is not connected.")
        return gateway_for(cluster)

    def _decide(self, tenure: Tenure) -> None:
        began = time.perf_counter_ns()
        self._under_way = None
        look = self._kept.look()
        looked = time.perf_counter_ns()
        self._has_open = look.has_open
        if look.is_same and time.monotonic() < self._quiet_until:
            tenure.keep()
            return
        snapshot = replace(look.snapshot, search_first=self._not_searched)
        self._under_way = snapshot, None
        decisions = self._think(look, snapshot)
        self._decided_in = tenure.cycle
        self._under_way = snapshot, decisions
        decided = time.perf_counter_ns()
        cycle = Cycle(
            number=tenure.cycle,
            at=timezone.now(),
            snapshot=snapshot,
            decisions=decisions,
            unwinds=self._unwinder.look(snapshot, decisions),
            timings={"snapshot": (looked - began) // 1000, "decide": (decided - looked) // 1000},
        )
        if decisions is self._recorded and not cycle.decided and time.monotonic() < self._record_at:
            tenure.keep()
        else:
            self._holdings = self._holdings or Holdings(self.pool)
            record(tenure, cycle, self._samples, self._holdings)
            self._recorded, self._record_at = decisions, time.monotonic() + RECORD_SECONDS
        self._saving.look(tenure, cycle, (time.perf_counter_ns() - began) / 1e9)
        self._has_open |= cycle.decided
        self._not_searched = decisions.not_searched
        if self._not_searched:
            self.wake.set()
        may_rest = not (cycle.decided or decisions.not_searched)
        self._quiet_until = time.monotonic() + QUIET_SECONDS if may_rest else 0.0

    def _think(self, look: Look, snapshot: Snapshot) -> Decisions:
        if self._engine is None or look.changed is None:
            self._engine = Engine(snapshot)
        else:
            self._engine.edit(snapshot, look.changed, look.gone)
        return self._engine.decide()
