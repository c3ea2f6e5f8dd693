"""Writes the history of quotas, in the transaction of the change."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from portal.actor import Actor
from quotas.models import QuotaVersion

Cell = tuple[int, int]
"""Ids of a unit and a pool."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the versions of one save have in common."""

    actor: Actor
    at: datetime
    reason: str
    batch: uuid.UUID


def open_numbers(cells: Iterable[Cell]) -> dict[Cell, int]:
    """The number of the version that holds now, of cells that ever had one."""
    rows = QuotaVersion.objects.filter(_any_of(cells), until=None).values_list("unit", "pool", "number")
    return {(unit, pool): number for unit, pool, number in rows}


def versions_write(*, stamp: Stamp, written: dict[Cell, tuple[int, dict[str, Any] | None]]) -> None:
    """Ends what held so far and begins what holds now. `written`: number and values (None = no row) of each cell."""
    QuotaVersion.objects.filter(_any_of(written), until=None).update(until=stamp.at)
    QuotaVersion.objects.bulk_create(
        QuotaVersion(
            unit_id=unit,
            pool_id=pool,
            number=number,
            values=values,
            since=stamp.at,
            batch=stamp.batch,
            actor=stamp.actor.subject_id,
            actor_name=stamp.actor.name[:254],
            reason=stamp.reason,
        )
        for (unit, pool), (number, values) in written.items()
    )


def _any_of(cells: Iterable[Cell]) -> Q:
    """Exactly these cells, pool by pool."""
    pools: dict[int, list[int]] = {}
    for unit, pool in cells:
        pools.setdefault(pool, []).append(unit)
    found = Q(pk__in=())
    for pool, units in pools.items():
        found |= Q(pool=pool, unit__in=units)
    return found
