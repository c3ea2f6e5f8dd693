"""What units had over time, from the sums that are kept: months, days, the hours that are no day yet, and what has not
been added to its hour yet."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db.models import Q, QuerySet, Sum

from quotas.models import CapacityHour, RolledUp, UnitUsage, UsageDay, UsageHour, UsageMonth
from scheduling.loops.history import spans
from scheduling.loops.usage import COUNTED, SUMS, level_of

from .periods import Period, midnight

GPU = COUNTED.index("gpu_milli_seconds")
OVER, IDLE, WAITING = (COUNTED.index(f"{name}_gpu_milli_seconds") for name in ("over", "idle", "waiting"))


@dataclass(slots=True)
class Use:
    """Sums over a time, in milli-GPU-seconds."""

    used: int = 0
    over: int = 0
    idle: int = 0
    """Guaranteed and not used."""
    waiting: int = 0
    lent: int = 0
    """Of days that are over."""

    @property
    def guaranteed(self) -> int:
        return self.used - self.over

    @property
    def empty(self) -> bool:
        return not (self.used or self.idle or self.waiting)

    def join(self, other: Use) -> None:
        self.used += other.used
        self.over += other.over
        self.idle += other.idle
        self.waiting += other.waiting
        self.lent += other.lent

    def add(self, values: Iterable[int], lent: int = 0) -> None:
        counted = list(values)
        self.used += counted[GPU]
        self.over += counted[OVER]
        self.idle += counted[IDLE]
        self.waiting += counted[WAITING]
        self.lent += lent


Which = Callable[[str], Q]
"""Whose rows: conditions on `kind` and `path` of the unit, by what is before their names ("" of rows that have both,
"unit__" of rows that point at the unit)."""


@dataclass(slots=True)
class Parts:
    """Where the sums of each pool are to be read: the pools with the same bounds together."""

    pools: Collection[int]
    period: Period
    bounds: dict[tuple[date, date], list[int]] = field(default_factory=lambda: defaultdict(list))
    """Of months that are done, and of days."""

    def __post_init__(self) -> None:
        marks = {
            pool: (months, until)
            for pool, until, months in RolledUp.objects.filter(pool__in=self.pools).values_list(
                "pool_id", "until", "months_until"
            )
        }
        begin = self.period.begin.date()
        end = self.period.final if self.period.is_open else self.period.end.date()
        for pool in self.pools:
            months, until = marks.get(pool, (begin, begin))
            months = min(max(months, begin), end) if self.period.by_month else begin
            self.bounds[months, min(max(until, begin), end)].append(pool)

    def months(self) -> Q:
        return self._any(
            Q(at__gte=self.period.begin.date(), at__lt=months, pool__in=pools)
            for (months, _), pools in self.bounds.items()
            if months > self.period.begin.date()
        )

    def days(self) -> Q:
        return self._any(
            Q(at__gte=months, at__lt=until, pool__in=pools)
            for (months, until), pools in self.bounds.items()
            if until > months
        )

    def hours(self) -> Q:
        return self._any(
            Q(at__gte=midnight(until), at__lt=self.period.end, pool__in=pools)
            for (_, until), pools in self.bounds.items()
            if midnight(until) < self.period.end
        )

    def _any(self, parts: Iterable[Q]) -> Q:
        found = Q()
        for part in parts:
            found |= part
        return found or Q(pk__in=[])


def use_by(parts: Parts, which: Which, key: str) -> dict[Any, Use]:
    """Sums by unit (`key` "unit") or by pool ("pool"). At most five queries."""
    found: dict[Any, Use] = defaultdict(Use)
    rolled: list[tuple[QuerySet[Any], Q]] = [(UsageDay.objects.all(), parts.days())]
    if parts.period.by_month:
        rolled.append((UsageMonth.objects.all(), parts.months()))
    for rows, when in rolled:
        for at, *values, lent in _summed(rows.filter(when, which("")), key, "lent_gpu_milli_seconds"):
            found[at].add(values, lent)
    for at, *values in _summed(UsageHour.objects.filter(parts.hours(), which("unit__")), key):
        found[at].add(values)
    for at, _, amounts in _rest(parts, which, f"{key}_id"):
        found[at].add(amounts)
    return found


def _summed(rows: QuerySet[Any], key: str, *more: str) -> Iterator[tuple[Any, ...]]:
    names = (*COUNTED, *more)
    sums = rows.order_by().values_list(key).annotate(*(Sum(name) for name in names))
    yield from sums


def _rest(parts: Parts, which: Which, key: str) -> Iterator[tuple[Any, datetime, tuple[int, ...]]]:
    """What has not been added to the hours yet, by hour."""
    if not parts.period.is_open:
        return
    rows = UnitUsage.objects.filter(which("unit__"), pool__in=parts.pools).values_list(key, "since", *SUMS)
    for at, since, *values in rows:
        for hour, amounts in spans(level_of(values), max(since, parts.period.begin), parts.period.end):
            yield at, hour, amounts


def use_over_time(parts: Parts, which: Which) -> dict[datetime, Use]:
    """By step of the period. At most five queries."""
    period = parts.period
    found: dict[datetime, Use] = defaultdict(Use)
    if period.step == "hour":
        hours = Q(at__gte=period.begin, at__lt=period.end, pool__in=parts.pools)
    else:
        hours = parts.hours()
        for rows, when in ((UsageDay.objects.all(), parts.days()), (UsageMonth.objects.all(), parts.months())):
            for day, *values in _summed(rows.filter(when, which("")), "at"):
                found[period.step_of(midnight(day))].add(values)
    for hour, *values in _summed(UsageHour.objects.filter(hours, which("unit__")), "at"):
        found[period.step_of(hour)].add(values)
    for _, at, amounts in _rest(parts, which, "pool_id"):
        found[period.step_of(at)].add(amounts)
    return found


def ready_over_time(parts: Parts) -> dict[datetime, int]:
    """milli-GPU-seconds of the ready nodes by step, as far as hours are kept; without what has not been added yet."""
    period = parts.period
    rows = CapacityHour.objects.filter(pool__in=parts.pools, at__gte=period.begin, at__lt=period.end)
    found: Counter[datetime] = Counter()
    for at, amount in rows.order_by().values_list("at").annotate(Sum("gpu_milli_seconds")):
        found[period.step_of(at)] += amount
    return dict(found)
