"""Departments and projects with what they are given in a pool."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from orgs.models import OrgUnit, UnitKind
from orgs.names import DEFAULT_DEPARTMENT
from portal.reading import EpochMs
from quotas.models import Quota, Rank
from scheduling.engine.types import NOTHING, Amounts, Bounds, Unit

QUOTA = ("gpu_milli", "cpu_millicores", "memory_bytes")
LIMIT = ("limit_gpu_milli", "limit_cpu_millicores", "limit_memory_bytes")
RUNTIMES = ("reclaim_min_runtime_seconds", "preempt_min_runtime_seconds")
UNSET = (Rank.MEDIUM, 2000, Bounds(0, None, None), Bounds(), True, None, None)


def units_of(cluster: int, pool: int, usage: Mapping[int, Amounts]) -> tuple[Unit, ...]:
    """Parents first. A unit without a row may use what is spare; the default department has what its projects have.

    `usage`: their parts of the pool in the past.
    """
    given = {
        unit: (rank, weight, Bounds(*bounds[:3]), Bounds(*bounds[3:]), over, _ms(reclaim), _ms(preempt))
        for unit, rank, weight, over, reclaim, preempt, *bounds in Quota.objects.filter(pool=pool).values_list(
            "unit_id", "rank", "weight_milli", "over_quota", *RUNTIMES, *QUOTA, *LIMIT
        )
    }
    rows = OrgUnit.objects.filter(cluster=cluster).exclude(kind=UnitKind.CLUSTER).order_by("path")
    units: list[Unit] = []
    children: dict[int, list[Unit]] = defaultdict(list)
    default = None
    for pk, parent, name, kind, created in rows.values_list("pk", "parent_id", "name", "kind", EpochMs("created_at")):
        top = parent == cluster
        if top and kind == UnitKind.DEPARTMENT and name == DEFAULT_DEPARTMENT:
            default = pk
        rank, weight, quota, limit, over, *runtimes = given.get(pk, UNSET)
        past = usage.get(pk, NOTHING)
        unit = Unit(pk, None if top else parent, name, created, rank, weight, quota, limit, over, past, *runtimes)
        units.append(unit)
        children[parent].append(unit)
    return tuple(
        replace(unit, quota=_sum(children[unit.id]), limit=Bounds(), over_quota=True) if unit.id == default else unit
        for unit in units
    )


def _ms(seconds: int | None) -> int | None:
    return None if seconds is None else seconds * 1000


def _sum(units: Sequence[Unit]) -> Bounds:
    """Without bound where one of them is."""
    columns = zip(*(unit.quota for unit in units), strict=True) if units else ((0,), (None,), (None,))
    return Bounds(*(None if None in column else sum(column) for column in columns))
