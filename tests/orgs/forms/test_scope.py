"""What the scope picker offers in forms: where it may be done, the way there, and nothing that may not be seen."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from orgs import scope_picker
from orgs.forms.scope import ScopeChoices
from orgs.models import OrgUnit, User
from tests.factories import (
    ADMIN,
    RESEARCHER,
    VIEWER,
    make_account,
    make_cluster,
    make_department,
    make_project,
    make_rule,
    make_user,
    signed_in,
)

pytestmark = pytest.mark.django_db
WORK = "training:create workspace:create inference:create"
URL = "/scopes/choices/"


@pytest.fixture
def vision() -> OrgUnit:
    return make_department("vision", parent=make_cluster("north"))


def offered(choices: ScopeChoices, search: str = "", *chosen: OrgUnit) -> list[str]:
    """Names by their depth; in brackets what only leads there."""
    rows, _ = choices.rows(search, chosen)
    names = [f"({row.unit.name})" if row.heading else row.unit.name for row in rows]
    return ["  " * (row.depth - 1) + name for row, name in zip(rows, names, strict=True)]


def test_projects_are_offered_where_work_may_be_submitted_under_what_may_be_seen(vision: OrgUnit) -> None:
    own, other = make_project("vis-3d", department=vision), make_project("zebra", department=vision)
    user = make_user(role=RESEARCHER, scope=own)
    assert offered(ScopeChoices(user, WORK)) == ["vis-3d"], "nothing above is his to see"
    make_rule(user, VIEWER, vision)
    user = User.objects.get(pk=user.pk)
    assert offered(ScopeChoices(user, WORK)) == ["(vision)", "  vis-3d"], "zebra may be seen, not used"
    make_rule(user, RESEARCHER, other)
    make_rule(user, VIEWER, make_account())
    user = User.objects.get(pk=user.pk)
    assert offered(ScopeChoices(user, WORK)) == ["(north)", "  (vision)", "    vis-3d", "    zebra"]
    assert offered(ScopeChoices(user, WORK), "zeb", own)[2:] == ["    vis-3d", "    zebra"], "what is chosen stays"
    assert offered(ScopeChoices(user, WORK, brief=True), "", own) == ["(north)", "  (vision)", "    vis-3d"]
    assert ScopeChoices(user, WORK).find(str(vision.pk)) is None


def test_clusters_are_offered_where_pools_may_be_made() -> None:
    north, south = make_cluster("north"), make_cluster("south")
    user = make_user(role=ADMIN, scope=south)
    make_rule(user, VIEWER, north)
    assert offered(ScopeChoices(user, "pool:create")) == ["south"]
    assert offered(ScopeChoices(make_user(role=ADMIN), "pool:create")) == ["north", "south"]


def test_of_many_those_beside_the_chosen_one_come_first(vision: OrgUnit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scope_picker, "MOST_ROWS", 3)
    for number in range(4):
        make_project(f"a-{number}", department=make_department(f"d-{number}", parent=vision.cluster))
    chosen, beside = make_project("y", department=vision), make_project("z", department=vision)
    user = make_user(role=ADMIN)
    choices = ScopeChoices(user, WORK)
    rows, cut = choices.rows(chosen=[chosen])
    assert [row.unit.name for row in rows if not row.heading] == ["a-0", "y", "z"]
    assert cut
    rows, cut = choices.rows("a-3", [chosen])
    assert [row.unit.name for row in rows if not row.heading] == ["a-3", "y"]
    assert not cut
    assert beside.name == "z"


def test_the_server_searches_and_keeps_what_is_chosen(vision: OrgUnit) -> None:
    one, other = make_project("vis-3d", department=vision), make_project("zebra", department=vision)
    hidden = make_project("quagga", department=make_department("zanzibar", parent=vision.cluster))
    user = make_user(role=RESEARCHER, scope=vision)
    client = signed_in(user)
    asked = {"permission": WORK, "name": "project"}
    shown = client.get(URL, asked | {"q": "zeb", "project": one.pk}).content.decode()
    assert f'value="{one.pk}" checked' in shown
    assert f'value="{other.pk}"' in shown
    for search in ("quag", "zanz", "", str(hidden.pk)):
        answer = client.get(URL, asked | {"q": search, "project": hidden.pk}).content.decode()
        assert "quagga" not in answer
        assert "zanzibar" not in answer


@pytest.mark.parametrize("permission", ["", " ", "no:such", "training:create x", "training", "training:create\x00"])
def test_a_permission_that_is_none_is_not_found(permission: str) -> None:
    client: Client = signed_in(make_user(role=ADMIN))
    assert client.get(URL, {"permission": permission}).status_code == 404


def test_queries_do_not_grow(vision: OrgUnit, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    user = make_user(role=ADMIN)
    for number in range(20):
        make_project(f"p-{number}", department=make_department(f"d-{number}", parent=vision.cluster))
    with django_assert_num_queries(4):
        ScopeChoices(user, WORK).rows()
