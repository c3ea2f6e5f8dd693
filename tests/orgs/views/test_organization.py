from __future__ import annotations

import time

import pytest
from django.urls import reverse

from orgs.models import OrgUnit, UnitKind, UnitState
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    RESEARCHER,
    VIEWER,
    make_account,
    make_cluster,
    make_department,
    make_pool,
    make_project,
    make_projects,
    make_quota,
    make_usage,
    make_user,
    signed_in,
)
from tests.queries import assert_same_queries, queries_of

pytestmark = pytest.mark.django_db

URL = "/organization/"


def test_the_heading_says_how_it_is_laid_out() -> None:
    north = make_cluster("north")
    vision = make_department("vision", parent=north)
    project = make_project("vis-3d", department=vision)
    pool = make_pool("a100", cluster=north)
    make_quota(project, pool, 8)
    make_quota(vision, pool, 8)
    for unit in (project, vision, north):
        make_usage(unit, pool, 10, over_gpu_milli=2000, requested_gpu_milli=14_000)
    page = signed_in(make_user(role=VIEWER)).get(URL).content.decode()
    assert "<h1>1 project in 2 departments shares cluster north.</h1>" in page
    assert "Guaranteed 8 GPUs; 10 in use, 2 of them over quota; 4 waiting." in page
    assert "8 of 8 guaranteed in use, 2 over quota" in page


def test_without_a_cluster_it_leads_to_the_settings() -> None:
    make_account()
    page = signed_in(make_user(role=ADMIN)).get(URL).content.decode()
    assert "No cluster yet." in page
    assert "Connect a cluster" in page


def test_the_panel_shows_the_selected_unit_and_what_one_may_do() -> None:
    vision = make_department("vision")
    project = make_project("vis-3d", department=vision)
    head = signed_in(make_user(name="Tomas Lind", role=DEPARTMENT_ADMIN, scope=vision))
    page = head.get(URL, {"unit": project.pk}).content.decode()
    assert '<h2 id="unit-name">vis-3d</h2>' in page
    assert "Tomas Lind" in page
    assert f'hx-get="{reverse("unit_delete", args=[project.pk])}"' in page
    page = signed_in(make_user(role=RESEARCHER, scope=project)).get(URL, {"unit": project.pk}).content.decode()
    assert "Tomas Lind" not in page
    assert reverse("unit_delete", args=[project.pk]) not in page
    assert "This takes the permission “project: delete” in vis-3d, which you do not have." in page


def test_the_default_department_says_why_it_stays() -> None:
    default = make_cluster().children.get(name="default")
    page = signed_in(make_user(role=ADMIN)).get(URL, {"unit": default.pk}).content.decode()
    assert "The default department of a cluster cannot be deleted." in page


@pytest.mark.parametrize("unit", ["0", "x", "9" * 30, "-1"])
def test_a_unit_that_is_not_there_selects_the_first(unit: str) -> None:
    make_cluster("north")
    response = signed_in(make_user(role=VIEWER)).get(URL, {"unit": unit})
    assert response.context["unit"] == make_account()


def test_units_being_deleted_and_units_of_others_are_not_shown() -> None:
    vision = make_department("vision")
    gone = make_project("gone-project", department=vision)
    OrgUnit.objects.filter(pk=gone.pk).update(state=UnitState.DELETING)
    make_project("hidden-project")
    page = signed_in(make_user(role=DEPARTMENT_ADMIN, scope=vision)).get(URL).content.decode()
    assert "gone-project" not in page
    assert "hidden-project" not in page


def test_the_fragment_is_the_page_without_its_frame() -> None:
    make_project("vis-3d")
    page = signed_in(make_user(role=VIEWER)).get(URL, headers={"HX-Request": "true"}).content.decode()
    assert "vis-3d" in page
    assert "<html" not in page


def test_search_finds_nothing_and_says_so() -> None:
    make_project("vis-3d")
    client = signed_in(make_user(role=VIEWER))
    assert "vis-3d" in client.get(URL, {"q": "3D"}).content.decode()
    page = client.get(URL, {"q": "<nothing>"}).content.decode()
    assert "Names hold “&lt;nothing&gt;” nowhere" in page


def test_queries_stay_the_same() -> None:
    vision = make_department("vision")
    pool = make_pool("a100", cluster=vision.cluster)

    def projects(number: int) -> None:
        for _ in range(number):
            project = make_project(department=vision)
            make_quota(project, pool, 1)
            make_usage(project, pool, 1)
            make_user(role=RESEARCHER, scope=project)

    client = signed_in(make_user(role=ADMIN))
    assert assert_same_queries(client, URL, lambda: projects(5), lambda: projects(495)) < 40


def test_ten_thousand_projects_are_opened_a_part_at_a_time_and_fast() -> None:
    client = signed_in(make_user(role=ADMIN))
    few = len(queries_of(client, URL))
    cluster = make_cluster()
    homes = [make_department(parent=cluster) for _ in range(20)]
    for home in homes:
        make_projects(home, 500)
    assert len(queries_of(client, URL)) == few
    begun = time.process_time()
    page = client.get(URL, {"open": home.pk})
    seconds = time.process_time() - begun
    assert seconds < 1.2, "0.3 s on a machine that does nothing else"
    rows = page.context["tree"].rows
    assert sum(row.unit.kind == UnitKind.PROJECT for row in rows) == 200
    assert "Show more" in page.content.decode()
    assert "300 units" in page.content.decode()
    assert page.context["tree"].kinds[UnitKind.PROJECT] == 10_000
    found = client.get(URL, {"q": f"{home.name}-49"}).context["tree"].rows
    assert sum(row.unit.kind == UnitKind.PROJECT for row in found) == 11
