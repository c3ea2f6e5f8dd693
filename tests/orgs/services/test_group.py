from __future__ import annotations

import pytest

from orgs.access import Forbidden, may
from orgs.models import AccessRule, Group, GroupMember, OrgUnit, Subject, User
from orgs.services.group import group_create, group_delete, group_member_remove, group_members_add, group_update
from orgs.services.user import user_deactivate
from portal.errors import Refused
from portal.models import AuditEvent
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    RESEARCHER,
    VIEWER,
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


@pytest.fixture(autouse=True)
def account(db: None) -> OrgUnit:
    return make_account()


def test_a_group_from_first_to_last() -> None:
    admin = actor_of(make_user(role=ADMIN))
    group = group_create(actor=admin, name="vision", description="Eyes")
    mira = make_user("mira@example.org")
    project = make_project()
    make_rule(group, RESEARCHER, project)
    assert [member.user for member in group_members_add(actor=admin, group=group, users=[mira])] == [mira]
    assert group_members_add(actor=admin, group=group, users=[mira]) == []
    assert may(User.objects.get(pk=mira.pk), "create", "training", project)
    group_update(actor=admin, group=group, name="sight", description="Eyes")
    assert Subject.objects.get(group=group).name == "sight"
    group_member_remove(actor=admin, member=GroupMember.objects.get())
    assert not may(User.objects.get(pk=mira.pk), "create", "training", project)
    group_delete(actor=admin, group=group)
    assert not Subject.objects.filter(kind=Subject.Kind.GROUP).exists()
    assert not AccessRule.objects.filter(role__name=RESEARCHER).exists()
    events = AuditEvent.objects.filter(entity="group").order_by("id")
    assert [(event.action, event.before, event.after) for event in events] == [
        ("create", {}, {"name": "vision", "description": "Eyes"}),
        ("update", {}, {"member": "mira@example.org"}),
        ("update", {"name": "vision"}, {"name": "sight"}),
        ("update", {"member": "mira@example.org"}, {}),
        ("delete", {"members": [], "rules": [f"{RESEARCHER} on {project.name}"]}, {}),
    ]


def test_only_who_holds_groups_on_the_account_changes_them() -> None:
    group = make_group("vision", make_user())
    head = actor_of(make_user(role=DEPARTMENT_ADMIN))
    for act in (
        lambda: group_create(actor=head, name="more"),
        lambda: group_update(actor=head, group=group, name="more"),
        lambda: group_delete(actor=head, group=group),
        lambda: group_members_add(actor=head, group=group, users=[head.user]),
        lambda: group_member_remove(actor=head, member=GroupMember.objects.get()),
    ):
        with pytest.raises(Forbidden, match="group: "):
            act()


def test_joining_a_group_takes_what_granting_its_roles_takes() -> None:
    keeper = make_user()
    make_rule(keeper, make_role("Group keeper", "group:read", "group:update").name, make_account())
    group = make_group("vision")
    make_rule(group, VIEWER, make_project())
    with pytest.raises(Forbidden, match="access rule: create"):
        group_members_add(actor=actor_of(keeper), group=group, users=[keeper])
    AccessRule.objects.filter(subject__group=group).delete()
    assert group_members_add(actor=actor_of(keeper), group=group, users=[keeper])


def test_names_are_given_once() -> None:
    make_group("vision")
    group = make_group("language")
    for act in (
        lambda: group_create(actor=actor_of(), name="vision"),
        lambda: group_update(actor=actor_of(), group=group, name=" vision "),
    ):
        with pytest.raises(Refused, match="already"):
            act()
    assert group_update(actor=actor_of(), group=group, name="language") == group


def test_a_group_keeps_the_account_an_administrator() -> None:
    last = make_user()
    group = make_group("operators", last, make_user("gone@example.org"))
    User.objects.filter(email="gone@example.org").update(is_active=False)
    make_rule(group, ADMIN, make_account())
    for act in (
        lambda: group_delete(actor=actor_of(), group=group),
        lambda: group_member_remove(actor=actor_of(), member=GroupMember.objects.get(user=last)),
        lambda: user_deactivate(actor=actor_of(), user=last),
    ):
        with pytest.raises(Refused, match="last System administrator"):
            act()
    assert Group.objects.filter(pk=group.pk).exists()
    assert group.members.count() == 2
    make_user(role=ADMIN)
    group_delete(actor=actor_of(), group=group)


def test_what_went_away_meanwhile() -> None:
    group = make_group("vision", make_user())
    member = GroupMember.objects.get()
    make_department()
    group_delete(actor=actor_of(), group=group)
    with pytest.raises(Refused, match="deleted meanwhile"):
        group_members_add(actor=actor_of(), group=group, users=[])
    with pytest.raises(Refused, match="left the group meanwhile"):
        group_member_remove(actor=actor_of(), member=member)
