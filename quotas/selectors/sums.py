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
from orgs.services.unit import is_default_department
from quotas.guard import NOTHING, RESOURCES, Amounts, Own, tally
from quotas.models import Quota, QuotaVersion

__all__ = [
    "NOTHING",
    "RESOURCES",
    "Amounts",
    "Sums",
    "Unsaved",
    "guaranteed",
    "held_at",
    "line_of",
    "sums",
    "sums_then",
]


@dataclass(frozen=True, slots=True)
class Sums:
    """By unit and pool; nothing where there is no quota."""

    guaranteed: dict[tuple[int, int], Amounts]
    given: dict[tuple[int, int], Amounts]


@dataclass(frozen=True, slots=True)
class Unsaved:
    """A quota as it would be."""

    unit: OrgUnit
    """With its parent."""
    pool: int
    own: Own | None
    """None: no row any more."""


@dataclass(frozen=True, slots=True)
class _Rows:
    quotas: dict[int, dict[int, Own]]
    """Pool -> unit -> its quota."""
    paths: dict[int, tuple[int, ...]]
    defaults: frozenset[int]

    def sums(self, asked: set[int]) -> Sums:
        found = Sums({}, {})
        for pool, own_of in self.quotas.items():
            added = tally(own_of, self.paths, self.defaults)
            for into, amounts in ((found.guaranteed, added.counts), (found.given, added.given)):
                into.update(
                    {(unit, pool): amounts[unit] for unit in asked & amounts.keys() if amounts[unit] != NOTHING}
                )
        return found

    def then(self, unsaved: Iterable[Unsaved]) -> _Rows:
        quotas: dict[int, dict[int, Own]] = defaultdict(dict)
        quotas.update({pool: dict(own_of) for pool, own_of in self.quotas.items()})
        paths, defaults = dict(self.paths), set(self.defaults)
        for one in unsaved:
            if one.own is None:
                quotas[one.pool].pop(one.unit.pk, None)
                continue
            quotas[one.pool][one.unit.pk] = one.own
            paths[one.unit.pk] = line_of(one.unit.path)
            if one.unit.parent is not None and is_default_department(one.unit.parent):
                defaults.add(one.unit.parent.pk)
        return _Rows(quotas, paths, frozenset(defaults))


def line_of(path: str) -> tuple[int, ...]:
    """Ids on a unit's path, from its cluster down to itself."""
    return tuple(int(part) for part in path.split("/")[2:] if part)


def guaranteed(units: Iterable[int]) -> dict[tuple[int, int], Amounts]:
    """(unit, pool) -> what it is guaranteed, in one query."""
    return sums(units).guaranteed


def sums(units: Iterable[int], at: datetime | None = None) -> Sums:
    """Of the units with these ids, in one query. `at`: of the quotas as they were then, in the tree as it is."""
    asked = set(units)
    return _read(asked, at).sums(asked)


def sums_then(units: Iterable[int], unsaved: Iterable[Unsaved]) -> tuple[Sums, Sums]:
    """As they are, and as they would be; in one query."""
    asked = set(units)
    rows = _read(asked)
    return rows.sums(asked), rows.then(unsaved).sums(asked)


def _read(asked: set[int], at: datetime | None = None) -> _Rows:
    """The quotas that have to do with what the units are guaranteed and have given."""
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
    return _Rows(quotas, paths, frozenset(defaults))


def held_at(versions: QuerySet[QuotaVersion], at: datetime) -> QuerySet[QuotaVersion]:
    """Those that held at a moment, and were rows of Quota."""
    return versions.filter(Q(until=None) | Q(until__gt=at), since__lte=at, values__isnull=False)
