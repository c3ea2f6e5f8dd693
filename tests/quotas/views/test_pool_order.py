from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from orgs.models import OrgUnit
from portal.actor import SYSTEM
from quotas.selectors.pool_order import pool_order
from quotas.services.pool_order import pool_order_set
from scheduling.models import Workload
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    RESEARCHER,
    make_cluster,
    make_department,
    make_pool,
    make_project,
    make_user,
    signed_in,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> OrgUnit:
    north = make_cluster("north")
    for name in ("h100", "a100"):
        make_pool(name, north)
    return make_project("vis-3d", make_department("vision", north))


@pytest.fixture
def client(project: OrgUnit) -> Client:
    return signed_in(make_user(role=DEPARTMENT_ADMIN, scope=project.parent))


def _order(html: str) -> list[str]:
    return re.findall(r'name="pools" value="([^"]*)"', html)


def test_buttons_change_the_list_and_nothing_else_until_it_is_saved(client: Client, project: OrgUnit) -> None:
    assert project.parent is not None
    pool_order_set(actor=SYSTEM, unit=project.parent, pools=["a100"])
    url = reverse("pool_order", args=[project.pk])
    html = client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert _order(html) == []
    assert "As the unit above: a100 (from department vision)." in html
    pools: list[str] = []
    for move in ("add:h100", "add:default", "up:default"):
        response = client.post(url, {"pools": pools, "move": move, "expected": ""})
        assert response.status_code == 200
        pools = _order(response.content.decode())
    assert pools == ["default", "h100"]
    assert pool_order(project).names == ["a100"]
    assert client.post(url, {"pools": pools, "expected": ""}).status_code == 302
    assert pool_order(project).names == pools
    stale = client.post(url, {"pools": ["a100"], "expected": ""})
    assert stale.status_code == 422
    assert "Somebody changed this order meanwhile." in stale.content.decode()
    assert client.post(url, {"expected": "default,h100"}).status_code == 302
    assert pool_order(project).source == project.parent


def test_the_panel_of_a_unit_shows_its_order_and_where_it_comes_from(project: OrgUnit) -> None:
    assert project.parent is not None
    pool_order_set(actor=SYSTEM, unit=project.parent, pools=["h100", "a100"])
    page = f"{reverse('organization')}?unit={project.pk}"
    html = signed_in(make_user(role=ADMIN)).get(page).content.decode()
    assert 'Pools in the order to try <span class="note">from department vision</span>' in html
    assert re.search(r"<p>h100 <svg.*?</svg> a100</p>", html, re.DOTALL)
    assert reverse("pool_order", args=[project.pk]) in html
    mira = signed_in(make_user(role=RESEARCHER, scope=project))
    assert reverse("pool_order", args=[project.pk]) not in mira.get(page).content.decode()
    assert mira.get(reverse("pool_order", args=[project.pk])).status_code == 403


def test_submit_begins_with_the_order_and_records_where_it_comes_from(project: OrgUnit) -> None:
    assert project.parent is not None
    pool_order_set(actor=SYSTEM, unit=project.parent, pools=["a100", "default"])
    mira = signed_in(make_user(role=RESEARCHER, scope=project))
    html = mira.get(reverse("submit")).content.decode()
    assert _order(html) == ["a100", "default"]
    assert "This order comes from department vision." in html
    data = {"kind": "2", "project": str(project.pk), "name": "a", "priority": "50", "image": "python:3.12"}
    data |= {"pods": "1", "gpus": "0", "cores": "1", "memory": "1", "minutes": ""}
    moved = mira.post(
        reverse("submit"), data | {"pools": ["a100", "default"], "move": "up:default"}, HTTP_HX_REQUEST="true"
    )
    html = moved.content.decode()
    assert _order(html) == ["default", "a100"]
    assert "The usual order, from department vision, is another." in html
    back = mira.post(reverse("submit"), data | {"pools": ["default"], "move": "usual"}, HTTP_HX_REQUEST="true")
    assert _order(back.content.decode()) == ["a100", "default"]
    for name, pools in (("same", ["a100", "default"]), ("own", ["default", "a100"])):
        assert mira.post(reverse("submit"), data | {"name": name, "pools": pools}).status_code == 302
    specs = {workload.name: workload.spec.spec["pools_from"] for workload in Workload.objects.all()}
    assert specs == {"same": "from department vision", "own": ""}
    same = Workload.objects.get(name="same")
    html = mira.get(reverse("workload", args=[same.pk])).content.decode()
    assert 'a100, default <span class="note">(from department vision)</span>' in html
