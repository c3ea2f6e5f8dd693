"""Where somebody may do something: what the pickers of the pages offer."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client

from orgs.forms.scope import ScopeChoices
from orgs.models import User
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _unused() -> None:
    cache.clear()


def names(client: Client, permission: str, more: str = "") -> list[str]:
    answer = client.get(f"/api/v1/places/?permission={permission}{more}")
    assert answer.status_code == 200
    return [item["name"] for item in answer.json()["items"]]


@pytest.fixture
def head() -> User:
    vision = make.make_department("vision", make.make_cluster("north"))
    make.make_project("vis-3d", vision)
    make.make_project("protein", make.make_department("life-science", vision.cluster))
    return make.make_user(role="Department administrator", scope=vision)


def test_each_act_has_its_places(head: User) -> None:
    client = make.signed_in(head)
    assert names(client, "project:create") == ["vision"]
    assert names(client, "training:create") == ["vis-3d"]
    assert names(client, "pool:create") == []
    assert names(client, "access_rule:create") == ["vis-3d", "vision"]
    assert names(client, "access_rule:create", "&kind=project&search=3d") == ["vis-3d"]
    admin = make.signed_in(make.make_user(role=make.ADMIN))
    assert names(admin, "pool:create") == ["north"]
    assert names(admin, "project:create") == ["default", "life-science", "vision"]
    assert client.get("/api/v1/places/").status_code == 400
    assert client.get("/api/v1/places/?permission=moon:create").status_code == 400


@pytest.mark.parametrize("permission", ["project:create", "training:create", "department:create", "quota:update"])
def test_they_are_what_the_pages_offer(head: User, permission: str) -> None:
    for user in (head, make.make_user(role=make.ADMIN)):
        rows, cut = ScopeChoices(user, permission).rows()
        assert not cut
        offered = {row.unit.name for row in rows if not (row.why_not or row.heading or row.above)}
        assert set(names(make.signed_in(user), permission)) == offered
