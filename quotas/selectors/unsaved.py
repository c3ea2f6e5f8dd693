"""The part of the matrix that unsaved changes concern: as it is, and as it would be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orgs.access import may, within
from orgs.models import OrgUnit, UnitKind
from orgs.services.unit import is_default_department
from quotas.edits import Planned
from quotas.models import Pool, Quota

from .effect import Effect
from .matrix import Column, Row
from .pools import NO_HARDWARE, hardware
from .sums import NOTHING, Sums


@dataclass(frozen=True, slots=True)
class Side:
    """Either as it is, or as it would be."""

    columns: list[Column]
    """All pools of the cluster."""
    rows: list[Row]
    """The units that change and the departments above them, those that the reader may see."""


def now_and_then(user: Any, cluster: OrgUnit, plan: Planned, effect: Effect) -> tuple[Side, Side]:
    """Of one cluster; a fixed number of queries, none where nothing changes in it."""
    changes = [change for change in plan.changes if change.pool.cluster_id == cluster.pk]
    if not changes:
        return Side([], []), Side([], [])
    ids = {pk for change in changes for pk in change.unit.ancestor_ids}
    kinds = (UnitKind.DEPARTMENT, UnitKind.PROJECT)
    units = list(within(OrgUnit.objects.filter(pk__in=ids, kind__in=kinds), user, "quota:read"))
    pools = list(Pool.objects.filter(cluster=cluster))
    machines = hardware(pool.pk for pool in pools)
    whole = may(user, "read", "quota", cluster)
    quotas = {(one.unit_id, one.pool_id): one for one in Quota.objects.filter(unit__in=units)}
    unsaved = dict(quotas)
    for change in changes:
        unsaved.pop(change.cell, None)
        if change.values is not None:
            unsaved[change.cell] = Quota(unit_id=change.unit.pk, pool_id=change.pool.pk, **change.values)

    def side(sums: Sums, rows_of: dict[tuple[int, int], Quota]) -> Side:
        columns = [
            Column(
                pool,
                machines.get(pool.pk, NO_HARDWARE),
                sums.guaranteed.get((cluster.pk, pool.pk), NOTHING) if whole else None,
            )
            for pool in pools
        ]
        rows = [Row(unit, 0, True, is_default_department(unit), plan.unset) for unit in units]
        for row in rows:
            for pool in pools:
                cell, entry = (row.unit.pk, pool.pk), row.entries[pool.pk]
                entry.quota, entry.used = rows_of.get(cell), effect.used.get(cell, NOTHING)
                entry.guaranteed = sums.guaranteed.get(cell, NOTHING)
                entry.given = sums.given.get(cell, NOTHING)
        return Side(columns, rows)

    return side(effect.now, quotas), side(effect.then, unsaved)
