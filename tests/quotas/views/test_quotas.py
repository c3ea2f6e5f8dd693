from __future__ import annotations

import re

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from orgs.models import OrgUnit
from quotas.models import Node, Pool, Quota, UnitUsage
from quotas.views import quotas as quotas_page
from tests.bad_input import BAD
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    RESEARCHER,
    default_pool_of,
    make_cluster,
    make_department,
    make_node,
    make_pool,
    make_project,
    make_quota,
    make_user,
    signed_in,
)
from tests.queries import assert_same_queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def vision() -> OrgUnit:
    vision = make_department("vision", make_cluster("north"))
    pool = _pool(vision)
    make_node(pool=pool)
    make_quota(vision, pool, gpus=6)
    return vision


def _pool(unit: OrgUnit) -> Pool:
    assert unit.cluster is not None
    return default_pool_of(unit.cluster)


def _post(client: Client, unit: OrgUnit, query: str = "", **data: str) -> HttpResponse:
    url = reverse("quota_cell", args=[unit.pk, _pool(unit).pk])
    return client.post(f"{url}?{query}", {"version": "0"} | data)


def _heading(html: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", html, re.DOTALL)
    assert found
    return found[1]


def test_minimum_runtimes_are_cells_of_their_own(vision: OrgUnit) -> None:
    project = make_project("vis-3d", vision)
    client = signed_in(make_user(role=ADMIN))
    html = client.get(reverse("quotas"), {"show": "reclaim"}).content.decode()
    assert "as the pool" in html
    assert "as above" in html
    assert "cell-switch" not in html
    saved = _post(client, project, "show=reclaim", value="90")
    assert saved.status_code == 200
    assert "90 min" in saved.content.decode()
    quota = Quota.objects.get(unit=project)
    assert (quota.reclaim_min_runtime_seconds, quota.preempt_min_runtime_seconds) == (5_400, None)
    assert _post(client, project, "show=preempt", value="2 h", version="1").status_code == 200
    refused = _post(client, project, "show=preempt", value="44000", version="2")
    assert refused.status_code == 422
    assert "Type at most that." in refused.content.decode()
    assert _post(client, project, "show=preempt", switch="1", version="2").status_code == 422
    assert _post(client, project, "show=reclaim", value="", version="2").status_code == 200
    quota.refresh_from_db()
    assert (quota.reclaim_min_runtime_seconds, quota.preempt_min_runtime_seconds) == (None, 7_200)


def test_saving_a_cell_answers_with_all_that_changed(vision: OrgUnit) -> None:
    project = make_project("vis-3d", vision)
    client = signed_in(make_user(role=ADMIN))
    response = _post(client, project, value="4.5")
    html = response.content.decode()
    assert response.status_code == 200
    assert Quota.objects.get(unit=project).gpu_milli == 4_500
    for unit in (project, vision):
        assert f'id="cell-{unit.pk}-{_pool(vision).pk}"' in html
    assert "0 used, 1.5 left" in html
    assert f'id="sum-{_pool(vision).pk}"' in html
    assert "2 to give" in html
    assert _heading(html) == "Quotas add up: 6 of 8 ready GPUs are guaranteed."


@pytest.mark.parametrize("value", [value for kind, value in BAD.items() if kind not in ("missing", "blank")])
def test_what_is_refused_comes_back_as_typed(vision: OrgUnit, value: str) -> None:
    project = make_project("vis-3d", vision)
    client = signed_in(make_user(role=ADMIN))
    for query in ("", "resource=cpu", "resource=memory&show=limit", "show=weight"):
        response = _post(client, project, query, value=value)
        assert response.status_code == 422
        assert 'aria-invalid="true"' in response.content.decode()
        assert escape(value[:40]) in response.content.decode()
    assert not Quota.objects.filter(unit=project).exists()


def test_a_limit_below_the_quota_says_so(vision: OrgUnit) -> None:
    project = make_project("vis-3d", vision)
    make_quota(project, _pool(vision), gpus=4)
    response = _post(signed_in(make_user(role=ADMIN)), project, "show=limit", value="3", version="1")
    assert response.status_code == 422
    assert "The limit would be below the quota." in response.content.decode()


def test_a_cell_that_somebody_else_changed_is_not_overwritten(vision: OrgUnit) -> None:
    project = make_project("vis-3d", vision)
    make_quota(project, _pool(vision), gpus=5, version=3)
    client = signed_in(make_user(role=ADMIN))
    response = _post(client, project, value="2", version="2")
    html = response.content.decode()
    assert response.status_code == 409
    assert "now 5, by somebody else" in html
    assert 'data-value="2" data-version="3"' in html
    assert Quota.objects.get(unit=project).gpu_milli == 5_000
    assert _post(client, project, value="2", version="3").status_code == 200


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 30])
def test_a_cell_without_a_version_is_not_saved(vision: OrgUnit, version: str) -> None:
    project = make_project("vis-3d", vision)
    assert _post(signed_in(make_user(role=ADMIN)), project, value="2", version=version).status_code == 422
    assert not Quota.objects.filter(unit=project).exists()


