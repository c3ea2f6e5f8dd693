"""How long projects waited for GPUs that are guaranteed to them, and where that took too long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from orgs.access import within
from portal.formats import count, duration, gpus_counted
from quotas.models import Pool
from scheduling.engine.decisions import WaitCode
from scheduling.models import PromiseRecord

WINDOW = timedelta(days=30)
MOST = 10_000
SHOWN = 3
STOP_SECONDS = 120
"""So long pods may take to stop. Guaranteed GPUs are back after the pool's minimum runtime and this, else it is a
breach."""
CAUSES: dict[str, str] = {
    WaitCode.NO_READY_NODE: "no node took new work",
    WaitCode.SHORT: "what is in use could not be taken back",
    WaitCode.FRAGMENTED: "what was free lay scattered",
    WaitCode.TOPOLOGY: "what was free lay too far apart",
    WaitCode.ROOM_RESERVED: "others had to stop first",
}


@dataclass(frozen=True, slots=True)
class Breach:
    project: str
    pool: str
    owed_gpu_milli: int
    asked_at: datetime
    seconds: float
    is_open: bool
    cause: str
    """What took longest, in words."""


@dataclass(frozen=True, slots=True)
class Promises:
    """Of the last 30 days."""

    got: int
    median_seconds: float
    most_seconds: float
    """Of 95 in 100."""
    open: int
    """Are waiting now."""
    breaches: int
    worst: tuple[Breach, ...]

    @property
    def words(self) -> str:
        if not self.got:
            return "Nobody waited for guaranteed GPUs in the last 30 days." if not self.open else "None has come yet."
        half, most = duration(self.median_seconds), duration(self.most_seconds)
        times = "The one time" if self.got == 1 else f"Half of {count(self.got)} times"
        return f"{times} guaranteed GPUs were waited for, they were there within {half}; 95 in 100 times within {most}."


def promises(user: Any, where: Q, now: datetime | None = None) -> Promises:
    """Of the projects that `user` may see and `where` (by `project`) names. One query."""
    now = now or timezone.now()
    rows = within(PromiseRecord.objects.filter(where), user, "project:read", "project").filter(
        Q(ended_at=None) | Q(asked_at__gte=now - WINDOW)
    )
    found = list(rows.select_related("project", "pool").order_by("-asked_at", "-id")[:MOST])
    got = sorted(_seconds(row, now) for row in found if row.got)
    late = [row for row in found if (row.got or row.ended_at is None) and _seconds(row, now) > promised(row.pool)]
    late.sort(key=lambda row: (-_seconds(row, now), row.pk))
    return Promises(
        got=len(got),
        median_seconds=at_share(got, 0.5),
        most_seconds=at_share(got, 0.95),
        open=sum(row.ended_at is None for row in found),
        breaches=len(late),
        worst=tuple(_breach(row, now) for row in late[:SHOWN]),
    )


def promised(pool: Pool) -> int:
    """Seconds after which guaranteed GPUs are to be back."""
    return pool.min_runtime_seconds + STOP_SECONDS


def at_share(ordered: Sequence[float], share: float) -> float:
    """The smallest value that so many of them do not exceed; 0 of none."""
    return ordered[max(-(-len(ordered) * round(share * 100) // 100) - 1, 0)] if ordered else 0.0


def _seconds(row: PromiseRecord, now: datetime) -> float:
    return ((row.ended_at or now) - row.asked_at).total_seconds()


def _breach(row: PromiseRecord, now: datetime) -> Breach:
    causes = dict(row.causes)
    if row.ended_at is None:
        causes[row.cause] = causes.get(row.cause, 0) + (now - row.cause_since).total_seconds()
    longest = max(causes, key=lambda code: (causes[code], code), default=row.cause)
    return Breach(
        project=row.project.name,
        pool=row.pool.name,
        owed_gpu_milli=row.owed_gpu_milli,
        asked_at=row.asked_at,
        seconds=_seconds(row, now),
        is_open=row.ended_at is None,
        cause=CAUSES.get(longest, longest.replace("_", " ")),
    )


def breach_words(breach: Breach) -> str:
    verb = "has waited" if breach.is_open else "waited"
    what = f"{duration(breach.seconds)} for {gpus_counted(breach.owed_gpu_milli)}"
    return f"{breach.project} in {breach.pool} {verb} {what}: {breach.cause}."
