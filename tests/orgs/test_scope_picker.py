from __future__ import annotations

from typing import Any

import pytest
from django.test import RequestFactory
from pytest_django import DjangoAssertNumQueries

from orgs import scope_picker as module
from orgs.models import OrgUnit, User
from orgs.scope_picker import scope_picker
from tests.factories import RESEARCHER, VIEWER, make_cluster, make_department, make_project, make_rule, make_user

pytestmark = pytest.mark.django_db


def picker(user: User, scope: OrgUnit | None = None) -> dict[str, Any]:
    request: Any = RequestFactory().get("/")
    request.user, request.unit_scope = user, scope
    return scope_picker(request)


def names(found: dict[str, Any]) -> list[str]:
    return ["  " * row["depth"] + row["unit"].name for row in found["rows"]]


def test_rows_in_the_order_of_the_tree() -> None:
    north = make_cluster("north")
    vision = make_department("vision", parent=north)
    project = make_project("vis-3d", department=vision)
    found = picker(make_user(role=VIEWER), project)
    assert names(found) == ["  Aldergrove", "    north", "      default", "      vision", "        vis-3d"]
    assert [unit.name for unit in found["path"]] == ["Aldergrove", "north", "vision", "vis-3d"]


def test_only_what_may_be_seen_also_in_the_path() -> None:
    project = make_project("vis-3d")
    user = make_user(role=RESEARCHER, scope=project)
    make_rule(user, RESEARCHER, make_project("speech"))
    found = picker(user, project)
    assert sorted(row["unit"].name for row in found["rows"]) == ["speech", "vis-3d"]
    assert [unit.name for unit in found["path"]] == ["vis-3d"]


def test_in_a_large_organization_projects_of_the_current_scope_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 6)
    vision = make_department("vision")
    for number in range(5):
        make_project(f"p-{number}", department=vision)
    other = make_project("alone", department=make_department("other", parent=vision.cluster))
    assert other.parent is not None
    shown = [name.strip() for name in names(picker(make_user(role=VIEWER), other.parent))]
    assert "alone" in shown
    assert "p-1" not in shown


def test_queries_do_not_grow(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    user = make_user(role=VIEWER)
    vision = make_department()
    for _ in range(20):
        make_project(department=vision)
    with django_assert_num_queries(4):
        picker(user)
