from __future__ import annotations

from typing import Any

import pytest
from django.test import RequestFactory

from orgs.access import NotVisible
from orgs.models import OrgUnit, ProjectInfo, UnitState, User
from orgs.scope import chosen_scope, limited, visible_units
from tests.factories import RESEARCHER, VIEWER, make_account, make_department, make_project, make_rule, make_user

pytestmark = pytest.mark.django_db


def request_of(user: User, scope: str = "") -> Any:
    request: Any = RequestFactory().get("/", {"scope": scope} if scope else {})
    request.user = user
    return request


def test_the_scope_in_the_address_or_where_rights_begin() -> None:
    project = make_project()
    viewer, researcher = make_user(role=VIEWER), make_user(role=RESEARCHER, scope=project)
    assert chosen_scope(request_of(viewer)) == make_account()
    assert chosen_scope(request_of(viewer, str(project.pk))) == project
    assert chosen_scope(request_of(researcher)) == project
    make_rule(researcher, RESEARCHER, make_project())
    assert chosen_scope(request_of(User.objects.get(pk=researcher.pk))) is None


@pytest.mark.parametrize("scope", ["0", "-1", "x", "1" * 30, "٣", "1.5", "\x00"])
def test_scopes_that_cannot_be(scope: str) -> None:
    with pytest.raises(NotVisible):
        chosen_scope(request_of(make_user(role=VIEWER), scope))


def test_a_scope_of_others_or_one_being_deleted_is_not_there() -> None:
    project, other = make_project(), make_project()
    user = make_user(role=RESEARCHER, scope=project)
    with pytest.raises(NotVisible):
        chosen_scope(request_of(user, str(other.pk)))
    OrgUnit.objects.filter(pk=project.pk).update(state=UnitState.DELETING)
    with pytest.raises(NotVisible):
        chosen_scope(request_of(user, str(project.pk)))
    assert chosen_scope(request_of(user)) is None
    assert not visible_units(user).exists()


def test_lists_are_limited_by_scope_and_by_rights() -> None:
    vision = make_department()
    inside, outside = make_project(department=vision), make_project()
    viewer, researcher = make_user(role=VIEWER), make_user(role=RESEARCHER, scope=outside)
    rows = ProjectInfo.objects.all()
    request = request_of(viewer)
    assert limited(rows, request, "project:read", "unit").count() == 2
    request.unit_scope = vision
    assert list(limited(rows, request, "project:read", "unit")) == [inside.project_info]
    request = request_of(researcher)
    assert list(limited(rows, request, "project:read", "unit")) == [outside.project_info]
    request.unit_scope = vision
    assert not limited(rows, request, "project:read", "unit").exists()
