"""Units by their ids."""

from __future__ import annotations

from collections.abc import Collection

from orgs.models import OrgUnit
from portal.questions import UnitNow


def units_now(units: Collection[int]) -> dict[int, UnitNow]:
    if not units:
        return {}
    rows = OrgUnit.objects.filter(pk__in=units).values_list("pk", "name", "path")
    return {pk: UnitNow(name, path) for pk, name, path in rows}
