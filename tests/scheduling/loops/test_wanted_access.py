"""Whom to bind where is what `may` says of each person, whatever rules there are."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from orgs.access import may
from orgs.models import AccessRule, GroupMember, OrgUnit, ProjectInfo, Role, RolePermission, UnitState, User
from scheduling.clusters.access import CLUSTER_ROLES, WORK
from scheduling.loops.wanted_access import wanted_access
from tests.examples import examples
from tests.factories import (
    make_account,
    make_cluster,
    make_department,
    make_group,
    make_project,
    make_projects,
    make_role,
    make_user,
)

pytestmark = pytest.mark.django_db

ROLES = ("L1 researcher", "ML engineer", "Viewer", "Research manager", "Data source administrator", "odd", "other")
ODD = ("project:read", "project:update", "training:read", "training:delete", "logs:read", "terminal:read")
OTHER = tuple(f"{kind}:read" for kind in WORK if kind != "training")

rules = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from(ROLES), st.integers(0, 7), st.sampled_from([None, 1, -1])), max_size=8
)


@given(rules, st.sets(st.tuples(st.integers(0, 1), st.integers(0, 2))), st.sets(st.integers(0, 2)))
@examples(25)
def test_bindings_are_what_the_rules_say(
    given_rules: list[tuple[int, str, int, int | None]], members: set[tuple[int, int]], inactive: set[int]
) -> None:
    with transaction.atomic():
        assert_bindings_are_what_the_rules_say(given_rules, members, inactive)
        transaction.set_rollback(True)


def assert_bindings_are_what_the_rules_say(
    given_rules: list[tuple[int, str, int, int | None]], members: set[tuple[int, int]], inactive: set[int]
) -> None:
    north, south = make_cluster(), make_cluster()
    outer = make_department(parent=north)
    inner = make_department(parent=outer)
    projects = [make_project(department=inner), make_project(department=outer), make_project(department=None)]
    units = [make_account(), north, south, outer, inner, *projects]
    people = [make_user() for _ in range(3)]
    groups = [make_group(), make_group()]
    make_role("odd", *ODD)
    make_role("other", *OTHER)
    for group, person in members:
        GroupMember.objects.create(group=groups[group], user=people[person])
    for holder, role, unit, end in given_rules:
        expires = timezone.now() + timedelta(hours=end) if end else None
        subject = [*people, *groups][holder].subject
        fields = {"subject": subject, "role": Role.objects.get(name=role), "scope": units[unit]}
        AccessRule.objects.get_or_create(**fields, defaults={"expires_at": expires})
    User.objects.filter(pk__in=[people[number].pk for number in inactive]).update(is_active=False)

    wanted = wanted_access(north.pk)
    here = [project for project in projects if project.cluster_id == north.pk]
    expected = {}
    for project in here:
        for role, needed in CLUSTER_ROLES.items():
            who = [
                user.email
                for user in User.objects.filter(pk__in=[person.pk for person in people])
                if all(may(user, code.split(":")[1], code.split(":")[0], project) for code in needed)
            ]
            if who:
                expected[project.project_info.namespace, role] = tuple(sorted(who))
    assert wanted.bindings == expected


def test_only_projects_that_are_there_and_stay_count() -> None:
    cluster = make_cluster()
    make_user(role="Viewer")
    ready, making, going = (make_project(department=make_department(parent=cluster)) for _ in range(3))
    ProjectInfo.objects.filter(pk=making.pk).update(phase=ProjectInfo.Phase.CREATING)
    OrgUnit.objects.filter(pk=going.pk).update(state=UnitState.DELETING)
    assert {namespace for namespace, _ in wanted_access(cluster.pk).bindings} == {ready.project_info.namespace}


def test_queries_do_not_grow_with_projects() -> None:
    department = make_department()
    assert department.cluster_id is not None
    make_user(role="Viewer", scope=department)
    make_projects(department, 3)
    with CaptureQueriesContext(connection) as few:
        wanted_access(department.cluster_id)
    make_projects(make_department(parent=department), 40)
    with CaptureQueriesContext(connection) as many:
        found = wanted_access(department.cluster_id)
    assert len(many) == len(few)
    assert len({namespace for namespace, _ in found.bindings}) == 43


def test_permissions_that_roles_ask_for_are_in_the_table() -> None:
    known = set(RolePermission.objects.values_list("permission", flat=True))
    assert all(needed <= known for needed in CLUSTER_ROLES.values())
