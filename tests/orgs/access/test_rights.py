from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from orgs.access import (
    Forbidden,
    NotVisible,
    as_of_now,
    may,
    may_administer,
    require,
    rules_in_force,
    scopes_with,
    unit_for,
    within,
)
from orgs.access.roles import roles_sync
from orgs.models import (
    AccessRule,
    GroupMember,
    OrgUnit,
    ProjectInfo,
    Role,
    RolePermission,
    Subject,
    UnitKind,
    UnitState,
    User,
)
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    RESEARCHER,
    VIEWER,
    actor_of,
    make_account,
    make_cluster,
    make_department,
    make_group,
    make_project,
    make_rule,
    make_user,
)

pytestmark = pytest.mark.django_db


def test_a_role_holds_on_its_scope_and_below_only() -> None:
    vision = make_department("vision")
    project = make_project(department=vision)
    sibling = make_project()
    user = make_user(role=DEPARTMENT_ADMIN, scope=vision)
    assert may(user, "create", "project", vision)
    assert may(user, "delete", "project", project)
    assert not may(user, "create", "project", sibling)
    assert not may(user, "read", "project", vision.cluster)
    assert may(user, "read", "project")
    assert not may(user, "create", "cluster")


def test_units_whose_ids_begin_alike_are_not_below_one_another() -> None:
    cluster = make_cluster()
    short = make_department(parent=cluster)
    longer = make_department(parent=cluster)
    OrgUnit.objects.filter(pk=longer.pk).update(path=f"{cluster.path}{short.pk}0/")
    longer.refresh_from_db()
    user = make_user(role=VIEWER, scope=short)
    assert not may(user, "read", "department", longer)
    assert list(within(OrgUnit.objects.filter(kind=UnitKind.DEPARTMENT), user, "department:read")) == [short]


def test_rights_are_the_union_of_the_rules() -> None:
    one, other = make_project(), make_project()
    user = make_user(role=RESEARCHER, scope=one)
    make_rule(user, VIEWER, other)
    assert may(user, "create", "training", one)
    assert not may(user, "create", "training", other)
    assert may(user, "read", "training", other)
    assert set(within(OrgUnit.objects.all(), user, "project:read")) == {one, other}
    assert list(within(OrgUnit.objects.all(), user, "training:create")) == [one]


def test_a_list_is_limited_by_the_unit_it_points_at() -> None:
    project, _hidden = make_project(), make_project()
    user = make_user(role=VIEWER, scope=project)
    assert list(within(ProjectInfo.objects.all(), user, "project:read", "unit")) == [project.project_info]
    everything = within(ProjectInfo.objects.all(), make_user(role=VIEWER), "project:read", "unit")
    assert everything.count() == 2


def test_topmost_scopes_swallow_those_below() -> None:
    vision = make_department()
    project = make_project(department=vision)
    user = make_user(role=VIEWER, scope=project)
    make_rule(user, VIEWER, vision)
    assert scopes_with(user, "project:read") == (vision.path,)


@pytest.mark.parametrize("number", [1200])
def test_a_person_with_many_single_projects(number: int) -> None:
    department = make_department()
    projects = OrgUnit.objects.bulk_create(
        OrgUnit(kind=UnitKind.PROJECT, name=f"p{n}", parent=department, cluster=department.cluster)
        for n in range(number)
    )
    for project in projects:
        project.path = f"{department.path}{project.pk}/"
    OrgUnit.objects.bulk_update(projects, ["path"])
    user = make_user()
    role = Role.objects.get(name=VIEWER)
    subject = user.subject
    subject.rules.bulk_create([subject.rules.model(subject=subject, role=role, scope=project) for project in projects])
    assert within(OrgUnit.objects.filter(kind=UnitKind.PROJECT), user, "project:read").count() == number


def test_rights_cost_two_queries_a_request(django_assert_num_queries: object) -> None:
    project = make_project()
    pk = make_user(role=RESEARCHER, scope=project).pk
    user = User.objects.get(pk=pk)
    with django_assert_num_queries(2):  # type: ignore[operator]
        for entity in ("project", "quota", "node", "training"):
            may(user, "read", entity, project)
            scopes_with(user, f"{entity}:read")


