"""Whatever is granted, changed and taken away by whomever in whatever order: nobody gains what the one who acts does
not hold, the account keeps a System administrator, and rights equal those of a model that knows nothing of the code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import product
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from orgs.access import may
from orgs.models import AccessRule, Group, GroupMember, OrgUnit, Role, User
from orgs.services.group import group_delete, group_member_remove, group_members_add, group_update
from orgs.services.move import unit_move
from orgs.services.password import password_reset
from orgs.services.role import role_update
from orgs.services.rule import rule_create, rule_delete, rule_update
from orgs.services.user import user_activate, user_deactivate
from portal.actor import SYSTEM
from portal.errors import Refused
from tests.examples import examples
from tests.factories import (
    ADMIN,
    actor_of,
    make_account,
    make_department,
    make_group,
    make_project,
    make_role,
    make_rule,
    make_user,
)

pytestmark = pytest.mark.django_db

CELLS = (
    "access_rule:create",
    "access_rule:update",
    "access_rule:delete",
    "group:update",
    "group:delete",
    "role:update",
    "user:update",
    "project:create",
    "project:delete",
    "training:create",
)
"""Of all permissions those that acts ask for, and one more."""
READ = ("access_rule:read", "group:read", "role:read", "user:read", "project:read", "training:read")
KINDS = (
    *("grant", "change", "end", "remove", "join", "leave", "rename", "dissolve", "cells"),
    *("disable", "enable", "help", "move"),
)
SMALL = st.integers(0, 7)
STEP = st.tuples(st.sampled_from(KINDS), SMALL, SMALL, SMALL, SMALL)
STEPS = st.lists(STEP, min_size=4, max_size=14)
BY_GROUP = st.booleans()
"""Whether the first System administrator is one by a group."""


@dataclass
class Model:
    """Rights as the handbook tells them: twenty lines, and no look at the code."""

    above: dict[int, list[int]]
    """Unit -> itself and the units above it."""
    rules: dict[int, tuple[Any, int, int, bool]] = field(default_factory=dict)
    """Rule -> who (("user", id) or ("group", id)), role, scope, whether it lasts for good."""
    roles: dict[int, set[str]] = field(default_factory=dict)
    groups: dict[int, set[int]] = field(default_factory=dict)
    active: set[int] = field(default_factory=set)

    def subjects(self, user: int) -> list[Any]:
        return [("user", user), *(("group", group) for group, members in self.groups.items() if user in members)]

    def brought(self, who: list[Any]) -> list[tuple[set[str], int]]:
        return [(self.roles[role], scope) for one, role, scope, _ in self.rules.values() if one in who]

    def held(self, user: int, unit: int) -> set[str]:
        given = (cells for cells, scope in self.brought(self.subjects(user)) if scope in self.above[unit])
        return set().union(*given)

    def may_grant(self, user: int, role: set[str], unit: int) -> bool:
        return role | {"access_rule:create"} <= self.held(user, unit)

    def administered(self, admin: int, account: int) -> bool:
        people = [
            self.groups.get(one[1], set()) if one[0] == "group" else {one[1]} for one in self.lasting(admin, account)
        ]
        return any(some & self.active for some in people)

    def lasting(self, admin: int, account: int) -> list[Any]:
        return [one for one, role, scope, good in self.rules.values() if (role, scope, good) == (admin, account, True)]


@dataclass
class Place:
    users: list[User]
    groups: list[Group]
    roles: list[Role]
    units: list[OrgUnit]
    departments: list[OrgUnit]
    model: Model


def make_place(by_group: bool) -> Place:
    account = make_account()
    vision = make_department("vision")
    speech = make_department("speech", parent=vision.cluster)
    units = [account, vision, make_project("vis-3d", department=vision), make_project("other", department=speech)]
    users = [make_user(f"{name}@example.org") for name in ("ana", "ben", "cy")]
    groups = [make_group("one", users[2]), make_group("two", *users[: 1 if by_group else 0])]
    roles = [
        Role.objects.get(name=ADMIN),
        make_role("Keeper", *READ, *CELLS[:-1]),
        make_role("Rules", *READ, *CELLS[:3], *CELLS[-3:]),
        make_role("Mover", *READ, *CELLS[-3:-1]),
    ]
    make_rule(groups[1] if by_group else users[0], ADMIN, account)
    make_rule(users[1], "Keeper", account)
    make_rule(groups[0], "Rules", vision, expires_at=timezone.now() + timedelta(minutes=30))
    make_rule(users[2], "Mover", account)
    place = Place(users, groups, roles, units, [vision, speech], Model({}))
    read(place)
    return place


def read(place: Place) -> None:
    """The model's facts from the tables; what follows from them it finds itself."""
    model = place.model
    model.above = {unit.pk: unit.ancestor_ids for unit in OrgUnit.objects.all()}
    model.rules = {
        rule.pk: (
            ("user", rule.subject.user_id) if rule.subject.user_id else ("group", rule.subject.group_id),
            rule.role_id,
            rule.scope_id,
            rule.expires_at is None,
        )
        for rule in AccessRule.objects.select_related("subject")
        if not rule.ended
    }
    model.roles = {role.pk: set(role.permissions.values_list("permission", flat=True)) for role in place.roles}
    model.groups = {
        group.pk: set(GroupMember.objects.filter(group=group).values_list("user", flat=True))
        for group in Group.objects.all()
    }
    model.active = set(User.objects.filter(is_active=True).values_list("pk", flat=True))


