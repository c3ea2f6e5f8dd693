"""docs/sign-in.md, step by step: the first sign-in, the second factor, sessions, a forgotten password."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.cache import cache
from playwright.sync_api import Page, expect

from orgs.secrets import encrypt
from tests.e2e.conftest import axe, sideways
from tests.factories import ADMIN, PASSWORD, VIEWER, code_of, make_account, make_second_factor, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def no_failures_before() -> None:
    cache.clear()


def type_password(page: Page, email: str, password: str) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def harmless(page: Page) -> None:
    """What axe finds, and nothing sticks out."""
    assert axe(page) == []
    assert sideways(page) == []


def test_a_new_person_gets_a_password_and_chooses_an_own_one(
    live_server: Any, new_page: Callable[..., Page], sign_in: Callable[[Page, Any], None]
) -> None:
    make_account()
    admin = new_page(color_scheme="light")
    sign_in(admin, make_user(role=ADMIN))
    admin.goto(f"{live_server.url}/access/people/")
    admin.get_by_role("link", name="New person").click()
    admin.get_by_role("dialog").get_by_label("Name").fill("Mira Okafor")
    admin.get_by_label("E-mail address").fill("mira@example.org")
    admin.get_by_role("button", name="Create person").click()
    password = admin.get_by_label("password", exact=True).inner_text()

    page = new_page(color_scheme="dark")
    page.goto(f"{live_server.url}/organization/")
    type_password(page, "mira@example.org", password)
    expect(page.get_by_role("heading", name="Choose a password of your own.")).to_be_visible()
    harmless(page)
    page.get_by_label("Current Password").fill(password)
    page.get_by_label("New Password", exact=True).fill("short")
    page.get_by_label("New Password (again)").fill("short")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Use at least 10 characters.")).to_be_visible()
    page.get_by_label("Current Password").fill(password)
    page.get_by_label("New Password", exact=True).fill("a long walk home")
    page.get_by_label("New Password (again)").fill("a long walk home")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Your password was changed.")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_second_factor_is_set_up_used_and_switched_off(
    live_server: Any, new_page: Callable[..., Page], theme: str
) -> None:
    make_user("mira@example.org", name="Mira Okafor", role=VIEWER)
    page = new_page(color_scheme=theme)
    page.goto(f"{live_server.url}/profile/")
    type_password(page, "mira@example.org", PASSWORD)
    expect(page.get_by_role("heading", name="Your password alone keeps your account.")).to_be_visible()
    harmless(page)
    page.get_by_role("link", name="Set up").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    picture = page.get_by_role("img", name="QR code for an authenticator app")
    assert picture.evaluate("image => image.complete && image.naturalWidth") > 0
    harmless(page)
    secret = page.get_by_label("key", exact=True).inner_text()
    app = Authenticator(data={"secret": encrypt(secret)})
    page.get_by_label("Code").fill(code_of(app))
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_role("heading", name="Keep these codes in a safe place now.")).to_be_visible()
    harmless(page)
    codes = page.get_by_role("list", name="Recovery codes").get_by_role("listitem").all_inner_texts()
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_role("heading", name="Password and code keep your account.")).to_be_visible()
    expect(page.get_by_text("10 left.")).to_be_visible()

    page.get_by_role("button", name="Account of Mira Okafor").click()
    page.get_by_role("button", name="Sign out").click()
    type_password(page, "mira@example.org", PASSWORD)
    expect(page.get_by_role("heading", name="Type the code from your app")).to_be_visible()
    harmless(page)
    page.get_by_label("Code").fill(codes[0])
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"{live_server.url}/profile/")
    expect(page.get_by_text("9 left.")).to_be_visible()
    page.get_by_role("link", name="Switch off").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    harmless(page)
    page.get_by_role("button", name="Switch off").click()
    expect(page.get_by_role("heading", name="Your password alone keeps your account.")).to_be_visible()


def test_where_one_is_signed_in_and_ending_it(
    live_server: Any, new_page: Callable[..., Page], sign_in: Callable[[Page, Any], None]
) -> None:
    user = make_user("mira@example.org", role=VIEWER)
    laptop, phone = new_page(), new_page(viewport={"width": 390, "height": 844})
    for page in (laptop, phone):
        sign_in(page, user)
        page.goto(f"{live_server.url}/profile/")
    harmless(phone)
    laptop.reload()
    expect(laptop.get_by_text("in 2 browsers")).to_be_visible()
    laptop.get_by_role("button", name=re.compile("^End Chrome")).click()
    expect(laptop.get_by_text("in this browser only")).to_be_visible()
    phone.reload()
    expect(phone.get_by_role("heading", name="Sign in")).to_be_visible()
    others = [new_page(), new_page()]
    for page in others:
        sign_in(page, user)
        page.goto(f"{live_server.url}/profile/")
        expect(page.get_by_role("heading", name="Where you are signed in")).to_be_visible()
    laptop.reload()
    laptop.get_by_role("button", name="End all others").click()
    expect(laptop.get_by_text("in this browser only")).to_be_visible()
    for page in others:
        page.reload()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_an_administrator_helps_somebody_in_again(
    live_server: Any, page: Page, sign_in: Callable[[Page, Any], None]
) -> None:
    user = make_user("mira@example.org", name="Mira Okafor", role=VIEWER)
    make_second_factor(user)
    sign_in(page, make_user(role=ADMIN))
    page.goto(f"{live_server.url}/access/people/")
    harmless(page)
    page.get_by_role("link", name="Take the second factor of Mira Okafor away").click()
    harmless(page)
    page.get_by_role("button", name="Take second factor away").click()
    expect(page.get_by_text("Mira Okafor signs in with the password alone.")).to_be_visible()
    expect(page.get_by_role("link", name="Take the second factor of Mira Okafor away")).to_have_count(0)
    page.get_by_role("link", name="New password for Mira Okafor").click()
    page.get_by_role("button", name="Make new password").click()
    expect(page.get_by_label("password", exact=True)).to_be_visible()
    harmless(page)


def test_a_forgotten_password_is_set_anew_by_mail(live_server: Any, page: Page) -> None:
    make_user("mira@example.org", role=VIEWER)
    page.goto(f"{live_server.url}/accounts/login/")
    page.get_by_role("link", name="Forgotten password").click()
    page.get_by_label("Email").fill("mira@example.org")
    page.get_by_role("button", name="Send link").click()
    expect(page.get_by_role("heading", name="The link was sent.")).to_be_visible()
    link = re.search(r"http://\S+", str(mail.outbox[0].body))
    assert link
    page.goto(link[0])
    harmless(page)
    page.get_by_label("New Password", exact=True).fill("a long walk home")
    page.get_by_label("New Password (again)").fill("a long walk home")
    page.get_by_role("button", name="Set password").click()
    page.get_by_role("link", name="Sign in").click()
    type_password(page, "mira@example.org", "a long walk home")
    expect(page).to_have_title("Overview, Bursar")
