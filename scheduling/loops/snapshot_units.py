"""Departments and projects with what they are given in a pool."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from orgs.models import OrgUnit, UnitKind
from orgs.names import DEFAULT_DEPARTMENT
from portal.reading import EpochMs
from quotas.models import Quota
from quotas.selectors.access import no_row
from scheduling.engine.types import NOTHING, Amounts, Bounds, Unit

QUOTA = ("gpu_milli", "cpu_millicores", "memory_bytes")
LIMIT = ("limit_gpu_milli", "limit_cpu_millicores", "limit_memory_bytes")
RUNTIMES = ("reclaim_min_runtime_seconds", "preempt_min_runtime_seconds")
COLUMNS = ("rank", "weight_milli", "over_quota", *RUNTIMES, *QUOTA, *LIMIT)
Given = tuple[int, int, Bounds, Bounds, bool, int | None, int | None]

Changes = Mapping[int, Mapping[str, Any] | None]
"""Unit -> the columns of its quota as they would be; None = no row."""
NO_CHANGES: Changes = MappingProxyType({})


def units_of(cluster: int, pool: int, usage: Mapping[int, Amounts], changes: Changes = NO_CHANGES) -> tuple[Unit, ...]:
    """Parents first. A unit without a row has the default access, the default department what its projects have.

    `usage`: their parts of the pool in the past. `changes`: as it would be with these.
    """
    no_quota = no_row()
    unset = _given(*(getattr(no_quota, column) for column in COLUMNS))
    given = {
        unit: _given(*columns) for unit, *columns in Quota.objects.filter(pool=pool).values_list("unit_id", *COLUMNS)
    }
    for pk, values in changes.items():
        given[pk] = unset if values is None else _given(*(values[column] for column in COLUMNS))
    rows = OrgUnit.objects.filter(cluster=cluster).exclude(kind=UnitKind.CLUSTER).order_by("path")
    units: list[Unit] = []
    children: dict[int, list[Unit]] = defaultdict(list)
    default = None
    for pk, parent, name, kind, created in rows.values_list("pk", "parent_id", "name", "kind", EpochMs("created_at")):
        top = parent == cluster
        if top and kind == UnitKind.DEPARTMENT and name == DEFAULT_DEPARTMENT:
            default = pk
        rank, weight, quota, limit, over, reclaim, preempt = given.get(pk, unset)
        past = usage.get(pk, NOTHING)
        unit = Unit(
            pk, None if top else parent, name, created, rank, weight, quota, limit, over, past, reclaim, preempt
        )
        units.append(unit)
        children[parent].append(unit)
    return tuple(
        replace(unit, quota=_sum(children[unit.id]), limit=Bounds(), over_quota=True) if unit.id == default else unit
        for unit in units
    )


def _given(rank: int, weight: int, over: bool, reclaim: int | None, preempt: int | None, *bounds: int | None) -> Given:
    return rank, weight, Bounds(*bounds[:3]), Bounds(*bounds[3:]), over, _ms(reclaim), _ms(preempt)


def _ms(seconds: int | None) -> int | None:
    return None if seconds is None else seconds * 1000


def _sum(units: Sequence[Unit]) -> Bounds:
    """Without bound where one of them is."""
    columns = zip(*(unit.quota for unit in units), strict=True) if units else ((0,), (None,), (None,))
    return Bounds(*(None if None in column else sum(column) for column in columns))
