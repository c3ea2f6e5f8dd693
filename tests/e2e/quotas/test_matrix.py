"""The quota matrix edited with the keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from orgs.models import OrgUnit
from quotas.models import Pool, Quota, QuotaVersion, Rank
from quotas.services.quota import quota_set
from tests.e2e.conftest import axe, sideways
from tests.factories import (
    ADMIN,
    RESEARCHER,
    actor_of,
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


def _look_at(page: Page, lens: str) -> None:
    """Through another lens, once that page is there and listens."""
    link = page.get_by_role("link", name=lens)
    link.click()
    expect(link).to_have_attribute("aria-current", "true")
    page.wait_for_load_state()


def _answered(page: Page, name: str) -> Any:
    return page.expect_response(lambda answer: f"/quotas/{name}/" in answer.url)


def _save(page: Page) -> None:
    """Once the effect of all that is unsaved is there."""
    with _answered(page, "save"):
        page.get_by_role("button", name="Save").click()
    expect(page.locator("#side")).to_be_hidden()


def test_editing_with_the_keyboard(page: Page, live_server: Any, sign_in: SignIn, pool: Pool) -> None:
    _open(page, live_server, sign_in, make_user(role=ADMIN))
    vis_3d, vis_med = _cell(page, pool, "vis-3d"), _cell(page, pool, "vis-med")
    vis_3d.focus()
    page.keyboard.type("3.5")
    page.keyboard.press("Enter")
    expect(vis_3d).to_have_class(re.compile("cell-changed"))
    expect(vis_3d.locator(".cell-value")).to_have_text("2 3.5")
    expect(vis_med).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("F2")
    page.keyboard.type("7")
    page.keyboard.press("Escape")
    expect(vis_3d.locator(".cell-value")).to_have_text("2 3.5")
    expect(vis_3d).to_be_focused()
    side = page.get_by_role("complementary", name="What would change")
    expect(side).to_contain_text("Vis-3d gains 1.5 guaranteed GPUs in default. Nothing is stopped when you save.")
    expect(side).to_contain_text("vision in default still adds up: 3.5 of 6.")
    assert axe(page) == []
    assert Quota.objects.get(unit__name="vis-3d").gpu_milli == 2_000
    page.get_by_label("Reason").fill("Deadline")
    _save(page)
    expect(vis_3d.locator(".cell-value")).to_have_text("3.5")
    expect(vis_3d).to_be_focused()
    expect(_cell(page, pool, "vision")).to_contain_text("2.5 left")
    expect(page.locator(f"#total-{OrgUnit.objects.get(name='vis-3d').pk}")).to_have_text("3.5")
    assert QuotaVersion.objects.get(unit__name="vis-3d", until=None).reason == "Deadline"
    page.get_by_role("button", name="Undo").click()
    expect(vis_3d.locator(".cell-value")).to_have_text("2")
    page.keyboard.press("Control+ArrowUp")
    page.keyboard.press("Control+ArrowUp")
    _cell(page, pool, "vision").focus()
    page.keyboard.type("9")
    page.keyboard.press("Tab")
    expect(side).to_contain_text("1 over: 9 GPUs asked for in default, 8 available")
    _save(page)
    expect(page.locator("h1")).to_have_text("Quotas do not add up in default: 9 GPUs guaranteed, 8 ready.")
    expect(page.locator(f"#sum-{pool.pk}")).to_contain_text("1 over")
    expect(page.locator(f"#head-{pool.pk}").get_by_role("img", name="Does not add up")).to_be_visible()
    assert axe(page) == []


def test_what_is_unsaved_stays_until_it_is_saved_or_discarded(
    page: Page, live_server: Any, sign_in: SignIn, pool: Pool
) -> None:
    _open(page, live_server, sign_in, make_user(role=ADMIN))
    vis_3d, vis_med = _cell(page, pool, "vis-3d"), _cell(page, pool, "vis-med")
    vis_3d.focus()
    page.keyboard.type("3\n")
    page.keyboard.type("1\n")
    expect(page.locator("#unsaved")).to_have_text("2 unsaved")
    Quota.objects.filter(unit__name="vision").update(gpu_milli=7_000)
    page.evaluate("htmx.trigger('#page', 'refresh')")
    expect(_cell(page, pool, "vision").locator(".cell-value")).to_have_text("7")
    expect(vis_3d.locator(".cell-value")).to_have_text("2 3")
    _look_at(page, "Limit")
    expect(page.locator("#unsaved")).to_have_text("2 unsaved")
    expect(vis_3d).not_to_have_class(re.compile("cell-changed"))
    page.get_by_role("link", name="Quota", exact=True).click()
    expect(vis_3d.locator(".cell-value")).to_have_text("2 3")
    page.route("**/quotas/save/**", lambda route: route.abort())
    page.get_by_role("button", name="Save 2 changes").click()
    expect(page.locator("#toasts")).to_contain_text("What you typed is kept here.")
    page.unroute("**/quotas/save/**")
    page.said.clear()  # type: ignore[attr-defined]  # the browser names the request that failed
    vis_3d.focus()
    page.keyboard.press("Control+z")
    expect(vis_med).not_to_have_class(re.compile("cell-changed"))
    page.keyboard.press("Control+z")
    expect(page.locator("#side")).to_be_hidden()
    page.keyboard.press("Delete")
    expect(vis_3d.locator(".cell-value")).to_have_text("2 default")
    page.get_by_role("button", name="Discard").click()
    expect(vis_3d.locator(".cell-value")).to_have_text("2")
    assert page.evaluate("Object.keys(sessionStorage).filter((key) => key.startsWith('bursar')).length") == 0
    assert Quota.objects.get(unit__name="vis-3d").gpu_milli == 2_000


def test_sums_show_what_they_would_be_until_it_is_saved_or_discarded(
    page: Page, live_server: Any, sign_in: SignIn, pool: Pool
) -> None:
    _open(page, live_server, sign_in, make_user(role=ADMIN))
    vision, vis_3d, total = _cell(page, pool, "vision"), _cell(page, pool, "vis-3d"), page.locator(f"#sum-{pool.pk}")
    expect(page.get_by_text("Guard: warn")).to_be_visible()
    expect(vision).to_contain_text("4 left")
    vis_3d.focus()
    page.keyboard.type("7\n")
    expect(vision).to_contain_text("1 too many given")
    expect(vision).to_have_class(re.compile("cell-then"))
    expect(page.locator(f"#total-{OrgUnit.objects.get(name='vis-3d').pk}")).to_have_text("2 7")
    bar = vis_3d.locator(".bar")
    expect(bar).to_have_attribute("aria-label", "0 of 7 guaranteed in use")
    expect(total).not_to_have_class(re.compile("unsaved"))
    vision.focus()
    page.keyboard.type("10\n")
    expect(total).to_have_class(re.compile("over unsaved"))
    expect(total).to_contain_text("6 10 of 8")
    expect(page.locator(f"#head-{pool.pk}")).to_contain_text("2 over")
    expect(page.locator("#said")).to_have_text("default: 2 over once it is saved")
    expect(vision.locator(".cell-value")).to_have_text("6 10")
    expect(vision).to_contain_text("3 left")
    assert axe(page) == []
    page.evaluate("htmx.trigger('#page', 'refresh')")
    expect(total).to_contain_text("6 10 of 8")
    with _answered(page, "effect"):  # what is saved changes underneath, so what would be does, too
        make_node("node-2", pool)
        page.evaluate("htmx.trigger('#page', 'refresh')")
    expect(total).to_contain_text("6 10 of 16")
    expect(total).not_to_have_class(re.compile("over"))
    _look_at(page, "CPU")
    expect(total).to_contain_text("0 of 256")
    expect(total).not_to_have_class(re.compile("unsaved"))
    page.get_by_role("link", name="GPU").click()
    expect(total).to_contain_text("6 10 of 16")
    page.get_by_role("button", name="Discard").click()
    expect(total).to_contain_text("6 of 16")
    expect(total).not_to_have_class(re.compile("unsaved"))
    expect(vision).not_to_have_class(re.compile("cell-then"))
    expect(vision).to_contain_text("4 left")
    expect(bar).to_have_attribute("aria-label", "0 of 2 guaranteed in use")


def test_what_is_refused_stays_in_the_cell(page: Page, live_server: Any, sign_in: SignIn, pool: Pool) -> None:
    _open(page, live_server, sign_in, make_user(role=ADMIN))
    vis_3d = _cell(page, pool, "vis-3d")
    vis_3d.focus()
    page.keyboard.type("2.345\n")
    page.keyboard.type("1\n")
    expect(vis_3d).to_have_attribute("aria-invalid", "true")
    expect(vis_3d).to_contain_text("Use at most two decimals, for example 12.25.")
    expect(vis_3d.locator(".cell-value")).to_have_text("2 2.345")
    expect(page.locator("#said")).to_contain_text("Use at most two decimals")
    expect(page.get_by_role("button", name="Save 2 changes")).to_be_disabled()
    assert axe(page) == []
    page.get_by_role("button", name="vis-3d in default").click()
    page.keyboard.press("Enter")
    expect(vis_3d.locator("input")).to_have_value("2.345")
    page.keyboard.type("2.25\n")
    expect(vis_3d).not_to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("button", name="Save 2 changes")).to_be_enabled()
    _look_at(page, "Limit")
    vis_3d.focus()
    page.keyboard.type("1\n")
    expect(vis_3d).to_contain_text("The limit would be below the quota.")
    vis_3d.click(button="right")
    page.get_by_role("menuitem", name="Take back this change").click()
    expect(vis_3d.locator(".cell-value")).to_be_empty()
    expect(page.locator("#unsaved")).to_have_text("1 unsaved")


def test_what_somebody_else_saved_is_said_with_both_values(
    page: Page, live_server: Any, sign_in: SignIn, pool: Pool
) -> None:
    _open(page, live_server, sign_in, make_user(role=ADMIN))
    vis_3d = _cell(page, pool, "vis-3d")
    vis_3d.focus()
    page.keyboard.type("5\n")
    page.keyboard.type("1\n")
    expect(page.get_by_role("button", name="Save 2 changes")).to_be_enabled()
    tomas, project = actor_of(make_user(name="Tomas Lind", role=ADMIN)), OrgUnit.objects.get(name="vis-3d")
    quota_set(actor=tomas, unit=project, pool=pool, gpu_milli=4_000)
    page.get_by_role("button", name="Save 2 changes").click()
    side = page.locator("#side")
    expect(side).to_contain_text("It is 4 now, by Tomas Lind")
    expect(vis_3d).to_contain_text("now 4, by somebody else")
    expect(vis_3d.locator(".cell-value")).to_have_text("2 5")
    assert axe(page) == []
    assert Quota.objects.get(unit=project).gpu_milli == 4_000
    assert not Quota.objects.filter(unit__name="vis-med").exists()
    page.get_by_role("button", name="Keep 5").click()
    expect(vis_3d).not_to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("button", name="Save 2 changes")).to_be_enabled()
    quota_set(actor=tomas, unit=project, pool=pool, gpu_milli=3_000)
    page.evaluate("htmx.trigger('#page', 'refresh')")
    expect(vis_3d).to_contain_text("now 3, by somebody else")
    page.get_by_role("button", name="Take 3").click()
    expect(vis_3d.locator(".cell-value")).to_have_text("3")
    _save(page)
    assert Quota.objects.get(unit__name="vis-med").gpu_milli == 1_000
    page.said.clear()  # type: ignore[attr-defined]  # the browser names the answers with status 422


def test_switching_and_the_words_of_access(page: Page, live_server: Any, sign_in: SignIn, pool: Pool) -> None:
    _open(page, live_server, sign_in, make_user(role=ADMIN))
    vis_3d, vis_med = _cell(page, pool, "vis-3d"), _cell(page, pool, "vis-med")
    vis_3d.focus()
    page.keyboard.press("Space")
    expect(vis_3d).to_contain_text("over quota off")
    page.keyboard.press("ArrowDown")
    page.keyboard.type("blocked\n")
    _save(page)
    expect(vis_3d).to_contain_text("capped")
    expect(vis_med).to_contain_text("blocked")
    assert Quota.objects.get(unit__name="vis-med").blocked
    vis_med.focus()
    page.keyboard.press("Shift+F10")
    menu = page.get_by_role("menu", name="Cell")
    expect(menu.get_by_role("menuitem", name="Edit")).to_be_focused()
    assert axe(page) == []
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(vis_med).to_contain_text("over quota on")
    _look_at(page, "Weight and rank")
    vis_3d.focus()
    page.keyboard.press("Space")
    expect(vis_3d).to_contain_text("high rank")
    _save(page)
    quotas = {quota.unit.name: quota for quota in Quota.objects.select_related("unit")}
    assert quotas["vis-med"].over_quota
    assert quotas["vis-3d"].rank == Rank.HIGH


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
