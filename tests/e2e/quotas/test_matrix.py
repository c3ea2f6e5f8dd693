"""The quota matrix edited with the keyboard alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from orgs.models import OrgUnit
from quotas.models import Pool, Quota
from tests.e2e.conftest import axe, sideways
from tests.factories import (
    ADMIN,
    RESEARCHER,
    default_pool_of,
    make_cluster,
    make_department,
    make_node,
    make_project,
    make_quota,
    make_user,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SignIn = Callable[[Page, Any], None]


@pytest.fixture
def pool() -> Pool:
    """8 ready GPUs; vision may give out 6 of them, vis-3d has 2 and vis-med none."""
    vision = make_department("vision", make_cluster("north"))
    assert vision.cluster is not None
    pool = default_pool_of(vision.cluster)
    make_node("node-1", pool)
    make_quota(vision, pool, gpus=6)
    make_quota(make_project("vis-3d", vision), pool, gpus=2)
    make_project("vis-med", vision)
    return pool


def _cell(page: Page, pool: Pool, name: str) -> Locator:
    return page.locator(f"#cell-{OrgUnit.objects.get(name=name).pk}-{pool.pk}")


def _open(page: Page, live_server: Any, sign_in: SignIn, user: Any, query: str = "") -> None:
    sign_in(page, user)
    page.goto(f"{live_server.url}/quotas/?{query}")


def test_editing_with_the_keyboard(page: Page, live_server: Any, sign_in: SignIn, pool: Pool) -> None:
    _open(page, live_server, sign_in, make_user(role=ADMIN))
    vis_3d, vis_med = _cell(page, pool, "vis-3d"), _cell(page, pool, "vis-med")
    vis_3d.focus()
    page.keyboard.type("3.5")
    page.keyboard.press("Enter")
    expect(vis_3d.locator(".cell-value")).to_have_text("3.5")
    expect(_cell(page, pool, "vision")).to_contain_text("2.5 left")
    expect(page.locator(f"#total-{OrgUnit.objects.get(name='vis-3d').pk}")).to_have_text("3.5")
    expect(vis_med).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("F2")
    page.keyboard.type("7")
    page.keyboard.press("Escape")
    expect(vis_3d.locator(".cell-value")).to_have_text("3.5")
    expect(vis_3d).to_be_focused()
    page.keyboard.press("Delete")
    expect(vis_3d).to_contain_text("best effort")
    assert not Quota.objects.filter(unit__name="vis-3d").exists()
    page.keyboard.press("Control+ArrowUp")
    expect(_cell(page, pool, "vision")).to_be_focused()
    page.keyboard.type("9")
    page.keyboard.press("Tab")
    expect(page.locator("h1")).to_have_text("Quotas do not add up in default: 9 GPUs guaranteed, 8 ready.")
    expect(page.locator(f"#sum-{pool.pk}")).to_contain_text("1 over")
    expect(page.locator(f"#head-{pool.pk}").get_by_role("img", name="Does not add up")).to_be_visible()
    assert axe(page) == []


def test_what_is_refused_stays_in_the_cell(page: Page, live_server: Any, sign_in: SignIn, pool: Pool) -> None:
    _open(page, live_server, sign_in, make_user(role=ADMIN))
    vis_3d = _cell(page, pool, "vis-3d")
    vis_3d.focus()
    page.keyboard.type("2.345")
    page.keyboard.press("Enter")
    expect(vis_3d).to_have_attribute("aria-invalid", "true")
    expect(vis_3d).to_contain_text("Use at most two decimals, for example 12.25.")
    expect(vis_3d.locator(".cell-value")).to_have_text("2.345")
    expect(page.locator("#said")).to_contain_text("Use at most two decimals")
    assert axe(page) == []
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(vis_3d.locator("input")).to_have_value("2.345")
    page.keyboard.type("2.25")
    page.keyboard.press("Enter")
    expect(vis_3d).not_to_have_attribute("aria-invalid", "true")
    expect(vis_3d.locator(".cell-value")).to_have_text("2.25")
    vis_3d.focus()
    page.keyboard.type("1,5")
    page.keyboard.press("Enter")
    expect(vis_3d).to_have_attribute("aria-invalid", "true")
    vis_3d.click()
    page.keyboard.press("Escape")
    expect(vis_3d.locator(".cell-value")).to_have_text("2.25")
    page.said.clear()  # type: ignore[attr-defined]  # the browser names the two answers with status 422


def test_what_somebody_else_saved_is_shown_not_overwritten(
    page: Page, live_server: Any, sign_in: SignIn, pool: Pool
) -> None:
    _open(page, live_server, sign_in, make_user(role=ADMIN))
    vis_3d = _cell(page, pool, "vis-3d")
    Quota.objects.filter(unit__name="vis-3d").update(gpu_milli=4_000, version=2)
    vis_3d.focus()
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    expect(vis_3d).to_contain_text("now 4, by somebody else")
    assert Quota.objects.get(unit__name="vis-3d").gpu_milli == 4_000
    vis_3d.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(vis_3d).to_contain_text("0 used")
    assert Quota.objects.get(unit__name="vis-3d").gpu_milli == 5_000
    page.said.clear()  # type: ignore[attr-defined]  # the browser names the answer with status 409


def test_space_and_the_small_button_switch_over_quota(
    page: Page, live_server: Any, sign_in: SignIn, pool: Pool
) -> None:
    _open(page, live_server, sign_in, make_user(role=ADMIN))
    vis_3d, vis_med = _cell(page, pool, "vis-3d"), _cell(page, pool, "vis-med")
    vis_3d.focus()
    page.keyboard.press("Space")
    expect(vis_3d).to_contain_text("capped")
    vis_med.hover()
    vis_med.get_by_role("button", name="Switch over quota off").click()
    expect(vis_med).to_contain_text("blocked")
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    expect(vis_med).to_contain_text("0 used, capped")
    assert Quota.objects.get(unit__name="vis-med").gpu_milli == 1_000


def test_a_researcher_sees_padlocks_and_edits_nothing(
    page: Page, live_server: Any, sign_in: SignIn, pool: Pool
) -> None:
    _open(page, live_server, sign_in, make_user(role=RESEARCHER, scope=OrgUnit.objects.get(name="vis-3d")))
    vis_3d = _cell(page, pool, "vis-3d")
    vis_3d.focus()
    page.keyboard.type("9")
    page.keyboard.press("Enter")
    expect(vis_3d.locator("input")).to_have_count(0)
    expect(vis_3d).to_have_attribute("aria-readonly", "true")
    assert axe(page) == []
    assert Quota.objects.get(unit__name="vis-3d").gpu_milli == 2_000


def test_on_a_phone_it_is_a_list_of_one_pool(
    new_page: Callable[..., Page], live_server: Any, sign_in: SignIn, pool: Pool
) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    _open(page, live_server, sign_in, make_user(role=ADMIN))
    expect(page.get_by_role("grid")).to_have_count(0)
    expect(page.get_by_role("list", name="GPU quota in one pool")).to_contain_text("vis-med")
    assert sideways(page) == []
    assert axe(page) == []
