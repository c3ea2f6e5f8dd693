"""What units are guaranteed in pools.

A `default` department has no quotas of its own and counts as the sum of its projects, a cluster as that of its
departments.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from django.db.models import F, Q

from orgs.models import UnitState
from orgs.names import DEFAULT_DEPARTMENT
from quotas.models import Quota


class Amounts(NamedTuple):
    """A quantity of each resource; what is not set counts as 0."""

    gpu_milli: int = 0
    cpu_millicores: int = 0
    memory_bytes: int = 0

    def plus(self, other: Amounts) -> Amounts:
        return Amounts(*(one + two for one, two in zip(self, other, strict=True)))


NOTHING = Amounts()


def guaranteed(units: Iterable[int]) -> dict[tuple[int, int], Amounts]:
    """(unit, pool) -> what it is guaranteed, in one query; nothing for who has no quota there."""
    asked = set(units)
    in_default = Q(unit__parent__name=DEFAULT_DEPARTMENT, unit__parent__parent=F("unit__cluster"))
    in_cluster = Q(unit__parent=F("unit__cluster"))
    rows = (
        Quota.objects.filter(
            Q(unit__in=asked)
            | in_cluster & Q(unit__cluster__in=asked)
            | in_default & (Q(unit__parent__in=asked) | Q(unit__cluster__in=asked)),
            unit__state=UnitState.ACTIVE,
        )
        .annotate(summed=in_default | in_cluster)
        .values_list("unit", "unit__parent", "unit__cluster", "summed", "pool", *Amounts._fields)
    )
    sums: dict[tuple[int, int], Amounts] = defaultdict(Amounts)
    for unit, parent, cluster, summed, pool, *values in rows:
        amounts = Amounts(*(value or 0 for value in values))
        for counted in {unit, parent, cluster} if summed else {unit}:
            if counted in asked:
                sums[counted, pool] = sums[counted, pool].plus(amounts)
    return dict(sums)