def test_nobody_without_rules_without_subject_inactive_or_not_signed_in() -> None:
    account = make_account()
    bare = User.objects.create(email="bare@example.org", name="Bare")
    inactive = make_user(role=ADMIN)
    inactive.is_active = False
    for user in (make_user(), bare, inactive, AnonymousUser()):
        assert not may(user, "read", "project")
        assert not may(user, "read", "account", account)
        assert not within(OrgUnit.objects.all(), user, "account:read").exists()
        assert not may_administer(user)
    assert not Subject.objects.filter(user=bare).exists()


def test_require_says_what_is_missing_and_where() -> None:
    vision = make_department("vision")
    with pytest.raises(Forbidden, match=r"access rule: create.*department vision"):
        require(actor_of(make_user(role=VIEWER)), "create", "access_rule", vision)
    require(actor_of(), "create", "access_rule", vision)
    require(actor_of(make_user(role=ADMIN)), "create", "access_rule", vision)


def test_unit_for_hides_what_may_not_be_seen_is_of_another_kind_or_goes_away() -> None:
    project, hidden = make_project(), make_project()
    user = make_user(role=RESEARCHER, scope=project)
    assert unit_for(user, project.pk, "project:read", UnitKind.PROJECT) == project
    for pk, permission, kind in (
        (hidden.pk, "project:read", UnitKind.PROJECT),
        (project.pk, "project:update", UnitKind.PROJECT),
        (project.pk, "project:read", UnitKind.DEPARTMENT),
        (10**12, "project:read", None),
    ):
        with pytest.raises(NotVisible):
            unit_for(user, pk, permission, kind)
    OrgUnit.objects.filter(pk=project.pk).update(state=UnitState.DELETING)
    with pytest.raises(NotVisible):
        unit_for(user, project.pk, "project:read")


def test_only_who_changes_settings_on_the_account_administers() -> None:
    cluster = make_cluster()
    assert may_administer(make_user(role=ADMIN))
    assert not may_administer(make_user(role=ADMIN, scope=cluster))
    assert not may_administer(make_user(role=DEPARTMENT_ADMIN))


def test_roles_follow_the_table() -> None:
    role = Role.objects.get(name=VIEWER)
    role.permissions.filter(permission="quota:read").delete()
    RolePermission.objects.create(role=role, permission="quota:delete")
    roles_sync()
    held = set(role.permissions.values_list("permission", flat=True))
    assert "quota:read" in held
    assert "quota:delete" not in held


def test_what_a_group_holds_its_members_hold() -> None:
    one, other = make_project(), make_project()
    mira = make_user(role=VIEWER, scope=other)
    rule = make_rule(make_group("vision", mira, make_user()), RESEARCHER, one)
    make_rule(make_group("strangers", make_user()), RESEARCHER, other)
    mira = User.objects.get(pk=mira.pk)
    assert may(mira, "create", "training", one)
    assert not may(mira, "create", "training", other)
    assert set(within(OrgUnit.objects.all(), mira, "project:read")) == {one, other}
    assert set(rules_in_force(mira)) == {rule, AccessRule.objects.get(subject=mira.subject)}
    GroupMember.objects.filter(user=mira).delete()
    assert not may(User.objects.get(pk=mira.pk), "read", "training", one)


def test_a_rule_that_has_ended_grants_nothing() -> None:
    project = make_project()
    user = make_user()
    rule = make_rule(user, RESEARCHER, project, expires_at=timezone.now() + timedelta(hours=1))
    assert may(User.objects.get(pk=user.pk), "create", "training", project)
    assert not rule.ended
    AccessRule.objects.filter(pk=rule.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert not may(User.objects.get(pk=user.pk), "read", "training", project)
    assert not within(OrgUnit.objects.all(), User.objects.get(pk=user.pk), "project:read").exists()
    rule.refresh_from_db()
    assert rule.ended


def test_rights_are_taken_afresh_where_that_is_asked() -> None:
    actor = actor_of(make_user(role=ADMIN))
    account = make_account()
    assert may(actor.user, "create", "access_rule", account)
    AccessRule.objects.all().delete()
    assert may(actor.user, "create", "access_rule", account)
    assert not may(as_of_now(actor).user, "create", "access_rule", account)
    assert as_of_now(actor_of()) == actor_of()
