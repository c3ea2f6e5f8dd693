"""Chromium for the browser tests: a fresh page each, which has to stay silent."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium-headless-shell")
"""Not the whole browser, which sometimes never says that a context is closed."""
IDLE_SECONDS = 10
FOCUSED_ALREADY = "Autofocus processing was blocked because a document already has a focused element."
"""What Chromium notes when something is pressed before a page has come in whole: a closed menu has a field that takes
the focus when it is opened."""
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium without windows, one for all tests."""
    # The synchronous Playwright keeps an event loop running in this thread, which Django takes for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def new_page(browser: Browser, live_server: Any) -> Iterator[Callable[..., Page]]:
    """Opens pages in contexts of their own (`viewport`, `color_scheme`, …). A word in the console fails the test.

    Pages ask for news by themselves: all are closed, and what they asked is answered, before the database is emptied.
    """
    contexts: list[BrowserContext] = []
    said: list[str] = []

    def opened(**options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"page error: {error}"))
        page.said = said  # type: ignore[attr-defined]
        return page

    yield opened
    for context in contexts:
        context.close()
    deadline = time.monotonic() + IDLE_SECONDS
    while time.monotonic() < deadline and any("process_request" in thread.name for thread in threading.enumerate()):
        time.sleep(0.02)
    assert [line for line in said if FOCUSED_ALREADY not in line] == [], "the console has to be silent"


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """A page 1,440 pixels wide, light. Whoever expects a failing request takes its message out of `page.said`."""
    return new_page(color_scheme="light")


@pytest.fixture
def sign_in(live_server: Any) -> Callable[[Page, Any], None]:
    """`sign_in(page, user)`: the page's context has a session of the user, as after signing in."""

    def signed_in(page: Page, user: Any) -> None:
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session["_auth_user_backend"] = settings.AUTHENTICATION_BACKENDS[0]
        session["_auth_user_hash"] = user.get_session_auth_hash()
        session.create()
        cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session.session_key, "url": live_server.url}
        page.context.add_cookies([cookie])  # type: ignore[list-item]

    return signed_in


def axe(page: Page) -> list[str]:
    """What axe finds once everything has come in, one line a violation: text that is still fading in has not yet the
    colours that people read. Its preloading of style sheets would break the page's own policy."""
    page.wait_for_load_state()
    page.evaluate("() => Promise.allSettled(document.getAnimations().map((animation) => animation.finished))")
    found = Axe().run(page, options={"preload": False}).response["violations"]
    return [f"{item['id']} ({item['impact']}): {[node['html'][:200] for node in item['nodes'][:3]]}" for item in found]


def sideways(page: Page) -> list[str]:
    """Elements that stick out, where the page scrolls sideways, once it has come in."""
    page.wait_for_load_state()
    return page.evaluate(
        """() => document.documentElement.scrollWidth <= innerWidth ? [] :
        [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
          .slice(0, 10).map((e) => e.outerHTML.slice(0, 160))"""
    )


def over_the_edge(page: Page) -> list[str]:
    """Choices that stick out of their field, over what is beside them: the page need not scroll for that."""
    page.wait_for_load_state()
    return page.evaluate(
        """() => [...document.querySelectorAll(".field .segmented")]
        .filter((e) => e.getBoundingClientRect().right > e.closest(".field").getBoundingClientRect().right + 1)
        .map((e) => e.outerHTML.slice(0, 160))"""
    )


def choose_unit(page: Page | Locator, field: str, unit: str) -> None:
    """In a field that folds the scope picker behind a button."""
    group = page.get_by_role("group", name=field, exact=True)
    group.get_by_role("button").click()
    group.get_by_role("searchbox", name="Find a unit").fill(unit)
    group.get_by_role("radio", name=unit, exact=True).click()
    expect(group.get_by_role("button")).to_contain_text(unit)
