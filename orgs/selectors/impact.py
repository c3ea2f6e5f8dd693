"""What goes along when a unit is deleted, and what changes when it moves."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from orgs import hooks
from orgs.access import may
from orgs.hooks import SumChange, WorkloadsImpact
from orgs.models import AccessRule, OrgUnit, ProjectInfo, UnitKind
from orgs.scope import below, visible_units

MOST_NAMED = 5
"""Names in one line; the rest is a number."""


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
    quotas: int
    """Rows, of the unit and of everything inside."""
    names: dict[str, tuple[str, ...]]
    """Some of the departments, projects, people, workloads and namespaces, as far as the reader may know them."""


@dataclass(frozen=True, slots=True)
class MoveImpact:
    sums: list[SumChange]
    """As far as the reader may see the quotas of these units."""
    rules_lost: int | None
    """Access rules from above that hold on the unit now and no longer do; None: not for this reader."""
    rules_won: int | None
    """Those that hold on it from then on."""


def unit_impact(unit: OrgUnit, user: Any) -> UnitImpact:
    """As of now, the unit itself not counted among the departments and projects."""
    inside = OrgUnit.objects.filter(below(unit)).exclude(pk=unit.pk)
    kinds = Counter(inside.values_list("kind", flat=True))
    rules = AccessRule.objects.filter(below(unit, "scope"))
    people = list(rules.values_list("subject", flat=True))
    work, quota = hooks.workloads_impact(unit), hooks.quota_impact(unit)
    seen = visible_units(user).filter(below(unit)).exclude(pk=unit.pk)
    names = {
        "departments": _some(seen.filter(kind=UnitKind.DEPARTMENT), "name"),
        "projects": _some(seen.filter(kind=UnitKind.PROJECT), "name"),
        "namespaces": _some(ProjectInfo.objects.filter(unit__in=visible_units(user).filter(below(unit))), "namespace"),
    }
    if may(user, "read", "access_rule", unit):
        names["rules"] = _some(rules.order_by("subject__name").distinct(), "subject__name")
    if may(user, "read", "training", unit):
        names["running"] = work.names
    return UnitImpact(
        departments=kinds[UnitKind.DEPARTMENT],
        projects=kinds[UnitKind.PROJECT],
        rules=len(people),
        people=len(set(people)),
        work=work,
        guaranteed_gpu_milli=quota.gpu_milli,
        quotas=quota.quotas,
        names=names,
    )


def move_impact(unit: OrgUnit, new_parent: OrgUnit, user: Any) -> MoveImpact:
    """What changes for whom when the unit goes into `new_parent`, as far as `user` may know it."""
    sums = [change for change in hooks.quota_move_impact(unit, new_parent) if may(user, "read", "quota", change.unit)]
    above, later = set(unit.ancestor_ids[:-1]), set(new_parent.ancestor_ids)
    lost = won = None
    if unit.parent is not None and may(user, "read", "access_rule", unit.parent):
        lost = AccessRule.objects.filter(scope__in=above - later).count()
    if may(user, "read", "access_rule", new_parent):
        won = AccessRule.objects.filter(scope__in=later - above).count()
    return MoveImpact(sums, lost, won)


def _some(rows: QuerySet[Any], field: str) -> tuple[str, ...]:
    return tuple(rows.order_by(field).values_list(field, flat=True)[:MOST_NAMED])