def rights(place: Place) -> dict[tuple[int, int], set[str]]:
    return {(user.pk, unit.pk): place.model.held(user.pk, unit.pk) for user in place.users for unit in place.units}


def planned(place: Place, kind: str, who: int, a: int, b: int, c: int) -> tuple[bool, Callable[[], object]]:
    """Whether the model lets one of the users do it, and the act."""
    model = place.model
    user = User.objects.get(pk=place.users[who % 3].pk)
    actor, account = actor_of(user), place.units[0].pk
    subjects = [one.subject for one in [*place.users, *Group.objects.order_by("pk")]]
    subject, role = subjects[a % len(subjects)], place.roles[b % 4]
    unit = OrgUnit.objects.get(pk=place.units[c % 4].pk)
    rules = list(AccessRule.objects.select_related("role", "scope").order_by("pk"))
    rule, group = rules[a % len(rules)], place.groups[a % 2]
    soon = timezone.now() + timedelta(hours=1)

    def holds(cell: str, scope: int) -> bool:
        return user.pk in model.active and cell in model.held(user.pk, scope)

    def grants(role: set[str], scope: int) -> bool:
        return user.pk in model.active and model.may_grant(user.pk, role, scope)

    if kind == "grant":
        end = soon if c > 3 else None
        act = partial(rule_create, actor=actor, subject=subject, role=role, scope=unit, expires_at=end)
        return grants(model.roles[role.pk], unit.pk), act
    if kind in ("change", "end"):
        new = role if kind == "change" else rule.role
        end = rule.expires_at if kind == "change" else (soon if b > 3 else None)
        more = new != rule.role or (rule.expires_at is not None and (end is None or end > rule.expires_at))
        allowed = holds("access_rule:update", rule.scope_id)
        allowed = allowed and (not more or grants(model.roles[new.pk], rule.scope_id))
        return allowed, partial(rule_update, actor=actor, rule=rule, role=new, expires_at=end)
    if kind == "remove":
        return holds("access_rule:delete", rule.scope_id), partial(rule_delete, actor=actor, rule=rule)
    joins = all(grants(cells, scope) for cells, scope in model.brought([("group", group.pk)]))
    if kind == "join":
        return holds("group:update", account) and joins, partial(
            group_members_add, actor=actor, group=group, users=[place.users[b % 3]]
        )
    if kind == "leave":
        members = list(GroupMember.objects.order_by("pk"))
        member = members[a % len(members)] if members else GroupMember(pk=0)
        return holds("group:update", account), partial(group_member_remove, actor=actor, member=member)
    if kind == "rename":
        name = f"{'ab'[b % 2]}-{group.pk}"
        same = Group.objects.filter(pk=group.pk, name=name).exists()
        act = partial(group_update, actor=actor, group=group, name=name)
        return holds("group:update", account) and (same or joins), act
    if kind == "dissolve":
        return holds("group:delete", account), partial(group_delete, actor=actor, group=group)
    if kind == "cells":
        custom = place.roles[1 + b % 3]
        wanted = {*READ, *(cell for number, cell in enumerate(CELLS) if (a + number * c) % 3)}
        added = wanted - model.roles[custom.pk]
        scopes = [scope for _, r, scope, _ in model.rules.values() if r == custom.pk] if added else []
        allowed = holds("role:update", account) and all(grants(added, scope) for scope in scopes)
        return allowed, partial(role_update, actor=actor, role=custom, name=custom.name, permissions=wanted)
    if kind == "move":
        moving, parent = OrgUnit.objects.get(pk=place.units[2 + a % 2].pk), place.departments[b % 2]
        allowed = holds("project:delete", moving.ancestor_ids[-2]) and holds("project:create", parent.pk)
        return allowed, partial(unit_move, actor=actor, unit=moving, parent=parent)
    other = place.users[a % 3]
    becomes = all(grants(cells, scope) for cells, scope in model.brought(model.subjects(other.pk)))
    if kind == "disable":
        return holds("user:update", account), partial(user_deactivate, actor=actor, user=other)
    service = user_activate if kind == "enable" else password_reset
    return holds("user:update", account) and becomes, partial(service, actor=actor, user=other)


