"""What goes along when a unit is deleted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from orgs import hooks
from orgs.hooks import WorkloadsImpact
from orgs.models import AccessRule, OrgUnit, UnitKind
from orgs.scope import below


@dataclass(frozen=True, slots=True)
class UnitImpact:
    departments: int
    """Inside it; so `projects`."""
    projects: int
    rules: int
    people: int
    """Whose rules these are."""
    work: WorkloadsImpact
    guaranteed_gpu_milli: int


def unit_impact(unit: OrgUnit) -> UnitImpact:
    """As of now, the unit itself not counted among the departments and projects."""
    kinds = Counter(OrgUnit.objects.filter(below(unit)).exclude(pk=unit.pk).values_list("kind", flat=True))
    people = list(AccessRule.objects.filter(below(unit, "scope")).values_list("subject", flat=True))
    return UnitImpact(
        departments=kinds[UnitKind.DEPARTMENT],
        projects=kinds[UnitKind.PROJECT],
        rules=len(people),
        people=len(set(people)),
        work=hooks.workloads_impact(unit),
        guaranteed_gpu_milli=hooks.quota_impact(unit),
    )
