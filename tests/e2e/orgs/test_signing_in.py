"""docs/sign-in.md, step by step: the first sign-in, lock-out, the second factor, sessions, help by an administrator."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from types import SimpleNamespace
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


def confirm(page: Page) -> None:
    """Types the password again, as before whatever changes the second factor."""
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()


def sign_out(page: Page, name: str = "Mira Okafor") -> None:
    page.get_by_role("button", name=f"Account of {name}").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def app_of(page: Page) -> Authenticator:
    """What an app makes codes of, once the key on the page is typed into it."""
    return Authenticator(data={"secret": encrypt(page.get_by_label("key", exact=True).inner_text())})


def shown_codes(page: Page) -> list[str]:
    expect(page.get_by_role("heading", name="Keep these codes in a safe place now.")).to_be_visible()
    return page.get_by_role("list", name="Recovery codes").get_by_role("listitem").all_inner_texts()


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
    confirm(page)
    picture = page.get_by_role("img", name="QR code for an authenticator app")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.complete && image.naturalWidth") > 0
    harmless(page)
    app = app_of(page)
    page.get_by_label("Code").fill(code_of(app))
    page.get_by_role("button", name="Switch on").click()
    codes = shown_codes(page)
    harmless(page)
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_role("heading", name="Password and code keep your account.")).to_be_visible()
    expect(page.get_by_text("10 left.")).to_be_visible()

    sign_out(page)
    type_password(page, "mira@example.org", PASSWORD)
    expect(page.get_by_role("heading", name="Type the code from your app")).to_be_visible()
    harmless(page)
    page.get_by_label("Code").fill(codes[0])
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_title("Overview, Bursar")
    page.goto(f"{live_server.url}/profile/")
    expect(page.get_by_text("9 left.")).to_be_visible()

    page.get_by_role("link", name="Make new ones").click()
    confirm(page)
    expect(page.get_by_role("heading", name="Make new recovery codes?")).to_be_visible()
    harmless(page)
    page.get_by_role("button", name="Make new codes").click()
    new = shown_codes(page)
    assert (len(new), set(new) & set(codes)) == (10, set())
    sign_out(page)
    type_password(page, "mira@example.org", PASSWORD)
    page.get_by_label("Code").fill(codes[1])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("This code is wrong or was used before.")).to_be_visible()
    page.get_by_label("Code").fill(new[0])
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_title("Overview, Bursar")

    page.goto(f"{live_server.url}/profile/")
    page.get_by_role("link", name="Switch off").click()
    confirm(page)
    expect(page.get_by_role("heading", name="Switch the second factor off?")).to_be_visible()
    harmless(page)
    page.get_by_role("button", name="Switch off").click()
    expect(page.get_by_role("heading", name="Your password alone keeps your account.")).to_be_visible()


def test_where_a_second_factor_is_required_signing_in_leads_to_setting_it_up(
    live_server: Any, page: Page, settings: Any
) -> None:
    settings.REQUIRE_SECOND_FACTOR = "administrators"
    make_user("mira@example.org", name="Mira Okafor", role=ADMIN)
    make_user("noor@example.org", name="Noor Haddad", role=VIEWER)
    page.goto(f"{live_server.url}/accounts/login/")
    type_password(page, "noor@example.org", PASSWORD)
    expect(page).to_have_title("Overview, Bursar")
    sign_out(page, "Noor Haddad")
    type_password(page, "mira@example.org", PASSWORD)
    confirm(page)
    expect(page.get_by_text("Your organization requires one of you.")).to_be_visible()
    expect(page.get_by_role("link", name="Cancel")).to_have_count(0)
    harmless(page)
    page.goto(f"{live_server.url}/organization/")
    expect(page.get_by_role("heading", name="Set up a second factor.")).to_be_visible()
    app = app_of(page)
    page.get_by_label("Code").fill(code_of(app))
    page.get_by_role("button", name="Switch on").click()
    shown_codes(page)
    page.goto(f"{live_server.url}/organization/")
    expect(page).to_have_title("Aldergrove, Organization, Bursar")
    sign_out(page)
    type_password(page, "mira@example.org", PASSWORD)
    page.get_by_label("Code").fill(code_of(app, 1))
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_title("Overview, Bursar")


def test_five_failures_lock_an_address_for_five_minutes(
    live_server: Any, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_user("mira@example.org", name="Mira Okafor", role=VIEWER)
    make_user("noor@example.org", name="Noor Haddad", role=VIEWER)
    page.goto(f"{live_server.url}/accounts/login/")
    for number in range(5):
        with page.expect_response(lambda answer: answer.request.method == "POST"):
            type_password(page, "mira@example.org", f"wrong {number}")
        expect(page.get_by_text("Address or password is wrong.")).to_be_visible()
    type_password(page, "mira@example.org", PASSWORD)
    expect(page.get_by_text("Too many attempts failed. Wait five minutes before the next one.")).to_be_visible()
    expect(page.get_by_label("Email")).to_have_value("mira@example.org")
    harmless(page)
    type_password(page, "noor@example.org", PASSWORD)
    expect(page).to_have_title("Overview, Bursar")
    sign_out(page, "Noor Haddad")

    later = SimpleNamespace(time=lambda: time.time() + 301, monotonic=time.monotonic, sleep=time.sleep)
    monkeypatch.setattr("allauth.core.internal.ratelimit.time", later)
    type_password(page, "mira@example.org", PASSWORD)
    expect(page).to_have_title("Overview, Bursar")


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

    sign_in(phone, user)
    phone.goto(f"{live_server.url}/profile/")
    laptop.get_by_role("link", name="Change name").click()
    laptop.get_by_role("dialog").get_by_label("Name").fill("Mira Okafor-Lind")
    laptop.get_by_role("button", name="Save name").click()
    expect(laptop.get_by_text("You are signed in as Mira Okafor-Lind")).to_be_visible()
    laptop.get_by_role("link", name="Change password").click()
    laptop.get_by_label("Current Password").fill(PASSWORD)
    laptop.get_by_label("New Password", exact=True).fill("a long walk home")
    laptop.get_by_label("New Password (again)").fill("a long walk home")
    laptop.get_by_role("button", name="Change password").click()
    expect(laptop.get_by_text("Your password was changed.")).to_be_visible()
    phone.reload()
    expect(phone.get_by_role("heading", name="Sign in")).to_be_visible()


def test_an_administrator_helps_somebody_in_again_and_lets_nobody_in(
    live_server: Any, new_page: Callable[..., Page], sign_in: Callable[[Page, Any], None]
) -> None:
    user = make_user("mira@example.org", name="Mira Okafor", role=VIEWER)
    make_second_factor(user)
    admin, mira = new_page(color_scheme="light"), new_page(color_scheme="light")
    sign_in(mira, user)
    mira.goto(f"{live_server.url}/profile/")
    expect(mira.get_by_role("heading", name="Password and code keep your account.")).to_be_visible()
    sign_in(admin, make_user(role=ADMIN))
    admin.goto(f"{live_server.url}/access/people/")
    harmless(admin)
    admin.get_by_role("link", name="Take the second factor of Mira Okafor away").click()
    expect(admin.get_by_role("dialog")).to_be_visible()
    harmless(admin)
    admin.get_by_role("button", name="Take second factor away").click()
    expect(admin.get_by_text("Mira Okafor signs in with the password alone.")).to_be_visible()
    expect(admin.get_by_role("link", name="Take the second factor of Mira Okafor away")).to_have_count(0)
    mira.reload()
    type_password(mira, "mira@example.org", PASSWORD)
    expect(mira.get_by_role("heading", name="Your password alone keeps your account.")).to_be_visible()

    admin.get_by_role("link", name="New password for Mira Okafor").click()
    admin.get_by_role("button", name="Make new password").click()
    password = admin.get_by_label("password", exact=True).inner_text()
    harmless(admin)
    mira.reload()
    type_password(mira, "mira@example.org", password)
    expect(mira.get_by_role("heading", name="Choose a password of your own.")).to_be_visible()

    admin.goto(f"{live_server.url}/access/people/")
    admin.get_by_role("link", name="Deactivate Mira Okafor").click()
    admin.get_by_role("button", name="Deactivate person").click()
    expect(admin.get_by_text("Mira Okafor is let in no more.")).to_be_visible()
    mira.reload()
    type_password(mira, "mira@example.org", password)
    expect(mira.get_by_role("heading", name="This account is switched off.")).to_be_visible()
    harmless(mira)
    mira.get_by_role("link", name="Sign in as somebody else").click()
    expect(mira.get_by_role("heading", name="Sign in")).to_be_visible()
    admin.get_by_role("link", name="Activate Mira Okafor", exact=True).click()
    admin.get_by_role("button", name="Activate person").click()
    expect(admin.get_by_text("Mira Okafor may sign in again.")).to_be_visible()
    type_password(mira, "mira@example.org", password)
    expect(mira.get_by_role("heading", name="Choose a password of your own.")).to_be_visible()


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
