"""How units stand in a pool: the rows that pages read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orgs.models import OrgUnit
from quotas.models import Pool, UnitUsage, UsageHour
from scheduling.engine.decisions import UnitShare

from .cycle import Cycle
from .history import LEVEL, SECONDS, Level, full_hour, spans
from .rows import add_rows, update_rows

SUMS = (
    "gpu_milli",
    "cpu_millicores",
    "memory_bytes",
    "non_preemptible_gpu_milli",
    "non_preemptible_cpu_millicores",
    "non_preemptible_memory_bytes",
    "requested_gpu_milli",
    "requested_cpu_millicores",
    "requested_memory_bytes",
    "fair_gpu_milli",
    "fair_cpu_millicores",
    "fair_memory_bytes",
    "over_gpu_milli",
    "idle_gpu_milli",
    "running",
    "pending",
)
"""Columns that add up: a cluster's are the sums of its topmost units."""
FIELDS = (*SUMS, "position", "starving_since")
COUNTED = (*SECONDS, "over_gpu_milli_seconds", "idle_gpu_milli_seconds", "waiting_gpu_milli_seconds")
"""Columns of the hours, in the order of `level_of`."""


@dataclass(frozen=True, slots=True)
class UsageChange:
    """Rows of the pool that are new, and those that differ (by their ids)."""

    pool: int
    at: datetime
    new: dict[int, tuple[Any, ...]]
    changed: dict[int, tuple[Any, ...]]
    """Values of FIELDS, and up to when the level before has been added to the hours."""
    hours: list[tuple[int, datetime, Level]]
    """By unit and full hour: what it had since its level was last added."""

    @classmethod
    def of(cls, cycle: Cycle, at: datetime) -> UsageChange | None:
        """`at`: the whole second as which the cycle counts."""
        rows = UnitUsage.objects.filter(pool=cycle.pool).values_list("pk", "unit_id", "since", *FIELDS)
        old = {unit: (pk, since, values) for pk, unit, since, *values in rows}
        now = usage_rows(cycle, {unit: values[-1] for unit, (_, _, values) in old.items()})
        new = {unit: values for unit, values in now.items() if unit not in old}
        changed: dict[int, tuple[Any, ...]] = {}
        hours: list[tuple[int, datetime, Level]] = []
        this_hour = full_hour(at)
        for unit, (pk, since, before) in old.items():
            values = now.get(unit)
            if values is None:
                continue
            level = level_of(before)
            ends = level != level_of(values) or (any(level) and full_hour(since) < this_hour)
            if ends:
                hours += [(unit, hour, amounts) for hour, amounts in spans(level, since, at)]
            if ends or before != list(values):
                changed[pk] = (*values, at if ends else since)
        return cls(cycle.pool, at, new, changed, hours) if new or changed else None

    def write(self) -> None:
        """The hours in the same transaction as the moment up to which they are counted: nothing counts twice."""
        # Units that were removed since the snapshot have no rows any more.
        units = {*self.new, *(unit for unit, _, _ in self.hours)}
        there = set(OrgUnit.objects.filter(pk__in=units).values_list("pk", flat=True)) if units else set()
        UnitUsage.objects.bulk_create(
            UnitUsage(pool_id=self.pool, unit_id=unit, since=self.at, **dict(zip(FIELDS, self.new[unit], strict=True)))
            for unit in sorted(there & set(self.new))
        )
        update_rows(UnitUsage, (*FIELDS, "since"), [(pk, *values) for pk, values in self.changed.items()])
        add_rows(
            UsageHour,
            ("pool", "at", "unit"),
            COUNTED,
            [(self.pool, hour, unit, *amounts) for unit, hour, amounts in self.hours if unit in there],
        )


def level_of(values: Sequence[Any]) -> Level:
    """What of the values of FIELDS counts by time: allocated, over quota, idle, waiting."""
    named = dict(zip(SUMS, values, strict=False))
    waiting = max(named["requested_gpu_milli"] - named["gpu_milli"], 0)
    return (*(named[name] for name in LEVEL), named["over_gpu_milli"], named["idle_gpu_milli"], waiting)


def beyond_quota(cycle: Cycle) -> dict[int, tuple[int, int]]:
    """milli-GPUs above quota, and guaranteed ones that are not used, by unit: of a project its own, of a department the
    sums of its projects'."""
    found = {share.unit: (0, 0) for share in cycle.decisions.shares}
    parents = {unit.id: unit.parent for unit in cycle.snapshot.units}
    leaves = set(parents) - set(parents.values())
    for share in cycle.decisions.shares:
        if share.unit in leaves:
            above = share.allocated.gpu_milli - (share.quota.gpu_milli or 0)
            unit: int | None = share.unit
            while unit is not None:
                over, idle = found.get(unit, (0, 0))
                found[unit] = (over + max(above, 0), idle + max(-above, 0))
                unit = parents[unit]
    return found


def usage_rows(cycle: Cycle, since: dict[int, datetime | None]) -> dict[int, tuple[Any, ...]]:
    """Values of FIELDS by unit. `since`: when the starving ones began to."""
    beyond = beyond_quota(cycle)
    rows: dict[int, tuple[Any, ...]] = {
        share.unit: (
            *_sums(share, beyond[share.unit]),
            position,
            (since.get(share.unit) or cycle.at) if _starves(share) else None,
        )
        for position, share in enumerate(cycle.decisions.shares, 1)
    }
    tops = [rows[unit.id] for unit in cycle.snapshot.units if unit.parent is None and unit.id in rows]
    cluster = Pool.objects.values_list("cluster_id", flat=True).get(pk=cycle.pool)
    rows[cluster] = (*(sum(row[column] for row in tops) for column in range(len(SUMS))), 0, None)
    return rows


def _sums(share: UnitShare, beyond: tuple[int, int]) -> tuple[int, ...]:
    amounts = (share.allocated, share.allocated_non_preemptible, share.requested, share.fair_share)
    return (*(part for amount in amounts for part in amount), *beyond, share.running, share.pending)


def _starves(share: UnitShare) -> bool:
    quota, allocated = share.quota.gpu_milli or 0, share.allocated.gpu_milli
    return share.pending > 0 and allocated < min(quota, share.requested.gpu_milli)
