"""What an access key leaves of its owner's rights."""

from __future__ import annotations

import pytest

from orgs.access import Limits, as_of_now, limit, may, scopes_with
from orgs.models import OrgUnit, User
from tests.factories import (
    DEPARTMENT_ADMIN,
    RESEARCHER,
    actor_of,
    make_account,
    make_department,
    make_project,
    make_rule,
    make_user,
)

pytestmark = pytest.mark.django_db


def limited(user: User, scope: OrgUnit | None = None, *permissions: str) -> User:
    fresh = User.objects.get(pk=user.pk)
    limit(fresh, Limits(frozenset(permissions) or None, scope.path if scope else "", scope is not None))
    return fresh


def test_permissions_are_those_that_both_hold() -> None:
    project = make_project()
    user = limited(make_user(role=RESEARCHER, scope=project), None, "training:read", "quota:update")
    assert may(user, "read", "training", project)
    assert not may(user, "create", "training", project), "the key does not hold it"
    assert not may(user, "update", "quota", project), "the owner does not hold it"


def test_a_scope_below_a_rule_cuts_it_and_a_rule_inside_stays() -> None:
    department = make_department()
    inside, beside, elsewhere = make_project(department=department), make_project(department=department), make_project()
    user = make_user(role=DEPARTMENT_ADMIN, scope=department)
    make_rule(user, RESEARCHER, elsewhere)
    assert scopes_with(limited(user, inside), "training:create") == (inside.path,)
    assert scopes_with(limited(user, department), "training:create") == (department.path,)
    assert scopes_with(limited(user, elsewhere), "training:create") == (elsewhere.path,)
    assert scopes_with(limited(user, elsewhere), "quota:update") == ()
    assert not may(limited(user, inside), "read", "training", beside)


def test_a_scope_above_a_rule_takes_nothing_away() -> None:
    project = make_project()
    user = make_user(role=RESEARCHER, scope=project)
    assert scopes_with(limited(user, make_account()), "training:create") == (project.path,)


def test_the_limits_stay_when_a_service_reads_rights_again() -> None:
    project = make_project()
    user = limited(make_user(role=RESEARCHER, scope=project), None, "training:read")
    again = as_of_now(actor_of(user)).user
    assert again is not user
    assert not may(again, "create", "training", project)
