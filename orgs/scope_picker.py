"""The one way to choose a unit: in the top bar, and as a field of forms (`orgs.forms.scope`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, OuterRef, Q, QuerySet, Subquery, When
from django.http import HttpRequest

from orgs.models import ClusterInfo, OrgUnit, UnitKind
from orgs.scope import below, visible_units

MOST_ROWS = 150
"""Where there are more units, projects are offered of the current scope only, and the search asks the server."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Units to choose from, each after the one it lies in."""

    units: list[OrgUnit]
    above: set[int]
    """Ids of those that only lead to what was searched for."""
    cut: bool
    """There are more than these."""


def offer(units: QuerySet[OrgUnit], *, current: OrgUnit | None = None, search: str = "") -> Offer:
    """Of `units`, those with `search` in the name; without one the upper levels, then projects, of `current` first."""
    units = units.only("id", "kind", "name", "path", "parent_id", "cluster_id")
    return _found(units, search) if search else _upper(units, current)


def offer_only(
    units: QuerySet[OrgUnit], groups: QuerySet[OrgUnit], *, chosen: Sequence[OrgUnit] = (), search: str = ""
) -> Offer:
    """Of `units`, all of one kind, those with `search` in the name, those beside what is chosen first, and the chosen
    ones; each after those of `groups` that it lies in, which only lead to it."""
    beside = Q(pk__in=[])
    for unit in chosen:
        around = unit.path.rsplit("/", 2)[0]
        beside |= Q(path__gte=f"{around}/", path__lt=f"{around}0")
    wanted = units.filter(name__icontains=search) if search else units
    ordered = wanted.order_by(Case(When(beside, then=0), default=1), "name")
    found = list(ordered.only("id", "kind", "name", "path", "parent_id", "cluster_id")[: MOST_ROWS + 1])
    shown = sorted({*found[:MOST_ROWS], *chosen}, key=lambda unit: (unit.name, unit.pk))
    ids = {pk for unit in shown for pk in unit.ancestor_ids}.difference(unit.pk for unit in shown)
    leading = list(groups.filter(pk__in=ids).order_by("kind", "name"))
    return Offer(in_tree_order([*leading, *shown]), {unit.pk for unit in leading}, len(found) > MOST_ROWS)


def _found(units: QuerySet[OrgUnit], search: str) -> Offer:
    found = list(units.filter(name__icontains=search).order_by("kind", "name")[: MOST_ROWS + 1])
    ids = {pk for unit in found[:MOST_ROWS] for pk in unit.ancestor_ids}
    above = ids.difference(unit.pk for unit in found)
    shown = list(units.filter(pk__in=ids).order_by("kind", "name"))
    return Offer(in_tree_order(shown), above, len(found) > MOST_ROWS)


def _upper(units: QuerySet[OrgUnit], current: OrgUnit | None) -> Offer:
    leading = Case(When(pk__in=current.ancestor_ids if current else [], then=0), default=1)
    groups = list(units.exclude(kind=UnitKind.PROJECT).order_by(leading, "kind", "name")[: MOST_ROWS + 1])
    cut, groups = len(groups) > MOST_ROWS, sorted(groups[:MOST_ROWS], key=lambda unit: (unit.kind, unit.name))
    inside = Case(When(below(current) & Q(path__gt=""), then=0), default=1)
    projects = list(units.filter(kind=UnitKind.PROJECT).order_by(inside, "name")[: MOST_ROWS + 1])
    if len(projects) + len(groups) > MOST_ROWS:
        cut = True
        projects = [unit for unit in projects[:MOST_ROWS] if current is None or current.contains(unit)]
    return Offer(in_tree_order([*groups, *projects]), set(), cut)


def scope_picker(request: HttpRequest, search: str = "") -> dict[str, Any]:
    """`current` scope (None: all that is the person's), its `path` as far as it may be seen, `rows` of the tree.

    `cut`: there are more than these rows. `lost`: clusters of the scope that are not connected.
    """
    current: OrgUnit | None = getattr(request, "unit_scope", None)
    lost = ClusterInfo.objects.filter(pk=OuterRef("cluster"), state=ClusterInfo.State.DISCONNECTED)
    units = visible_units(request.user).annotate(
        lost_cluster=Subquery(lost.values("unit__name")), last_seen=Subquery(lost.values("last_seen"))
    )
    offered = offer(units, current=current, search=search)
    above = set(current.ancestor_ids) if current else set()
    path = [unit for unit in offered.units if unit.pk in above]
    return {
        "current": current,
        "path": sorted(path, key=lambda unit: len(unit.path)),
        "rows": [
            {"unit": unit, "depth": unit.path.count("/") - 1, "above": unit.pk in offered.above}
            for unit in offered.units
        ],
        "cut": offered.cut,
        "search": search,
        "lost": _lost(offered.units, current),
    }


def _lost(units: Sequence[Any], current: OrgUnit | None) -> list[dict[str, Any]]:
    """`name`, and `last_seen` (None: never), of each; `pk` of those that may be looked at."""
    here = [unit for unit in units if unit.lost_cluster and _meets(unit, current)]
    seen = {unit.pk for unit in here if unit.kind == UnitKind.CLUSTER}
    found = {unit.cluster_id: unit for unit in here}
    return [
        {"name": unit.lost_cluster, "last_seen": unit.last_seen, "pk": pk if pk in seen else None}
        for pk, unit in sorted(found.items())
    ]


def _meets(unit: OrgUnit, current: OrgUnit | None) -> bool:
    """Whether its cluster is in the scope, or around it."""
    return current is None or current.cluster_id in (None, unit.cluster_id)


def in_tree_order(units: list[OrgUnit]) -> list[OrgUnit]:
    """Each unit after the one it lies in, siblings as they come."""
    order = {unit.pk: number for number, unit in enumerate(units)}
    return sorted(units, key=lambda unit: [order.get(pk, -1) for pk in unit.ancestor_ids])
