"""How the loops of pools are: who holds them, whether they keep time, how long their cycles take."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from portal.models import Lease
from quotas.models import Pool, PoolSummary
from scheduling.models import CycleReport

WINDOW = timedelta(minutes=10)
MOST_CYCLES = 5000
MOST_DRAWN = 60
PHASES = ("snapshot", "decide", "record")


@dataclass(frozen=True, slots=True)
class Spark:
    """The times of the last cycles as a line in a picture of 120 by 24."""

    points: str
    count: int
    highest: float
    """Seconds."""

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Spark | None:
        """In their order; a line needs two."""
        shown = seconds[-MOST_DRAWN:]
        highest = max(shown, default=0.0)
        if len(shown) < 2 or not highest:
            return None
        step = 116 / (len(shown) - 1)
        points = " ".join(f"{2 + place * step:.1f},{22 - 20 * one / highest:.1f}" for place, one in enumerate(shown))
        return cls(points, len(shown), highest)


@dataclass(frozen=True, slots=True)
class LoopRow:
    """One pool's loop; times in seconds, none where no cycle of the window decided anything."""

    pool: Pool
    state: str
    lease: Lease | None
    age_seconds: float | None
    """Since it last renewed its lease, which it does with every cycle."""
    last: float | None
    median: float | None
    most: float | None
    """95 of 100 cycles take at most this."""
    spark: Spark | None
    decisions: int
    summary: PoolSummary | None


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of a cycle, drawn as a part of a bar of 1,000."""

    name: str
    seconds: float
    left: int
    width: int


def lease_name(pool: int) -> str:
    return f"loop:pool:{pool}"


def loop_rows(pools: Sequence[Pool]) -> list[LoopRow]:
    """Two queries, whatever the number of pools."""
    leases = {lease.name: lease for lease in Lease.objects.filter(name__in=[lease_name(pool.pk) for pool in pools])}
    cycles: dict[int, list[tuple[float, int]]] = defaultdict(list)
    recent = CycleReport.objects.filter(pool__in=[pool.pk for pool in pools], at__gte=timezone.now() - WINDOW)
    for pool, timings, counts in recent.order_by("-at").values_list("pool_id", "timings", "counts")[:MOST_CYCLES]:
        cycles[pool].append((cycle_seconds(timings), decided(counts)))
    return [_row(pool, leases.get(lease_name(pool.pk)), cycles[pool.pk]) for pool in pools]


def cycle_seconds(timings: dict[str, Any]) -> float:
    return sum(int(timings.get(phase, 0)) for phase in PHASES) / 1e6


def phases(timings: dict[str, Any]) -> list[Phase]:
    """One beside the other, in their order; none where nothing was timed."""
    times = [(name, int(timings.get(name, 0))) for name in PHASES]
    whole = sum(took_us for _, took_us in times)
    found, done_us = [], 0
    for name, took_us in times if whole else ():
        left, right = 1000 * done_us // whole, 1000 * (done_us + took_us) // whole
        found.append(Phase(name, took_us / 1e6, left, right - left))
        done_us += took_us
    return found


def decided(counts: dict[str, Any]) -> int:
    return sum(int(counts.get(kind, 0)) for kind in ("places", "reserves", "evicts"))


def _row(pool: Pool, lease: Lease | None, cycles: list[tuple[float, int]]) -> LoopRow:
    seconds = sorted(second for second, _ in cycles)
    age = None
    if lease is not None:
        age = max(0.0, (timezone.now() - lease.expires_at).total_seconds() + settings.LEASE_SECONDS)
    return LoopRow(
        pool=pool,
        state=_state(age),
        lease=lease,
        age_seconds=age,
        last=cycles[0][0] if cycles else None,
        median=seconds[len(seconds) // 2] if seconds else None,
        most=seconds[min(len(seconds) - 1, len(seconds) * 95 // 100)] if seconds else None,
        spark=Spark.of([second for second, _ in reversed(cycles)]),
        decisions=sum(number for _, number in cycles),
        summary=getattr(pool, "summary", None),
    )


def _state(age: float | None) -> str:
    """Past its lease another worker may take it, which takes a call's timeout more."""
    if age is None or age > settings.LEASE_SECONDS + 2 * settings.CALL_TIMEOUT_SECONDS:
        return "not running"
    return "late" if age > settings.LEASE_SECONDS else "on time"
