"""What units are guaranteed in pools, and gave to the units right below them: the guard's arithmetic, on pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Q, QuerySet

from orgs.models import OrgUnit, UnitState
from orgs.names import DEFAULT_DEPARTMENT
from quotas.guard import NOTHING, RESOURCES, Amounts, Own, tally
from quotas.models import Quota, QuotaVersion

__all__ = ["NOTHING", "RESOURCES", "Amounts", "Sums", "guaranteed", "held_at", "line_of", "sums"]


@dataclass(frozen=True, slots=True)
class Sums:
    """By unit and pool; nothing where there is no quota."""

    guaranteed: dict[tuple[int, int], Amounts]
    given: dict[tuple[int, int], Amounts]


def line_of(path: str) -> tuple[int, ...]:
    """Ids on a unit's path, from its cluster down to itself."""
    return tuple(int(part) for part in path.split("/")[2:] if part)


def guaranteed(units: Iterable[int]) -> dict[tuple[int, int], Amounts]:
    """(unit, pool) -> what it is guaranteed, in one query."""
    return sums(units).guaranteed


def sums(units: Iterable[int], at: datetime | None = None) -> Sums:
    """Of the units with these ids, in one query. `at`: of the quotas as they were then, in the tree as it is."""
    asked = set(units)
    in_default = Q(unit__parent__name=DEFAULT_DEPARTMENT, unit__parent__parent=F("unit__cluster"))
    in_cluster = Q(unit__parent=F("unit__cluster"))
    # CPU and memory count further up where a unit between has none set; of GPUs, a unit has what its row says.
    passed_on = Q(cpu_millicores__isnull=False) | Q(memory_bytes__isnull=False)
    if at is not None:
        passed_on = ~Q(values__cpu_millicores=None) | ~Q(values__memory_bytes=None)
    wanted = (
        Q(unit__in=asked)
        | Q(unit__parent__in=asked)
        | in_cluster & Q(unit__cluster__in=asked)
        | in_default & Q(unit__cluster__in=asked)
        | passed_on & Q(unit__cluster__in=OrgUnit.objects.filter(pk__in=asked).values("cluster"))
    ) & Q(unit__state=UnitState.ACTIVE)
    place = ("pool", "unit", "unit__path", "unit__parent", "of_default")
    rows: Iterable[tuple[Any, ...]]
    if at is None:
        quotas_now = Quota.objects.filter(wanted).annotate(of_default=in_default)
        rows = quotas_now.values_list(*place, *Amounts._fields)
    else:
        versions = held_at(QuotaVersion.objects.filter(wanted), at).annotate(of_default=in_default)
        rows = (
            (*where, *(values[name] for name in Amounts._fields))
            for *where, values in versions.values_list(*place, "values")
        )
    quotas: dict[int, dict[int, Own]] = defaultdict(dict)
    paths: dict[int, tuple[int, ...]] = {}
    defaults: set[int] = set()
    for pool, unit, path, parent, of_default, *own in rows:
        quotas[pool][unit] = (own[0], own[1], own[2])
        if unit not in paths:
            paths[unit] = line_of(path)
        if of_default:
            defaults.add(parent)
    found = Sums({}, {})
    for pool, own_of in quotas.items():
        added = tally(own_of, paths, defaults)
        for into, amounts in ((found.guaranteed, added.counts), (found.given, added.given)):
            into.update({(unit, pool): amounts[unit] for unit in asked & amounts.keys() if amounts[unit] != NOTHING})
    return found


def held_at(versions: QuerySet[QuotaVersion], at: datetime) -> QuerySet[QuotaVersion]:
    """Those that held at a moment, and were rows of Quota."""
    return versions.filter(Q(until=None) | Q(until__gt=at), since__lte=at, values__isnull=False)
