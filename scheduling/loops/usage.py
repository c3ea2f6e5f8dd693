"""How units stand in a pool: the rows that pages read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orgs.models import OrgUnit
from quotas.models import Pool, UnitUsage
from scheduling.engine.decisions import UnitShare

from .cycle import Cycle
from .rows import update_rows

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
    "running",
    "pending",
)
"""Columns that add up: a cluster's are the sums of its topmost units."""
FIELDS = (*SUMS, "position", "starving_since")


@dataclass(frozen=True, slots=True)
class UsageChange:
    """Rows of the pool that are new, and those that differ (by their ids)."""

    pool: int
    new: dict[int, tuple[Any, ...]]
    changed: dict[int, tuple[Any, ...]]

    @classmethod
    def of(cls, cycle: Cycle) -> UsageChange | None:
        old = {
            unit: (pk, values)
            for pk, unit, *values in UnitUsage.objects.filter(pool=cycle.pool).values_list("pk", "unit_id", *FIELDS)
        }
        since = {unit: values[-1] for unit, (_, values) in old.items()}
        now = usage_rows(cycle, since)
        new = {unit: values for unit, values in now.items() if unit not in old}
        changed = {old[unit][0]: values for unit, values in now.items() if unit in old and old[unit][1] != list(values)}
        return cls(cycle.pool, new, changed) if new or changed else None

    def write(self) -> None:
        # Units that were removed since the snapshot have no rows any more.
        there = OrgUnit.objects.filter(pk__in=self.new).values_list("pk", flat=True)
        UnitUsage.objects.bulk_create(
            UnitUsage(pool_id=self.pool, unit_id=unit, **dict(zip(FIELDS, self.new[unit], strict=True)))
            for unit in sorted(there)
        )
        update_rows(UnitUsage, FIELDS, [(pk, *values) for pk, values in self.changed.items()])


def over_quota(cycle: Cycle) -> dict[int, int]:
    """milli-GPUs above quota by unit: of a project its own, of a department the sum of its projects'."""
    above: dict[int, int] = {}
    parents = {unit.id: unit.parent for unit in cycle.snapshot.units}
    leaves = set(parents) - set(parents.values())
    for share in cycle.decisions.shares:
        above.setdefault(share.unit, 0)
        if share.unit in leaves:
            over = max(share.allocated.gpu_milli - (share.quota.gpu_milli or 0), 0)
            unit: int | None = share.unit
            while unit is not None:
                above[unit] = above.get(unit, 0) + over
                unit = parents[unit]
    return above


def usage_rows(cycle: Cycle, since: dict[int, datetime | None]) -> dict[int, tuple[Any, ...]]:
    """Values of FIELDS by unit. `since`: when the starving ones began to."""
    over = over_quota(cycle)
    rows: dict[int, tuple[Any, ...]] = {
        share.unit: (
            *_sums(share, over[share.unit]),
            position,
            (since.get(share.unit) or cycle.at) if _starves(share) else None,
        )
        for position, share in enumerate(cycle.decisions.shares, 1)
    }
    tops = [rows[unit.id] for unit in cycle.snapshot.units if unit.parent is None and unit.id in rows]
    cluster = Pool.objects.values_list("cluster_id", flat=True).get(pk=cycle.pool)
    rows[cluster] = (*(sum(row[column] for row in tops) for column in range(len(SUMS))), 0, None)
    return rows


def _sums(share: UnitShare, over: int) -> tuple[int, ...]:
    amounts = (share.allocated, share.allocated_non_preemptible, share.requested, share.fair_share)
    return (*(part for amount in amounts for part in amount), over, share.running, share.pending)


def _starves(share: UnitShare) -> bool:
    quota, allocated = share.quota.gpu_milli or 0, share.allocated.gpu_milli
    return share.pending > 0 and allocated < min(quota, share.requested.gpu_milli)
