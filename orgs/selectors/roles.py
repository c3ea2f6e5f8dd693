"""Roles with their cells."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from django.db.models import Count, Q
from django.http import HttpRequest

from orgs.access.table import ACTIONS, ROLES, SECTIONS, all_permissions
from orgs.models import Role, in_force
from orgs.selectors.rule_list import rules_in_scope


@dataclass(frozen=True, slots=True)
class RoleLine:
    """An entity of the permission table with the letters that a role holds."""

    label: str
    entity: str
    letters: str
    possible: str
    """Letters that there are for it at all."""


def roles_listed(request: HttpRequest) -> list[Role]:
    """Predefined ones in the order of the table, then custom ones by name; `granted`: rules in the scope of the page
    that give each now, of those that the reader may read."""
    rules = rules_in_scope(request).filter(in_force())
    found = Role.objects.annotate(granted=Count("rules", filter=Q(rules__in=rules)))
    order = {name: number for number, name in enumerate(ROLES)}
    return sorted(found, key=lambda role: (order.get(role.name, len(order)), role.name))


def role_sections(held: Container[str]) -> list[tuple[str, list[RoleLine]]]:
    """The permission table as one role holds it."""
    possible = all_permissions()

    def letters(entity: str, codes: Container[str]) -> str:
        return "".join(letter for letter, action in ACTIONS.items() if f"{entity}:{action}" in codes)

    return [
        (
            section,
            [RoleLine(entity_label(one), one, letters(one, held), letters(one, possible)) for one in entities],
        )
        for section, entities in SECTIONS.items()
    ]


def entity_label(entity: str) -> str:
    return entity.replace("_", " ").capitalize()
