"""Audit in the browser: every step of docs/audit.md, by keyboard too, at every width and in both themes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from playwright.sync_api import Page, expect

from orgs.models import OrgUnit
from orgs.services.project import project_create
from orgs.services.unit import unit_delete, unit_rename, units_remove
from portal.actor import SYSTEM, Actor
from portal.models import AuditEvent
from portal.services.seal import Sealer
from quotas.models import Rank
from quotas.services.quota import quota_set
from tests.e2e.conftest import axe, sideways
from tests.factories import ADMIN, DEPARTMENT_ADMIN, default_pool_of, make_cluster, make_department, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def project(db: None) -> OrgUnit:
    """With a history: made by Bursar, its quota changed by Ana, renamed by Tomas."""
    north = make_cluster("north")
    vision = make_department("vision", north)
    made = project_create(actor=SYSTEM, parent=vision, name="vis-3d")
    ana, tomas = (make_user(f"{name.split()[0].lower()}@example.org", name) for name in ("Ana Krol", "Tomas Lind"))
    by_ana = Actor("Ana Krol", None, ana.subject.pk, "10.4.2.17")
    pool = default_pool_of(north)
    quota_set(actor=SYSTEM, unit=made, pool=pool, gpu_milli=12_000, limit_gpu_milli=24_000)
    quota_set(actor=by_ana, unit=made, pool=pool, gpu_milli=20_000, limit_gpu_milli=24_000, rank=Rank.HIGH)
    unit_rename(actor=Actor("Tomas Lind", None, tomas.subject.pk, "10.4.9.1"), unit=vision, name="eyes")
    Sealer("test").step()
    return made


@pytest.fixture
def opened(
    new_page: Callable[..., Page], sign_in: Callable[[Page, Any], None], live_server: Any, project: OrgUnit
) -> Callable[..., Page]:
    user = make_user("mira@example.org", "Mira Okafor", role=ADMIN)

    def open_page(path: str = "/audit/", **options: Any) -> Page:
        page = new_page(**{"color_scheme": "light", **options})
        sign_in(page, user)
        page.goto(f"{live_server.url}{path}")
        expect(page.locator("h1")).to_be_visible()
        return page

    return open_page


def rows(page: Page) -> Any:
    return page.locator("table.audit tbody tr")


def test_from_the_menu_to_what_ana_changed(opened: Callable[..., Page], project: OrgUnit) -> None:
    page = opened("/organization/")
    page.get_by_role("link", name="Audit").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("in the last 7 days, by 2 people.")
    page.wait_for_load_state()
    page.get_by_role("searchbox", name="By whom").fill("ana")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("guaranteed 12 GPUs 20 GPUs")
    page.get_by_role("link", name="all of event").click()
    panel = page.get_by_role("complementary", name="Ana Krol changed quota vis-3d in default")
    expect(panel.get_by_role("row", name="guaranteed 12 GPUs 20 GPUs")).to_be_visible()
    expect(panel.get_by_role("row", name="rank medium high")).to_be_visible()
    expect(panel).to_contain_text("10.4.2.17")
    expect(panel).to_contain_text("Under seal 1.")
    panel.get_by_role("link", name="vis-3d in default", exact=True).click()
    expect(page).to_have_url(re.compile(r"/quotas/\?scope="))


def test_narrowing_by_act_thing_address_scope_and_person(opened: Callable[..., Page], project: OrgUnit) -> None:
    page = opened()
    page.locator("summary", has_text="Act").click()
    page.get_by_label("changed", exact=True).check()
    expect(rows(page)).to_have_count(2)
    page.locator("summary", has_text="Thing").click()
    page.get_by_label("department", exact=True).check()
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("name vision eyes")
    page.get_by_role("link", name="Clear thing").click()
    page.get_by_role("searchbox", name="From address").fill("10.4.9")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("searchbox", name="From address").fill("")
    page.get_by_role("link", name="Ana Krol").click()
    expect(rows(page)).to_have_count(1)
    page.get_by_role("link", name="No longer only by Ana Krol").click()
    expect(rows(page)).to_have_count(2)
    page.get_by_role("searchbox", name="Start of a name").fill("none such")
    page.get_by_role("link", name="Clear filters").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("in the last 7 days")
    page.get_by_role("searchbox", name="By whom").fill("Bursar")
    expect(page.locator("table.audit tbody td:nth-child(2)", has_text="Ana Krol")).to_have_count(0)
    expect(rows(page).first).to_contain_text("Bursar")
    page.get_by_role("searchbox", name="By whom").fill("")
    expect(page.get_by_role("link", name="Ana Krol")).to_be_visible()
    page.get_by_role("button", name="Scope: Aldergrove").click()
    page.locator("#scope-rows").get_by_role("link", name="vis-3d", exact=True).click()
    expect(page.get_by_role("button", name="Scope: vis-3d")).to_be_visible()
    expect(page.get_by_role("link", name="Ana Krol")).to_be_visible()
    expect(page.get_by_text("Tomas Lind")).to_have_count(0)


def test_moving_the_window(opened: Callable[..., Page], project: OrgUnit) -> None:
    page = opened()
    page.get_by_role("link", name="Earlier").click()
    expect(page.get_by_text("No event in these days").first).to_be_visible()
    page.get_by_role("link", name="Later").click()
    expect(rows(page).first).to_be_visible()
    page.locator("summary", has_text="When").click()
    page.get_by_role("link", name="30 days").click()
    today = timezone.now().date()
    expect(page).to_have_url(re.compile(f"from={today - timedelta(days=29)}"))
    expect(rows(page).first).to_be_visible()
    page.locator("summary", has_text="When").click()
    page.get_by_label("To", exact=True).fill(str(today - timedelta(days=2)))
    expect(page.get_by_text("No event in these days").first).to_be_visible()


def test_a_deleted_unit_keeps_its_name_and_scope(opened: Callable[..., Page], project: OrgUnit) -> None:
    unit_delete(actor=SYSTEM, unit=project)
    units_remove()
    assert not OrgUnit.objects.filter(pk=project.pk).exists()
    page = opened(f"/audit/?scope={OrgUnit.objects.get(name='eyes').pk}&by=ana")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("vis-3d in default")
    page.get_by_role("link", name="all of event").click()
    panel = page.get_by_role("complementary", name="Ana Krol changed quota vis-3d in default")
    expect(panel).to_contain_text("vis-3d, which is gone or not yours to see")


def test_taking_it_along(opened: Callable[..., Page], project: OrgUnit, tmp_path: Path) -> None:
    page = opened("/audit/?by=ana")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    download.value.save_as(tmp_path / "audit.csv")
    lines = (tmp_path / "audit.csv").read_text().splitlines()
    assert len(lines) == 2
    assert "Ana Krol,update,quota,vis-3d in default,vis-3d,10.4.2.17" in lines[1]
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON lines").click()
    download.value.save_as(tmp_path / "audit.jsonl")
    event = json.loads((tmp_path / "audit.jsonl").read_text())
    assert event["changes"][0] == {"field": "guaranteed", "before": "12 GPUs", "after": "20 GPUs"}


def test_a_department_administrator_sees_what_happened_there(
    page: Page, sign_in: Callable[[Page, Any], None], live_server: Any, project: OrgUnit
) -> None:
    make_department("speech", project.cluster)
    unit_rename(actor=SYSTEM, unit=OrgUnit.objects.get(name="speech"), name="ears")
    sign_in(page, make_user("tom@example.org", role=DEPARTMENT_ADMIN, scope=OrgUnit.objects.get(name="eyes")))
    page.goto(f"{live_server.url}/audit/")
    expect(rows(page).first).to_be_visible()
    expect(page.get_by_text("ears")).to_have_count(0)


def test_verifying(opened: Callable[..., Page], project: OrgUnit, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("verify_audit")
    said = capsys.readouterr().out.splitlines()
    assert (
        said[0]
        == f"{AuditEvent.objects.count()} events under 1 seal are as they were written, 0 of them not sealed yet."
    )
    call_command("verify_audit", noted=said[1].removeprefix("Last seal: "))


def test_by_keyboard(opened: Callable[..., Page], project: OrgUnit) -> None:
    page = opened()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Start of a name")).to_be_focused()
    page.keyboard.type("vis-3d in")
    expect(rows(page)).to_have_count(2)
    link = page.get_by_role("link", name="all of event").first
    link.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 768, 390])
def test_every_width_and_theme(opened: Callable[..., Page], project: OrgUnit, width: int, scheme: str) -> None:
    event = AuditEvent.objects.filter(entity="quota").latest("id")
    for path in ("/audit/", f"/audit/?event={event.pk}", "/audit/?q=none"):
        page = opened(path, viewport={"width": width, "height": 900}, color_scheme=scheme)
        assert axe(page) == [], path
        assert sideways(page) == [], path