def test_switching_over_quota_blocks_who_has_no_quota(vision: OrgUnit) -> None:
    project = make_project("vis-3d", vision)
    client = signed_in(make_user(role=ADMIN))
    assert "blocked" in _post(client, project, switch="1").content.decode()
    assert Quota.objects.get(unit=project).blocked
    assert "best effort" in _post(client, project, switch="1", version="1").content.decode()
    assert "high rank" in _post(client, project, "show=weight", switch="1", version="2").content.decode()
    assert _post(client, project, value="", version="3").status_code == 200
    assert not Quota.objects.filter(unit=project).exists()


def test_rights(vision: OrgUnit) -> None:
    project = make_project("vis-3d", vision)
    head = signed_in(make_user(role=DEPARTMENT_ADMIN, scope=vision))
    mira = signed_in(make_user(role=RESEARCHER, scope=project))
    assert _post(head, project, value="2").status_code == 200
    assert _post(head, vision, value="9", version="1").status_code == 403
    assert _post(mira, project, value="9", version="1").status_code == 403
    assert _post(mira, vision, value="9", version="1").status_code == 404
    elsewhere = reverse("quota_cell", args=[project.pk, _pool(make_department()).pk])
    assert head.post(elsewhere, {"value": "1", "version": "0"}).status_code == 404
    assert Quota.objects.get(unit=vision).gpu_milli == 6_000
    html = head.get(reverse("quotas")).content.decode()
    assert "Quotas are changed with the right on the unit above" in html
    assert _heading(html) == "vision has given out 2 of its 6 GPUs."


def test_answers(vision: OrgUnit) -> None:
    admin = signed_in(make_user(role=ADMIN))
    make_quota(make_project("vis-3d", vision), _pool(vision), gpus=2)

    def heading(query: str = "") -> str:
        return _heading(admin.get(f"{reverse('quotas')}?{query}").content.decode())

    assert heading() == "Quotas add up: 6 of 8 ready GPUs are guaranteed."
    assert heading("resource=cpu") == "No CPU is guaranteed to anybody yet; 128 cores are ready."
    Quota.objects.filter(unit=vision).update(gpu_milli=9_500)
    assert heading() == "Quotas do not add up in default: 9.5 GPUs guaranteed, 8 ready."
    make_pool(cluster=vision.cluster)
    make_node(pool=_pool(vision), gpus=2, state=Node.State.NOT_READY)
    html = admin.get(reverse("quotas")).content.decode()
    assert "2 GPUs of default are on nodes that are not ready." in html
    assert "kept at once; the other pool adds up." in html
    mira = signed_in(make_user(role=RESEARCHER, scope=OrgUnit.objects.get(name="vis-3d")))
    html = mira.get(reverse("quotas")).content.decode()
    assert _heading(html) == "vis-3d is guaranteed 2 GPUs."
    assert "against ready" not in html
    assert "vision" not in html


def test_without_a_cluster() -> None:
    assert "No cluster yet." in signed_in(make_user(role=ADMIN)).get(reverse("quotas")).content.decode()


@pytest.mark.parametrize(
    "query",
    ["scope=x", "q=%00", "page=x&size=x", "page=-1", "cluster=99999999999999999999", "pool=x", "resource=x&show=x"],
)
def test_odd_addresses_are_no_errors(vision: OrgUnit, query: str) -> None:
    response = signed_in(make_user(role=ADMIN)).get(f"{reverse('quotas')}?{query}")
    assert response.status_code == (404 if query.startswith("scope") else 200)


def test_queries_are_the_same_for_few_and_many_rows(vision: OrgUnit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas_page, "SIZES", (500,))

    def add(number: int) -> None:
        for _ in range(number):
            project = make_project(department=vision)
            make_quota(project, _pool(vision), gpus=1)
            UnitUsage.objects.create(unit=project, pool=_pool(vision), gpu_milli=500)

    client = signed_in(make_user(role=ADMIN))
    assert_same_queries(client, f"{reverse('quotas')}?size=500", lambda: add(5), lambda: add(495))
