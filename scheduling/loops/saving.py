"""Keeps cycles with all they looked at: those that somebody asked for, that went wrong, and that took too long."""

from __future__ import annotations

import hashlib
import time
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import Error
from django.utils import timezone

from portal.services.lease import LeaseLost
from quotas.models import Pool
from scheduling.clusters.gateway import GatewayError
from scheduling.cycle_file import About, CycleFile, packed
from scheduling.cycle_replay import error_text
from scheduling.engine import Options
from scheduling.engine.decisions import Decisions
from scheduling.engine.types import Snapshot
from scheduling.models import SavedCycle

from .cycle import Cycle
from .report import report_write
from .tenure import Tenure
from .thread import Gone

PAUSE_SECONDS = 600.0
"""After one that was kept by itself, the next of the same cause is not before so long: one trouble, one file."""
MEBIBYTE = 1024**2
Cause = SavedCycle.Cause
State = SavedCycle.State
log = structlog.get_logger()


class Saving:
    """One loop's. Nothing that goes wrong here stops the loop, but the loss of its lease."""

    def __init__(self, pool: int) -> None:
        self.pool = pool
        self._not_before: dict[Cause, float] = {}

    def look(self, tenure: Tenure, cycle: Cycle, seconds: float) -> None:
        """After a cycle that took so long: keeps it where it is wanted, or took too long."""
        wishes = SavedCycle.objects.filter(pool=self.pool, state=State.WANTED, expires_at__gt=timezone.now())
        wanted = [pk for pk, deciding in wishes.values_list("pk", "deciding") if cycle.decided or not deciding]
        is_slow = seconds >= settings.SLOW_CYCLE_SECONDS and self._may_keep(Cause.SLOW)
        if wanted or is_slow:
            self._keep(
                tenure, cycle, cycle.decisions, wanted, Cause.SLOW if is_slow else None, took_us=int(seconds * 1e6)
            )

    def failed(self, tenure: Tenure, snapshot: Snapshot, decisions: Decisions | None, problem: Exception) -> None:
        """After a cycle that ended with an error of its own, not one of its surroundings; none of it was recorded."""
        if isinstance(problem, (Error, LeaseLost, Gone, GatewayError)) or not self._may_keep(Cause.ERROR):
            return
        nothing = Cycle(number=tenure.cycle, at=timezone.now(), snapshot=snapshot, decisions=Decisions())
        self._keep(tenure, nothing, decisions, [], Cause.ERROR, error_text(problem))

    def _may_keep(self, cause: Cause) -> bool:
        return settings.SAVED_CYCLES > 0 and time.monotonic() >= self._not_before.get(cause, 0.0)

    def _keep(
        self,
        tenure: Tenure,
        cycle: Cycle,
        decisions: Decisions | None,
        wanted: list[int],
        cause: Cause | None,
        error: str = "",
        took_us: int = 0,
    ) -> None:
        if cause is not None:
            self._not_before[cause] = time.monotonic() + PAUSE_SECONDS
        try:
            about = self._about(tenure, cycle, cause or Cause.ASKED, took_us)
            content = packed(CycleFile.of(about, cycle.snapshot, decisions, Options(), error))
            with tenure.recording():
                self._write(tenure, cycle, content, wanted, cause, error)
        except LeaseLost:
            raise
        except Exception:
            log.exception("cycle_not_saved")

    def _about(self, tenure: Tenure, cycle: Cycle, cause: Cause, took_us: int) -> About:
        pool = Pool.objects.select_related("cluster").get(pk=self.pool)
        return About(
            pool=pool.name,
            cluster=pool.cluster.name,
            cycle=cycle.number,
            epoch=tenure.epoch,
            cause=cause.label,
            took_us=took_us,
        )

    def _write(
        self, tenure: Tenure, cycle: Cycle, content: bytes, wanted: list[int], cause: Cause | None, error: str
    ) -> None:
        is_small = len(content) <= settings.SAVED_CYCLE_MIB * MEBIBYTE
        problem = error if is_small else _too_large(content)
        values = {
            "state": State.SAVED if is_small else State.FAILED,
            "epoch": tenure.epoch,
            "cycle": cycle.number,
            "at": cycle.at,
            "content": content if is_small else None,
            "size": len(content),
            "digest": hashlib.sha256(content).hexdigest(),
            "problem": problem[:500],
            "expires_at": cycle.at + timedelta(days=settings.SAVED_CYCLE_DAYS),
        }
        if wanted:
            SavedCycle.objects.filter(pk__in=wanted, state=State.WANTED).update(**values)
        if cause is not None:
            SavedCycle.objects.create(pool_id=self.pool, cause=cause, **values)
            own = SavedCycle.objects.filter(pool=self.pool, cause__in=[Cause.SLOW, Cause.ERROR]).order_by("-id")
            SavedCycle.objects.filter(pk__in=list(own.values_list("pk", flat=True)[settings.SAVED_CYCLES :])).delete()
        report_write(cycle, tenure.epoch, 0)


def _too_large(content: bytes) -> str:
    return (
        f"It has {-(-len(content) // MEBIBYTE)} MiB packed, and at most {settings.SAVED_CYCLE_MIB} are kept "
        "(BURSAR_SAVED_CYCLE_MIB)."
    )
