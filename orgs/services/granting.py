"""Nobody grants what they do not hold: asked by everything that gives somebody a right."""

from __future__ import annotations

from collections.abc import Iterable

from orgs.access import Forbidden, may, require
from orgs.models import AccessRule, OrgUnit, Role
from portal.actor import Actor


def require_grant(actor: Actor, role: Role, scope: OrgUnit) -> None:
    """Forbidden unless the actor may make rules on `scope` and holds every permission of the role there."""
    require_cells(actor, role, role.permissions.order_by("permission").values_list("permission", flat=True), scope)


def require_cells(actor: Actor, role: Role, permissions: Iterable[str], scope: OrgUnit) -> None:
    """The same for some permissions (`entity:action`) of the role."""
    require(actor, "create", "access_rule", scope)
    if actor.user is None:
        return
    for permission in permissions:
        entity, action = permission.split(":")
        if not may(actor.user, action, entity, scope):
            raise Forbidden(
                f"{role.name} holds “{entity.replace('_', ' ')}: {action}”, which you do not hold on {scope.name}. "
                "Grant a smaller role, or ask someone who holds it.",
                entity="access_rule",
                scope=scope,
            )


def require_grants(actor: Actor, rules: Iterable[AccessRule]) -> None:
    """The same for what some rules grant: what joining a group brings along."""
    for rule in rules:
        require_grant(actor, rule.role, rule.scope)
