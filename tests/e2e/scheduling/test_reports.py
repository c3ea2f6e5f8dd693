"""The handbook's page on reports, step by step."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from scheduling.models import PromiseRecord
from tests import factories as make
from tests.e2e.conftest import axe, sideways
from tests.scheduling.views.test_reports import Past

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SignIn = Callable[[Page, Any], None]
NewPage = Callable[..., Page]


@pytest.fixture
def past() -> Past:
    """Two days of use; now `speech` borrows 2 GPUs of `vision`; and one promise that took too long."""
    past = Past()
    past.days(2)
    make.make_summary(past.pool, gpus=8, used=5)
    make.make_usage(past.vision, past.pool, 2, idle_gpu_milli=3000)
    make.make_usage(past.speech, past.pool, 2, over_gpu_milli=2000)
    began = timezone.now() - timedelta(hours=1)
    PromiseRecord.objects.create(
        project=past.vision, pool=past.pool, asked_at=began, ended_at=began + timedelta(minutes=5), got=True,
        had_gpu_milli=0, owed_gpu_milli=2000, cause="short", cause_since=began, causes={"short": 300},
    )  # fmt: skip
    return past


def test_who_used_what(page: Page, live_server: Any, sign_in: SignIn, past: Past, tmp_path: Path) -> None:
    admin = make.make_user("ines@example.org", "Ines", role=make.ADMIN)
    sign_in(page, admin)
    page.goto(f"{live_server.url}/overview/")
    page.get_by_role("link", name="Reports").click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("GPU-hours were used in the last 7 days")

    toolbar = page.get_by_role("form", name="Reports")
    toolbar.get_by_role("link", name="30 days").click()
    expect(heading).to_contain_text("in the last 30 days")
    toolbar.get_by_role("link", name="Project").click()
    expect(page.get_by_role("columnheader", name="Project")).to_be_visible()
    expect(page.get_by_role("row", name="vision")).to_contain_text("not known")
    page.get_by_role("columnheader", name="Over quota").get_by_role("link").click()
    expect(page.get_by_role("columnheader", name="Over quota")).to_have_attribute("aria-sort", "ascending")
    assert {"by=project", "last=30d", "sort=over"} <= set(page.url.partition("?")[2].split("&"))
    assert axe(page) == []

    day = (past.today - timedelta(days=1)).date().isoformat()
    toolbar.get_by_text("From, to").click()
    toolbar.get_by_label("To", exact=True).fill(day)
    expect(heading).to_contain_text("in the last 30 days")
    if not toolbar.get_by_label("From", exact=True).is_visible():
        toolbar.locator(".menu > summary").first.click()
    toolbar.get_by_label("From", exact=True).fill(day)
    expect(heading).to_contain_text("42 GPU-hours were used from")
    with page.expect_download() as download:
        toolbar.get_by_role("link", name="CSV").click()
    saved = tmp_path / "reports.csv"
    download.value.save_as(saved)
    assert "vision,north,24.0,24.0,0.0" in saved.read_text()


def test_who_held_what_and_who_lends_to_whom(new_page: NewPage, live_server: Any, sign_in: SignIn, past: Past) -> None:
    admin = make.make_user("ines@example.org", "Ines", role=make.ADMIN)
    workload = make.make_workload("train-1", past.vision, past.pool, gpus=4, by=admin)
    at = timezone.now().replace(second=0, microsecond=0) - timedelta(days=1)
    make.make_allocation(
        workload,
        make.make_node("a100-1", past.pool),
        at - timedelta(hours=1),
        at + timedelta(hours=1),
        end_code="reclaim",
    )
    page = new_page(color_scheme="dark")
    sign_in(page, admin)
    page.goto(f"{live_server.url}/reports/")
    tabs = page.get_by_role("navigation", name="Reports")
    tabs.get_by_role("link", name="People").click()
    expect(page.get_by_role("row", name="Ines")).to_contain_text("8")
    tabs.get_by_role("link", name="Who held what").click()
    expect(page.get_by_text("Nobody held a GPU then")).to_be_visible()
    page.get_by_label("At (UTC)").fill(f"{at:%Y-%m-%dT%H:%M}")
    expect(page.get_by_role("row", name="train-1")).to_contain_text("a100-1")
    assert axe(page) == []
    page.get_by_role("link", name="train-1").click()
    page.get_by_role("link", name="Pods").click()
    expect(page.get_by_role("table", name="What it held")).to_contain_text("taken back")

    page.goto(f"{live_server.url}/reports/?tab=lending")
    expect(page.get_by_role("img", name="2 GPUs lent now")).to_be_visible()
    page.goto(f"{live_server.url}/overview/")
    expect(page.get_by_role("img", name="2 GPUs lent now")).to_be_visible()
    took = "vision in a100 waited 5 min for 2 GPUs: what is in use could not be taken back."
    expect(page.get_by_text(took)).to_be_visible()
    assert axe(page) == []
    page.goto(f"{live_server.url}/organization/?unit={past.vision.parent_id}")
    expect(page.get_by_text("0 borrowed, 1 lent now")).to_be_visible()
    expect(page.get_by_text(took)).to_be_visible()
    assert axe(page) == []

    phone = new_page(viewport={"width": 390, "height": 844})
    sign_in(phone, admin)
    for tab in ("use", "lending", "held"):
        phone.goto(f"{live_server.url}/reports/?tab={tab}")
        expect(phone.get_by_role("heading", level=1)).to_be_visible()
        assert sideways(phone) == []