def endings(place: Place) -> Iterator[tuple[str, Callable[[], object]]]:
    """Every act that ends a System administrator's rule, or somebody's part in it. Bursar itself may do them all."""
    soon, admin = timezone.now() + timedelta(hours=1), place.roles[0]
    for rule in AccessRule.objects.filter(role=admin, scope=place.units[0]).select_related("role", "scope", "subject"):
        yield "remove", partial(rule_delete, actor=SYSTEM, rule=rule)
        yield "end", partial(rule_update, actor=SYSTEM, rule=rule, role=admin, expires_at=soon)
        yield "change", partial(rule_update, actor=SYSTEM, rule=rule, role=place.roles[3], expires_at=None)
        for group in Group.objects.filter(subject=rule.subject):
            yield "dissolve", partial(group_delete, actor=SYSTEM, group=group)
    for member in GroupMember.objects.all():
        yield "leave", partial(group_member_remove, actor=SYSTEM, member=member)
    for user in User.objects.filter(is_active=True):
        yield "disable", partial(user_deactivate, actor=SYSTEM, user=user)


def tried(place: Place, kind: str, who: int, a: int, b: int, c: int) -> None:
    """One act, and whether what came of it is right."""
    before = rights(place)
    actor = place.users[who % 3].pk
    allowed, act = planned(place, kind, who, a, b, c)
    done = False
    try:
        with transaction.atomic():
            act()
        done = True
        assert allowed, f"{kind} was done, and the model forbids it"
    except PermissionDenied:
        assert not allowed, f"{kind} was forbidden, and the model allows it"
    except Refused:
        pass  # for another reason: the last administrator, the same rule twice, what is gone
    read(place)
    after = rights(place)
    for (user, unit), held in after.items():
        gained = held - before[user, unit]
        moved = kind == "move" and user != actor  # others hold there what they hold on the new parent
        assert not gained or (done and (moved or gained <= before[actor, unit])), (kind, gained)
    assert place.model.administered(place.roles[0].pk, place.units[0].pk), f"{kind} took the last administrator"
    assert done or before == after


@examples(40)
@given(steps=STEPS, by_group=BY_GROUP)
def test_any_sequence(steps: list[tuple[str, int, int, int, int]], by_group: bool) -> None:
    with transaction.atomic():
        place = make_place(by_group)
        for step in steps:
            tried(place, *step)
        for kind, act in endings(place):
            with transaction.atomic():
                with suppress(Refused):
                    act()
                read(place)
                assert place.model.administered(place.roles[0].pk, place.units[0].pk), f"{kind} takes the last one"
                transaction.set_rollback(True)
        read(place)
        for user in place.users:
            known = User.objects.get(pk=user.pk)
            known.is_active = True
            for unit in OrgUnit.objects.filter(pk__in=place.model.above):
                held = place.model.held(user.pk, unit.pk)
                assert {cell for cell in CELLS if may(known, *reversed(cell.split(":")), unit)} == held & set(CELLS)  # type: ignore[misc]
        transaction.set_rollback(True)


@examples(2)
@given(steps=st.lists(STEP, max_size=3), by_group=BY_GROUP)
def test_each_act_after_some_others(steps: list[tuple[str, int, int, int, int]], by_group: bool) -> None:
    """Whatever each of the three may try next, of every kind: chance leaves out what needs much to come together."""
    with transaction.atomic():
        place = make_place(by_group)
        for step in steps:
            tried(place, *step)
        for kind, who, a in product(KINDS, range(3), range(4)):
            with transaction.atomic():
                tried(place, kind, who, a, a, a)
                transaction.set_rollback(True)
            read(place)
        transaction.set_rollback(True)
