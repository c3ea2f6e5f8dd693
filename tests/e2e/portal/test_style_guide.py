"""The style guide: every component passes axe in both themes, under the strict policy, at every width."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import axe, sideways
from tests.factories import make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


@pytest.fixture
def guide(live_server: Any, new_page: Callable[..., Page], sign_in: Callable[[Page, Any], None]) -> Callable[..., Page]:
    def opened(**options: Any) -> Page:
        page = new_page(**options)
        sign_in(page, make_user())
        page.goto(f"{live_server.url}/style-guide/")
        expect(page.locator(".chart .main-svg").first).to_be_visible()
        return page

    return opened


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(guide: Callable[..., Page], theme: str) -> None:
    page = guide(color_scheme=theme)
    assert axe(page) == []
    page.get_by_role("button", name="Delete project").first.click()
    expect(page.get_by_role("dialog", name="Delete project vis-3d?")).to_be_visible()
    assert axe(page) == []


@pytest.mark.parametrize("width", [390, 768, 1100, 1440, 1920])
def test_nothing_scrolls_sideways(guide: Callable[..., Page], width: int) -> None:
    assert sideways(guide(viewport={"width": width, "height": 900})) == []


def test_chart_says_its_numbers_on_hover_and_as_a_table(guide: Callable[..., Page]) -> None:
    page = guide()
    plot = page.locator(".chart .nsewdrag").first
    plot.scroll_into_view_if_needed()
    plot.hover(position={"x": 200, "y": 40})
    plot.hover(position={"x": 210, "y": 50})
    expect(page.locator(".chart .hoverlayer")).to_contain_text("GPUs")
    page.get_by_text("As table").click()
    expect(page.get_by_role("table").filter(has_text="Hour")).to_be_visible()


def test_theme_switch_stays_and_recolours_charts(guide: Callable[..., Page]) -> None:
    page = guide(color_scheme="light")
    line = page.locator(".chart .scatterlayer .js-line").last
    before = line.evaluate("e => getComputedStyle(e).stroke")
    page.get_by_role("button", name="Change theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(line).not_to_have_css("stroke", before)
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_dialog_deletes_only_after_the_name_is_typed(guide: Callable[..., Page]) -> None:
    page = guide()
    opener = page.get_by_role("button", name="Delete project").first
    opener.click()
    dialog = page.get_by_role("dialog", name="Delete project vis-3d?")
    expect(dialog.get_by_role("button", name="Keep project")).to_be_focused()
    submit = dialog.get_by_role("button", name="Delete project")
    expect(submit).to_have_attribute("aria-disabled", "true")
    dialog.get_by_label("Type vis-3d to confirm").fill("vis-3d")
    expect(submit).to_have_attribute("aria-disabled", "false")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


def test_tree_keys(guide: Callable[..., Page]) -> None:
    page = guide()
    rows = page.locator("#tree tbody tr")
    rows.first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(rows.nth(2)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(rows.nth(2)).to_have_attribute("aria-expanded", "false")
    expect(rows.nth(3)).to_be_hidden()
    page.keyboard.press("ArrowDown")
    expect(rows.nth(5)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    expect(rows.nth(2)).to_be_visible()
    expect(rows.nth(3)).to_be_hidden()
    page.keyboard.press("End")
    expect(rows.nth(5)).to_be_focused()
    page.keyboard.press("n")
    expect(rows.nth(1)).to_be_focused()


def test_matrix_keys(guide: Callable[..., Page]) -> None:
    page = guide()
    cells = page.locator(".matrix .cell")
    cells.first.click()
    field = cells.first.locator("input")
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(cells.first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(cells.nth(1)).to_be_focused()
    page.keyboard.press("7")
    expect(cells.nth(1).locator("input")).to_have_value("7")
    page.keyboard.press("Escape")
    expect(cells.nth(1).locator(".cell-value")).to_have_text("12 20")
    page.keyboard.press("Control+ArrowDown")
    expect(cells.last).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator(".cell-input")).to_have_count(0)


def test_menus_filters_and_single_keys(guide: Callable[..., Page]) -> None:
    page = guide()
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keyboard")
    expect(keys).to_be_visible()
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    page.keyboard.press("/")
    expect(page.get_by_label("Search name, owner, image")).to_be_focused()
    page.get_by_text("Status", exact=True).locator("visible=true").first.click()
    expect(page.get_by_role("checkbox", name="Waiting")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("checkbox", name="Waiting")).to_be_hidden()


def test_field_says_what_is_wrong_when_it_is_left_and_then_on_every_key(guide: Callable[..., Page]) -> None:
    page = guide()
    field = page.get_by_label("Memory")
    field.fill("0")
    expect(page.locator(".field").filter(has=field).locator(".field-error")).to_have_count(0)
    field.blur()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description("Default 64 per GPU. Use at least 1.")
    field.fill("12")
    expect(field).not_to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description("Default 64 per GPU.")


def test_phone_has_its_menu_in_a_drawer_and_the_matrix_to_read_only(guide: Callable[..., Page]) -> None:
    page = guide(**PHONE)
    menu = page.get_by_role("navigation", name="Main")
    expect(menu).to_be_hidden()
    page.get_by_role("button", name="Menu", exact=True).tap()
    expect(menu).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    page.locator(".matrix .cell").first.tap()
    expect(page.locator(".cell-input")).to_have_count(0)
    assert sideways(page) == []
