"""The tour on Overview as first-steps-admin.md tells: by keyboard, on a phone, closed and had again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from scheduling.models import Workload
from tests import factories as make
from tests.e2e.conftest import axe, sideways

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_it_leads_to_what_waits_and_is_closed_and_had_again(
    live_server: Any, new_page: Callable[..., Page], sign_in: Callable[[Page, Any], None]
) -> None:
    project = make.make_project("vision")
    pool = make.make_pool("a100", cluster=project.cluster)
    make.make_summary(pool, gpus=8)
    make.make_waiting(make.make_workload("blocked-run", project, pool), "blocked", unit=project.pk)
    make.make_workload("broken-run", project, pool, state=Workload.State.FAILED)
    user = make.make_user(role=make.ADMIN)

    page = new_page(color_scheme="dark", has_touch=True)
    sign_in(page, user)
    page.goto(f"{live_server.url}/overview/", wait_until="domcontentloaded")
    tour = page.get_by_role("region", name="A tour of what can happen")
    expect(tour.get_by_text("2 of 15 to be seen now")).to_be_visible()
    expect(tour.get_by_role("listitem")).to_have_count(15)
    assert axe(page) == []

    page.set_viewport_size({"width": 390, "height": 844})
    expect(tour.get_by_role("link", name="Failed", exact=True)).to_be_visible()
    assert sideways(page) == []
    assert axe(page) == []
    tour.get_by_role("button", name="Close the tour").click()
    expect(tour).to_have_count(0)
    page.get_by_role("button", name="Show the tour").click()
    expect(tour).to_be_visible()

    tour.get_by_role("link", name="Blocked", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Path").get_by_text("blocked-run")).to_be_visible()
