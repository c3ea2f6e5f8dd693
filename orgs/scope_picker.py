"""What the scope picker of the top bar shows."""

from __future__ import annotations

from typing import Any

from django.db.models import Case, Q, When
from django.http import HttpRequest

from orgs.models import OrgUnit, UnitKind
from orgs.scope import below, visible_units

MOST_ROWS = 150
"""Where there are more units, projects are offered of the current scope only."""


def scope_picker(request: HttpRequest) -> dict[str, Any]:
    """`current` scope (None: all that is the person's), its `path` as far as it may be seen, `rows` of the tree."""
    current: OrgUnit | None = getattr(request, "unit_scope", None)
    units = visible_units(request.user).only("id", "kind", "name", "path", "parent_id", "cluster_id")
    groups = list(units.exclude(kind=UnitKind.PROJECT).order_by("kind", "name")[:MOST_ROWS])
    inside = Case(When(below(current) & Q(path__gt=""), then=0), default=1)
    projects = list(units.filter(kind=UnitKind.PROJECT).order_by(inside, "name")[: MOST_ROWS + 1])
    if len(projects) + len(groups) > MOST_ROWS:
        projects = [unit for unit in projects[:MOST_ROWS] if current is None or current.contains(unit)]
    above = set(current.ancestor_ids) if current else set()
    path = [unit for unit in [*groups, *projects] if unit.pk in above]
    return {
        "current": current,
        "path": sorted(path, key=lambda unit: len(unit.path)),
        "rows": [{"unit": unit, "depth": unit.path.count("/") - 1} for unit in in_tree_order([*groups, *projects])],
    }


def in_tree_order(units: list[OrgUnit]) -> list[OrgUnit]:
    """Each unit after the one it lies in, siblings as they come."""
    order = {unit.pk: number for number, unit in enumerate(units)}
    return sorted(units, key=lambda unit: [order.get(pk, -1) for pk in unit.ancestor_ids])
