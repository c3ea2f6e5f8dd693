"""What somebody may do, and who may do something: each answer with the rules it comes from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Prefetch, Q
from django.http import HttpRequest

from orgs.access import may, rules_in_force
from orgs.access.table import ACTIONS
from orgs.models import AccessRule, GroupMember, OrgUnit, RolePermission, Subject, UnitKind, in_force
from orgs.scope import limited, visible_units
from orgs.scope_picker import in_tree_order

MOST_UNITS = 150
MOST_RULES = 200
MOST_NAMED = 8
"""Members of a group that an answer names; the others it counts."""

COLUMNS = {
    "training": "Trainings",
    "inference": "Inference",
    "environment": "Environments",
    "project": "Projects",
    "quota": "Quotas",
    "access_rule": "Access rules",
    "pool": "Node pools",
}
"""Entities that the table shows; any other can be asked for."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that gives something, and what of it."""

    rule: AccessRule
    letters: str
    above: bool
    """The rule is on a unit above the one asked about."""
    scope: str
    """The name of its scope, as far as the reader may know it."""
    changeable: bool


@dataclass(frozen=True, slots=True)
class Cell:
    letters: str
    here: str
    """Those of them that a rule on this very unit gives."""


@dataclass(frozen=True, slots=True)
class UnitRow:
    unit: OrgUnit
    level: int
    cells: list[tuple[str, Cell]]
    """By entity."""


@dataclass(slots=True)
class Held:
    """The rules in force of a person, group or application, with what their roles hold."""

    subject: Subject
    rules: list[AccessRule] = field(default_factory=list)
    letters: dict[int, dict[str, str]] = field(default_factory=dict)
    """Role -> entity -> letters."""

    def cell(self, unit: OrgUnit, entity: str) -> Cell:
        found, here = set(), set()
        for rule in self.rules:
            if unit.path.startswith(rule.scope.path):
                given = set(self.letters.get(rule.role_id, {}).get(entity, ""))
                found |= given
                here |= given if rule.scope_id == unit.pk else set()
        return Cell(_sorted(found), _sorted(here))

    def reasons(self, unit: OrgUnit, entity: str, user: object) -> list[Reason]:
        """Rules that give something of `entity` in `unit`, those nearest to it first; `user` reads them."""
        given = [
            (rule, self.letters.get(rule.role_id, {}).get(entity, ""))
            for rule in self.rules
            if unit.path.startswith(rule.scope.path)
        ]
        known = known_names(user, [rule.scope for rule, _ in given])
        return [
            reason_of(rule, letters, unit, known, user)
            for rule, letters in sorted(given, key=lambda one: -len(one[0].scope.path))
            if letters
        ]


def held_by(subject: Subject) -> Held:
    """Three queries."""
    if subject.user is not None:
        rules = rules_in_force(subject.user)
    else:
        rules = AccessRule.objects.filter(in_force(), subject=subject)
    found = list(rules.select_related("subject__user", "role", "scope", "created_by__user").order_by("id"))
    return Held(subject, found, _letters({rule.role_id for rule in found}))


def readable_units(request: HttpRequest) -> list[OrgUnit]:
    """Units of the page's scope whose rules the reader may read, in tree order; at most 150, the upper levels first."""
    readable = limited(OrgUnit.objects.all(), request, "access_rule:read") & visible_units(request.user)
    return in_tree_order(list(readable.order_by("kind", "name")[:MOST_UNITS]))


def rows_of(held: Held, units: list[OrgUnit]) -> list[UnitRow]:
    top = min((unit.path.count("/") for unit in units), default=0)
    return [
        UnitRow(unit, unit.path.count("/") - top + 1, [(entity, held.cell(unit, entity)) for entity in COLUMNS])
        for unit in units
    ]


def projects_with(held: Held, units: Iterable[OrgUnit], entity: str, letter: str) -> int:
    """In how many projects of `units` the subject holds it."""
    return sum(unit.kind == UnitKind.PROJECT and letter in held.cell(unit, entity).letters for unit in units)


@dataclass(frozen=True, slots=True)
class Holder:
    """A rule that lets somebody do what was asked."""

    reason: Reason
    members: list[str]
    """Names of some of a group's people."""
    more: int
    """Of them, not named."""


@dataclass(frozen=True, slots=True)
class Holders:
    lines: list[Holder]
    total: int
    people: int
    """Different ones, inactive left out."""


def who_may(user: object, unit: OrgUnit, entity: str, action: str) -> Holders:
    """Who may do `action` to `entity` in `unit`, the rules nearest to it first; for those who may read its rules."""
    rules = AccessRule.objects.filter(
        in_force(), scope__in=unit.ancestor_ids, role__permissions__permission=f"{entity}:{action}"
    )
    people = _people_of(rules.values("subject"))
    members = GroupMember.objects.filter(user__is_active=True).select_related("user").order_by("user__name")
    found = list(
        rules.select_related("subject__user", "subject__group", "role", "scope", "created_by__user")
        .prefetch_related(Prefetch("subject__group__members", members))
        .order_by("-scope__kind", "-scope__path", "subject__name")[:MOST_RULES]
    )
    known = known_names(user, [rule.scope for rule in found])
    letters = _letters({rule.role_id for rule in found})
    lines = []
    for rule in found:
        names = [one.user.name for one in rule.subject.group.members.all()] if rule.subject.group else []
        given = letters[rule.role_id].get(entity, "")
        lines.append(Holder(reason_of(rule, given, unit, known, user), names[:MOST_NAMED], len(names[MOST_NAMED:])))
    return Holders(lines, rules.count(), people)


def known_names(user: object, scopes: list[OrgUnit]) -> set[int]:
    """Ids of those scopes that the reader may know of."""
    ids = [scope.pk for scope in scopes]
    return set(visible_units(user).filter(pk__in=ids).values_list("pk", flat=True)) if ids else set()


def reason_of(rule: AccessRule, letters: str, unit: OrgUnit, known: set[int], user: object) -> Reason:
    name = rule.scope.name if rule.scope_id in known else "a unit above"
    changeable = rule.scope_id in known and may(user, "delete", "access_rule", rule.scope)
    return Reason(rule, letters, rule.scope_id != unit.pk, name, changeable)


def _people_of(subjects: Any) -> int:
    own = Subject.objects.filter(pk__in=subjects, kind=Subject.Kind.USER, user__is_active=True).values_list(
        "user", flat=True
    )
    shared = GroupMember.objects.filter(Q(group__subject__in=subjects), user__is_active=True)
    return own.union(shared.values_list("user", flat=True)).count()


def _letters(roles: set[int]) -> dict[int, dict[str, str]]:
    letters = {action: letter for letter, action in ACTIONS.items()}
    found: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for role, permission in RolePermission.objects.filter(role__in=roles).values_list("role", "permission"):
        entity, action = permission.split(":")
        found[role][entity].add(letters[action])
    return {role: {entity: _sorted(held) for entity, held in cells.items()} for role, cells in found.items()}


def _sorted(letters: Iterable[str]) -> str:
    return "".join(letter for letter in ACTIONS if letter in letters)
