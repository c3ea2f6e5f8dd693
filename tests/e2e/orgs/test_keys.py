"""The handbook's "Programs: applications and access keys" (docs/access.md), step by step; the reference of the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from orgs.models import AccessKey, Application, OrgUnit
from tests.e2e.conftest import axe, sideways
from tests.factories import ADMIN, RESEARCHER, make_cluster, make_department, make_project, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def project(db: None) -> OrgUnit:
    return make_project("vis-3d", department=make_department("vision", parent=make_cluster("north")))


@pytest.fixture
def opened(live_server: Any, new_page: Callable[..., Page], sign_in: Any) -> Callable[..., Page]:
    def at(path: str, user: Any, **options: Any) -> Page:
        page = new_page(**options)
        sign_in(page, user)
        page.goto(f"{live_server.url}{path}")
        return page

    return at


def status(token: str) -> int:
    """What the API answers to who sends it."""
    return Client(headers={"Authorization": f"Bearer {token}"}).get("/api/v1/projects/").status_code


def told_once(page: Page) -> str:
    """The key on the screen."""
    shown = page.get_by_role("dialog").get_by_text("bursar_")
    expect(shown).to_be_visible()
    return shown.inner_text().strip()


def test_a_key_of_ones_own_from_beginning_to_end(opened: Callable[..., Page], project: OrgUnit) -> None:
    mira = make_user("mira@example.org", "Mira Okafor", role=RESEARCHER, scope=project)
    page = opened("/profile/", mira)
    page.get_by_role("link", name="New key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("nightly")
    dialog.get_by_role("button", name="Create key").click()
    first = told_once(page)
    assert axe(page) == []
    assert status(first) == 200
    page.get_by_role("link", name="Done").click()
    keys = page.get_by_role("region", name="Access keys")
    expect(keys.get_by_text("from 127.0.0.1")).to_be_visible()
    expect(page.get_by_text(first)).to_have_count(0)

    keys.get_by_role("link", name="Rotate key nightly").click()
    dialog.get_by_role("button", name="Rotate key").click()
    second = told_once(page)
    assert (status(first), status(second)) == (200, 200)
    page.get_by_role("link", name="Done").click()
    expect(keys.get_by_text("rotated")).to_be_visible()
    keys.get_by_role("link", name="Revoke key nightly").first.click()
    dialog.get_by_role("button", name="Revoke key").click()
    expect(page.get_by_text("Key nightly is refused from now on.")).to_be_visible()
    assert sorted([status(first), status(second)]) == [200, 401]


def test_an_application_its_key_and_who_revokes_it(opened: Callable[..., Page], project: OrgUnit) -> None:
    admin = make_user("ana@example.org", "Ana Krol", role=ADMIN)
    page = opened("/access/applications/", admin)
    page.get_by_role("banner").or_(page.get_by_role("main")).get_by_role("link", name="New application").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("nightly-runs")
    dialog.get_by_role("button", name="Create application").click()
    expect(page.get_by_role("heading", name="nightly-runs")).to_be_visible()
    page.get_by_role("link", name="New key").click()
    dialog.get_by_label("Name").fill("secret-1")
    dialog.get_by_role("button", name="Create key").click()
    token = told_once(page)
    assert status(token) == 404, "it holds no role yet"
    page.get_by_role("link", name="Done").click()
    assert Application.objects.get().user.access_keys.count() == 1

    page.get_by_role("link", name="Access keys", exact=True).click()
    expect(page.get_by_role("heading", name="1 access key of 1 owner")).to_be_visible()
    assert axe(page) == []
    page.get_by_role("searchbox", name="Find a key or its owner").fill("nightly")
    expect(page.get_by_role("row", name="secret-1")).to_be_visible()
    page.get_by_role("link", name="Revoke secret-1 of nightly-runs").click()
    dialog.get_by_role("button", name="Revoke key").click()
    expect(page.get_by_text("Key secret-1 is refused from now on.")).to_be_visible()
    assert status(token) == 401
    assert not AccessKey.objects.exists()


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_the_reference_in_every_width(opened: Callable[..., Page], project: OrgUnit, width: int, scheme: str) -> None:
    mira = make_user("mira@example.org", "Mira Okafor", role=RESEARCHER, scope=project)
    page = opened("/profile/", mira, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.get_by_role("link", name="What the API can do").click()
    expect(page.get_by_role("heading", name="Everything the pages can do, by program.")).to_be_visible()
    page.get_by_role("navigation", name="Kinds of things").get_by_role("link", name="projects").click()
    create = page.get_by_role("region", name="Create project")
    expect(create.get_by_role("rowheader", name="parent needed")).to_be_visible()
    create.get_by_text("An example of what to send").click()
    expect(create.get_by_text('"name": "…"')).to_be_visible()
    assert axe(page) == []
    assert sideways(page) == []
