"""Past use: hours of what units had and what the pool had to give, and what follows from them for the engine."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from quotas.models import CapacityHour, PoolSummary, UnitUsage, UsageHour
from scheduling.engine.types import Amounts
from scheduling.quantities import MEBIBYTE

READ_SECONDS = 60.0
HOUR = timedelta(hours=1)
LEVEL = ("gpu_milli", "cpu_millicores", "memory_bytes")
SECONDS = ("gpu_milli_seconds", "cpu_millicore_seconds", "memory_mib_seconds")
PARTS = 2**30
"""Decay counts in these: sums of integers are the same on every machine."""

Level = tuple[int, ...]
"""GPU, CPU, memory in bytes, and what else counts by time."""


def full_hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def spans(level: Level, since: datetime, until: datetime) -> Iterator[tuple[datetime, Level]]:
    """A level from `since` to `until` as level times seconds, by full hour; nothing where nothing was held."""
    if not any(level):
        return
    gpu, cpu, memory, *others = level
    parts = (gpu, cpu, memory // MEBIBYTE, *others)
    begin = since
    while begin < until:
        hour = full_hour(begin)
        end = min(hour + HOUR, until)
        ms = (end - begin) // timedelta(milliseconds=1)
        yield hour, tuple(part * ms // 1000 for part in parts)
        begin = end


class History:
    """One pool's past use as the engine takes it; read once a minute at most."""

    def __init__(self, pool: int) -> None:
        self.pool = pool
        self._asked: tuple[int, int | None] | None = None
        self._until = 0.0
        self._usage: dict[int, Amounts] = {}

    def usage_ppm(self, window_days: int, half_life_hours: int | None) -> dict[int, Amounts]:
        """By unit: its part of the capacity over the window, of each resource in millionths."""
        asked = (window_days, half_life_hours)
        if asked != self._asked or time.monotonic() >= self._until:
            self._usage = usage_ppm(self.pool, timezone.now(), window_days, half_life_hours)
            self._asked, self._until = asked, time.monotonic() + READ_SECONDS
        return self._usage


def usage_ppm(pool: int, now: datetime, window_days: int, half_life_hours: int | None) -> dict[int, Amounts]:
    """Sum of what a unit had against the sum of what there was; an hour counts half after each half-life."""
    this_hour = full_hour(now)
    begin = this_hour - timedelta(days=window_days)

    def weight(hour: datetime) -> int:
        age = max((this_hour - hour) // HOUR, 0)
        return PARTS if half_life_hours is None else round(PARTS * 0.5 ** (age / half_life_hours))

    def rest(rows: Iterable[tuple[int, datetime, int, int, int]]) -> Iterator[tuple[int, datetime, Level]]:
        """What has not been added to the hours yet."""
        for key, since, *level in rows:
            for hour, amounts in spans(tuple(level), max(since, begin), now):
                yield key, hour, amounts

    def weighed(rows: Iterable[tuple[int, datetime, Level]]) -> dict[int, list[int]]:
        sums: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
        for key, hour, amounts in rows:
            factor = weight(hour)
            total = sums[key]
            for place, amount in enumerate(amounts):
                total[place] += amount * factor
        return sums

    there = CapacityHour.objects.filter(pool=pool, at__gte=begin).values_list("pool_id", "at", *SECONDS)
    capacity = weighed(
        [(key, hour, (a, b, c)) for key, hour, a, b, c in there]
        + list(rest(PoolSummary.objects.filter(pool=pool).values_list("pk", "since", *LEVEL)))
    )[pool]
    had = UsageHour.objects.filter(pool=pool, at__gte=begin).values_list("unit_id", "at", *SECONDS)
    used = weighed(
        [(key, hour, (a, b, c)) for key, hour, a, b, c in had.iterator()]
        + list(rest(UnitUsage.objects.filter(pool=pool).values_list("unit_id", "since", *LEVEL)))
    )
    return {
        unit: Amounts(*(part * 1_000_000 // whole if whole else 0 for part, whole in zip(sums, capacity, strict=True)))
        for unit, sums in used.items()
    }
