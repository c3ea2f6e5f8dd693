"""What units are guaranteed in pools, and gave to the units right below them: the guard's arithmetic, on pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import F, Q

from orgs.models import OrgUnit, UnitState
from orgs.names import DEFAULT_DEPARTMENT
from quotas.guard import NOTHING, RESOURCES, Amounts, Own, tally
from quotas.models import Quota

__all__ = ["NOTHING", "RESOURCES", "Amounts", "Sums", "guaranteed", "line_of", "sums"]


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


def sums(units: Iterable[int]) -> Sums:
    """Of the units with these ids, in one query."""
    asked = set(units)
    in_default = Q(unit__parent__name=DEFAULT_DEPARTMENT, unit__parent__parent=F("unit__cluster"))
    in_cluster = Q(unit__parent=F("unit__cluster"))
    # CPU and memory count further up where a unit between has none set; of GPUs, a unit has what its row says.
    passed_on = Q(cpu_millicores__isnull=False) | Q(memory_bytes__isnull=False)
    rows = (
        Quota.objects.filter(
            Q(unit__in=asked)
            | Q(unit__parent__in=asked)
            | in_cluster & Q(unit__cluster__in=asked)
            | in_default & Q(unit__cluster__in=asked)
            | passed_on & Q(unit__cluster__in=OrgUnit.objects.filter(pk__in=asked).values("cluster")),
            unit__state=UnitState.ACTIVE,
        )
        .annotate(of_default=in_default)
        .values_list("pool", "unit", "unit__path", "unit__parent", "of_default", *Amounts._fields)
    )
    quotas: dict[int, dict[int, Own]] = defaultdict(dict)
    paths: dict[int, tuple[int, ...]] = {}
    defaults: set[int] = set()
    for pool, unit, path, parent, of_default, *own in rows:
        quotas[pool][unit] = (own[0], own[1], own[2])
        paths[unit] = line_of(path)
        if of_default:
            defaults.add(parent)
    found = Sums({}, {})
    for pool, own_of in quotas.items():
        added = tally(own_of, paths, defaults)
        for into, amounts in ((found.guaranteed, added.counts), (found.given, added.given)):
            into.update({(unit, pool): amounts[unit] for unit in asked & amounts.keys() if amounts[unit] != NOTHING})
    return found
