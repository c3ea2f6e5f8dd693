from __future__ import annotations

import pytest

from orgs.models import Role, User
from orgs.selectors.rules import grantable_roles, rules_of
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    RESEARCHER,
    VIEWER,
    make_account,
    make_department,
    make_project,
    make_rule,
    make_user,
)

pytestmark = pytest.mark.django_db


def test_here_below_and_above() -> None:
    admin = make_user("admin@example.org", role=ADMIN)
    vision = make_department("vision")
    project = make_project("vis-3d", department=vision)
    make_user("head@example.org", role=DEPARTMENT_ADMIN, scope=vision)
    make_user("mira@example.org", role=RESEARCHER, scope=project)
    make_user("other@example.org", role=VIEWER, scope=make_department())
    found = rules_of(vision, admin)
    assert [(line.rule.subject.name, line.source, line.removable) for line in found.lines] == [
        ("head@example.org", "here", True),
        ("mira@example.org", "on vis-3d", False),
        ("admin@example.org", "from Aldergrove", False),
    ]
    assert found.total == 3
    assert rules_of(make_account(), admin).total == 4


def test_units_above_that_the_reader_may_not_see_are_not_named() -> None:
    vision = make_department("vision")
    make_user("admin@example.org", role=ADMIN)
    head = make_user("head@example.org", role=DEPARTMENT_ADMIN, scope=vision)
    lines = rules_of(vision, head).lines
    assert [(line.rule.subject.name, line.source) for line in lines] == [
        ("head@example.org", "here"),
        ("admin@example.org", "from above"),
    ]


def test_roles_one_may_grant() -> None:
    vision = make_department()
    head = make_user(role=DEPARTMENT_ADMIN, scope=vision)
    names = {role.name for role in grantable_roles(head, vision)}
    assert {role.name for role in Role.objects.all()} - names == {ADMIN, "Editor", "Application administrator"}
    assert grantable_roles(head, make_account()) == []
    viewer = make_user(role=VIEWER)
    make_rule(viewer, DEPARTMENT_ADMIN, vision)
    of_viewer = grantable_roles(User.objects.get(pk=viewer.pk), make_account())
    assert [role.name for role in of_viewer] == ["Department viewer", VIEWER]
    assert len(grantable_roles(make_user(role=ADMIN), vision)) == 15
