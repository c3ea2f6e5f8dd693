"""What the access rules mean in a cluster itself: whom to bind to which of the shipped roles in which namespace."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Q

from orgs.models import (
    AccessRule,
    GroupMember,
    OrgUnit,
    ProjectInfo,
    RolePermission,
    Subject,
    UnitKind,
    UnitState,
    User,
    in_force,
)
from scheduling.clusters.access import CLUSTER_ROLES

Key = tuple[str, str]
"""Namespace and role of a binding."""
Held = Mapping[str, frozenset[str]]
"""Permissions (`entity:action`) by the address of who holds them."""


@dataclass(frozen=True, slots=True)
class WantedRule:
    """A rule in force that reaches into the cluster."""

    pk: int
    people: frozenset[str]
    permissions: frozenset[str]
    namespaces: frozenset[str]


@dataclass(frozen=True, slots=True)
class WantedAccess:
    bindings: dict[Key, tuple[str, ...]]
    """People, sorted; never nobody."""
    rules: list[WantedRule]


def wanted_access(cluster: int) -> WantedAccess:
    """As of now. Projects count whose namespace is there; people who may sign in; rules that have not ended."""
    projects = ProjectInfo.objects.filter(
        cluster=cluster, unit__state=UnitState.ACTIVE, phase=ProjectInfo.Phase.READY
    ).values_list("unit__path", "namespace")
    namespaces = {_ids(path): namespace for path, namespace in projects}
    rules = _rules(cluster, namespaces)
    by_scope: dict[int, list[WantedRule]] = defaultdict(list)
    for scope, rule in rules:
        by_scope[scope].append(rule)
    holdings = _Holdings(by_scope)
    bindings = {
        (namespace, role): people
        for units, namespace in namespaces.items()
        for role, people in holdings.bound(units).items()
    }
    return WantedAccess(bindings, [rule for _, rule in rules])


class _Holdings:
    """Who holds what in a unit. Units without rules of their own share what is above them."""

    def __init__(self, by_scope: Mapping[int, list[WantedRule]]) -> None:
        self._by_scope = by_scope
        self._held: dict[tuple[int, ...], Held] = {(): {}}
        self._bound: dict[int, dict[str, tuple[str, ...]]] = {}

    def bound(self, units: tuple[int, ...]) -> dict[str, tuple[str, ...]]:
        """People by role, in the unit whose ancestors, itself included, these are."""
        held = self._of(units)
        found = self._bound.get(id(held))
        if found is None:
            found = self._bound[id(held)] = _roles(held)
        return found

    def _of(self, units: tuple[int, ...]) -> Held:
        held = self._held.get(units)
        if held is None:
            held = self._of(units[:-1])
            rules = self._by_scope.get(units[-1], ())
            if rules:
                more = dict(held)
                for rule in rules:
                    for person in rule.people:
                        more[person] = more.get(person, frozenset()) | rule.permissions
                held = more
            self._held[units] = held
        return held


def _roles(held: Held) -> dict[str, tuple[str, ...]]:
    found = {
        role: tuple(sorted(person for person, permissions in held.items() if needed <= permissions))
        for role, needed in CLUSTER_ROLES.items()
    }
    return {role: people for role, people in found.items() if people}


def _rules(cluster: int, namespaces: Mapping[tuple[int, ...], str]) -> list[tuple[int, WantedRule]]:
    """With the ids of their scopes."""
    active = UnitState.ACTIVE
    reaching = Q(scope__kind=UnitKind.ACCOUNT) | Q(scope__cluster=cluster)
    rows = list(
        AccessRule.objects.filter(in_force(), reaching, scope__state=active)
        .order_by("pk")
        .values_list("pk", "role_id", "scope_id", "subject__user_id", "subject__group_id")
    )
    permissions: dict[int, set[str]] = defaultdict(set)
    for role, permission in RolePermission.objects.filter(role__in={row[1] for row in rows}).values_list(
        "role_id", "permission"
    ):
        permissions[role].add(permission)
    # Programs work by the API of Bursar.
    users = User.objects.filter(is_active=True, subject__kind=Subject.Kind.USER)
    people = dict(users.values_list("pk", "email"))
    members: dict[int, set[str]] = defaultdict(set)
    for group, user in GroupMember.objects.values_list("group_id", "user_id"):
        if user in people:
            members[group].add(people[user])
    below: dict[int, set[str]] = defaultdict(set)
    for units, namespace in namespaces.items():
        for unit in units:
            below[unit].add(namespace)
    return [
        (
            scope,
            WantedRule(
                pk,
                frozenset(members[group] if group else [people[user]] if user in people else []),
                frozenset(permissions[role]),
                frozenset(below[scope]),
            ),
        )
        for pk, role, scope, user, group in rows
    ]


def _ids(path: str) -> tuple[int, ...]:
    return tuple(OrgUnit(path=path).ancestor_ids)


def rules_touched(rules: Iterable[WantedRule], key: Key, people: Iterable[str]) -> set[int]:
    """Ids of the rules by which these people are in that binding, or may be."""
    namespace, role = key
    needed = CLUSTER_ROLES.get(role, frozenset())
    concerned = set(people)
    return {
        rule.pk
        for rule in rules
        if namespace in rule.namespaces and rule.permissions & needed and rule.people & concerned
    }
