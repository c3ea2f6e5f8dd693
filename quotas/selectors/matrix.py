"""The quota matrix of a cluster: departments and projects by pool, in a fixed number of queries for any size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator

from orgs.access import may, within
from orgs.models import OrgUnit, UnitKind, UnitState
from orgs.names import DEFAULT_DEPARTMENT
from orgs.scope import below
from orgs.services.unit import is_default_department
from quotas.models import Pool, Quota, QuotaVersion

from .access import no_row
from .pools import NO_HARDWARE, Hardware, hardware
from .sums import NOTHING, Amounts, held_at, sums
from .usage import used


@dataclass(slots=True)
class Entry:
    """A unit in a pool."""

    quota: Quota | None = None
    guaranteed: Amounts = NOTHING
    """Its quota; of a default department the sum of its projects'."""
    given: Amounts = NOTHING
    """What the units right below it have of that."""
    used: Amounts = NOTHING


@dataclass(slots=True)
class Row:
    unit: OrgUnit
    level: int
    """0 for the topmost shown."""
    editable: bool
    """The reader may change its quotas: holds the right on its parent."""
    is_default: bool
    """A default department, which is the sum of its projects."""
    unset: Quota
    """What counts where it has no row."""
    entries: dict[int, Entry] = field(default_factory=lambda: defaultdict(Entry))
    """By pool."""

    @property
    def is_group(self) -> bool:
        """A department, which others add up to."""
        return self.unit.kind == UnitKind.DEPARTMENT


@dataclass(frozen=True, slots=True)
class Column:
    pool: Pool
    hardware: Hardware
    guaranteed: Amounts | None
    """Of the whole cluster; None: not for this reader, or not in this scope."""

    @property
    def offers_gpus(self) -> bool:
        """Its nodes have GPUs, or there are none yet, or somebody is guaranteed some all the same."""
        promised = self.guaranteed is not None and self.guaranteed.gpu_milli > 0
        return promised or not self.hardware.nodes or self.hardware.gpu_milli > 0


@dataclass(frozen=True, slots=True)
class Matrix:
    cluster: OrgUnit
    columns: list[Column]
    rows: list[Row]
    page: Page
    """Of all units found, of which `rows` shows one page."""
    at: datetime | None = None
    """As it was then: quotas and nothing of what is used, in the tree and the pools as they are."""

    @property
    def is_whole(self) -> bool:
        """The reader sees the whole cluster."""
        return bool(self.columns) and all(column.guaranteed is not None for column in self.columns)


def matrix(
    user: Any,
    cluster: OrgUnit,
    scope: OrgUnit | None,
    *,
    search: str = "",
    number: Any = 1,
    size: int | None = 100,
    at: datetime | None = None,
) -> Matrix:
    """What `user` may see of the cluster in `scope`: a page of all rows (`size` None: all of them at once), or of those
    with `search` in the name."""
    ordered = _ordered(_units(user, cluster, scope), search)
    page = Paginator(ordered, size or max(len(ordered), 1)).get_page(number)
    unset = no_row()
    rows = [
        Row(unit, level, at is None and may_change(user, unit), is_default_department(unit), unset)
        for unit, level in page.object_list
    ]
    pools = list(Pool.objects.filter(cluster=cluster))
    whole = (scope is None or scope.contains(cluster)) and may(user, "read", "quota", cluster)
    guarantees = _fill(rows, cluster, at)
    machines = hardware(pool.pk for pool in pools)
    columns = [
        Column(
            pool, machines.get(pool.pk, NO_HARDWARE), guarantees.get((cluster.pk, pool.pk), NOTHING) if whole else None
        )
        for pool in pools
    ]
    return Matrix(cluster, columns, rows, page, at)


def _units(user: Any, cluster: OrgUnit, scope: OrgUnit | None) -> list[OrgUnit]:
    units = OrgUnit.objects.filter(
        below(scope), cluster=cluster, kind__in=(UnitKind.DEPARTMENT, UnitKind.PROJECT), state=UnitState.ACTIVE
    )
    return list(within(units, user, "quota:read").only("kind", "name", "path", "parent", "cluster", "created_at"))


def _ordered(units: list[OrgUnit], search: str) -> list[tuple[OrgUnit, int]]:
    """As a tree, with levels: by name, a unit's projects right after it, the default department last."""
    known = {unit.pk: unit for unit in units}
    if search:
        matching = [unit for unit in units if search.lower() in unit.name.lower()]
        known = {pk: known[pk] for unit in matching for pk in unit.ancestor_ids if pk in known}
    children: dict[int | None, list[OrgUnit]] = defaultdict(list)
    for unit in known.values():
        children[unit.parent_id if unit.parent_id in known else None].append(unit)
    ordered: list[tuple[OrgUnit, int]] = []

    def walk(parent: int | None, level: int) -> None:
        for unit in sorted(children[parent], key=_order):
            ordered.append((unit, level))
            walk(unit.pk, level + 1)

    walk(None, 0)
    return ordered


def _order(unit: OrgUnit) -> tuple[bool, bool, str]:
    return unit.kind == UnitKind.DEPARTMENT, unit.name == DEFAULT_DEPARTMENT, unit.name


def may_change(user: Any, unit: OrgUnit) -> bool:
    """Whether `user` may change the quotas of a unit: holds the right on its parent."""
    parent = OrgUnit(path=unit.path.removesuffix(f"{unit.pk}/"))
    return may(user, "update", "quota", parent)


def _fill(rows: list[Row], cluster: OrgUnit, at: datetime | None) -> dict[tuple[int, int], Amounts]:
    """Puts quotas, sums and use into the rows; returns (unit, pool) -> guarantee, the cluster's among them."""
    by_unit = {row.unit.pk: row for row in rows}
    for quota in _quotas(by_unit, at):
        by_unit[quota.unit_id].entries[quota.pool_id].quota = quota
    found = sums([*by_unit, cluster.pk], at)
    for (unit, pool), amounts in found.guaranteed.items():
        if unit in by_unit:
            by_unit[unit].entries[pool].guaranteed = amounts
    for (unit, pool), amounts in found.given.items():
        if unit in by_unit:
            by_unit[unit].entries[pool].given = amounts
    for (unit, pool), amounts in used(by_unit).items() if at is None else ():
        by_unit[unit].entries[pool].used = amounts
    return found.guaranteed


def _quotas(units: Iterable[int], at: datetime | None) -> Iterable[Quota]:
    """As they are, or as they were."""
    if at is None:
        return Quota.objects.filter(unit__in=units)
    versions = held_at(QuotaVersion.objects.filter(unit__in=units), at)
    return (
        Quota(unit_id=one.unit_id, pool_id=one.pool_id, version=one.number, **one.values)
        for one in versions
        if one.values is not None
    )
