"""Signing in and out, error pages, the shell's own controls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import axe, sideways
from tests.factories import PASSWORD, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_signing_in_and_out(live_server: Any, new_page: Callable[..., Page], theme: str) -> None:
    user = make_user(name="Mira Okafor")
    page = new_page(color_scheme=theme)
    page.goto(f"{live_server.url}/style-guide/")
    assert axe(page) == []
    page.get_by_label("Email").fill(user.email)
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("Address or password is wrong.")
    expect(page.get_by_label("Email")).to_have_value(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_title("Style guide, Bursar")
    page.get_by_role("button", name="Account of Mira Okafor").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("path", ["logout", "password/change", "password/reset", "inactive"])
def test_account_pages(
    live_server: Any, new_page: Callable[..., Page], sign_in: Callable[[Page, Any], None], path: str
) -> None:
    page = new_page(viewport={"width": 390, "height": 844})
    if path in ("logout", "password/change"):
        sign_in(page, make_user())
    page.goto(f"{live_server.url}/accounts/{path}/")
    expect(page.locator("h1")).to_be_visible()
    assert axe(page) == []
    assert sideways(page) == []


def test_what_does_not_exist_says_so_inside_the_shell(
    live_server: Any, page: Page, sign_in: Callable[[Page, Any], None]
) -> None:
    sign_in(page, make_user())
    page.goto(f"{live_server.url}/nowhere/")
    expect(page.get_by_role("heading", name="There is nothing here.")).to_be_visible()
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    assert axe(page) == []
    assert any("404" in line for line in page.said)  # type: ignore[attr-defined]
    page.said.clear()  # type: ignore[attr-defined]
