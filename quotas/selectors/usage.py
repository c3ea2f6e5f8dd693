"""What units hold in pools, as their loops last wrote it."""

from __future__ import annotations

from collections.abc import Iterable

from quotas.models import UnitUsage

from .sums import Amounts


def used(units: Iterable[int]) -> dict[tuple[int, int], Amounts]:
    """(unit, pool) -> amounts, in one query."""
    rows = UnitUsage.objects.filter(unit__in=units).values_list("unit", "pool", *Amounts._fields)
    return {(unit, pool): Amounts(*own) for unit, pool, *own in rows}
