from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from orgs.models import OrgUnit, UnitKind
from orgs.scope import visible_units


@dataclass(frozen=True, slots=True)
class ClusterLine:
    """A cluster as the settings list it."""

    unit: OrgUnit
    departments: int
    projects: int


def clusters(user: Any) -> list[ClusterLine]:
    """The clusters that `user` may see, by name."""
    units = visible_units(user)
    found = list(units.filter(kind=UnitKind.CLUSTER).select_related("cluster_info").order_by("name"))
    inside = Counter(units.filter(kind__gt=UnitKind.CLUSTER).values_list("cluster", "kind"))
    return [
        ClusterLine(unit, inside[unit.pk, UnitKind.DEPARTMENT], inside[unit.pk, UnitKind.PROJECT]) for unit in found
    ]
