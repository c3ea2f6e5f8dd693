"""Who may do something in a unit, and by which rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from orgs.access import may
from orgs.models import AccessRule, OrgUnit, Role
from orgs.scope import below, visible_units

MOST = 50


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule as the panel of a unit shows it."""

    rule: AccessRule
    source: str
    """"here", "on" with the unit below, or "from" with the one above where the reader may know it."""
    above: bool = False
    removable: bool = False


@dataclass(frozen=True, slots=True)
class RuleList:
    lines: list[RuleLine]
    total: int


def rules_of(unit: OrgUnit, user: Any) -> RuleList:
    """Rules on the unit, on units below it, and on those above, which hold here too; at most 50 of them.

    For those who may read access rules in the unit: it names who holds roles from above, not what else they hold there.
    """
    rules = AccessRule.objects.select_related("subject__user", "role", "scope").order_by("scope__path", "id")
    here = Q(scope=unit)
    inside = below(unit, "scope") & ~here
    above = Q(scope__in=unit.ancestor_ids) & ~here
    removable = may(user, "delete", "access_rule", unit)
    known = set(visible_units(user).filter(pk__in=unit.ancestor_ids).values_list("pk", flat=True))
    lines = [RuleLine(rule, "here", removable=removable) for rule in rules.filter(here)[:MOST]]
    lines += [RuleLine(rule, f"on {rule.scope.name}") for rule in rules.filter(inside)[:MOST]]
    for rule in rules.filter(above).reverse()[:MOST]:
        source = f"from {rule.scope.name}" if rule.scope_id in known else "from above"
        lines.append(RuleLine(rule, source, above=True))
    return RuleList(lines[:MOST], AccessRule.objects.filter(here | inside | above).count())


def grantable_roles(user: Any, scope: OrgUnit) -> list[Role]:
    """Roles that `user` may grant on `scope`: those whose every permission is held there."""

    def held(permission: str) -> bool:
        entity, action = permission.split(":")
        return may(user, action, entity, scope)

    roles = Role.objects.prefetch_related("permissions").order_by("name")
    return [role for role in roles if all(held(cell.permission) for cell in role.permissions.all())]
