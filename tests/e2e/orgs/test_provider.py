"""docs/sign-in.md, the part on identity providers, against a real one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.core.cache import cache
from django.urls import reverse
from playwright.sync_api import Page, expect

from orgs.models import GroupMember, User
from orgs.services.group import group_create
from portal.models import AuditEvent
from portal.settings.sign_in import sign_in as settings_from
from tests.e2e.conftest import axe, sideways
from tests.factories import ADMIN, PASSWORD, VIEWER, actor_of, make_account, make_user
from tests.harness.servers import free_port
from tests.identity.running import CLIENT_ID, CLIENT_SECRET, identity_provider

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PEOPLE = {
    "mira": {"email": "mira@example.org", "email_verified": True, "name": "Mira Okafor", "groups": ["vision"]},
    "typed": {"email": "ines@example.org", "email_verified": False, "name": "Not Ines"},
    "guest": {"email": "guest@elsewhere.example", "email_verified": True, "name": "Guest"},
}


@pytest.fixture(scope="module")
def port(live_server: Any) -> Iterator[int]:
    """The provider, listening, for all tests of this file."""
    number = free_port()
    way_back = f"/accounts/provider/127-0-0-1-{number}/login/callback/"
    with identity_provider(f"{live_server.url}{way_back}", f"{live_server.url}/accounts/login/", number, PEOPLE):
        yield number


@pytest.fixture(autouse=True)
def organization() -> None:
    cache.clear()
    make_account()


def configure(settings: Any, port: int, **variables: str) -> None:
    """As the example in the docs does."""
    values = {
        "BURSAR_OIDC_ISSUER": f"http://127.0.0.1:{port}",
        "BURSAR_OIDC_CLIENT_ID": CLIENT_ID,
        "BURSAR_OIDC_CLIENT_SECRET": CLIENT_SECRET,
        "BURSAR_OIDC_NAME": "Example ID",
        "BURSAR_OIDC_SCOPES": "openid profile email groups",
        "BURSAR_OIDC_GROUPS_CLAIM": "groups",
    }
    for name, value in settings_from(values | variables).items():
        if name.startswith(("SOCIALACCOUNT_", "IDENTITY_", "LOCAL_")):
            setattr(settings, name, value)


def go_as(page: Page, url: str, person: str) -> None:
    """From Bursar's button to the name at the provider."""
    page.goto(url)
    page.get_by_role("button", name="Sign in with Example ID").click()
    page.get_by_role("button", name=person, exact=True).click()


def test_in_with_the_groups_that_the_provider_names_and_out_again(
    live_server: Any, page: Page, settings: Any, port: int
) -> None:
    configure(settings, port)
    user = make_user("mira@example.org", name="Mira Okafor", role=VIEWER)
    for name in ("vision", "speech"):
        group_create(actor=actor_of(), name=name)
    page.goto(f"{live_server.url}/organization/")
    assert axe(page) == []
    page.get_by_role("button", name="Sign in with Example ID").click()
    expect(page.get_by_role("heading", name="Who are you?")).to_be_visible()
    page.get_by_role("button", name="mira").click()
    page.wait_for_url(f"{live_server.url}/organization/")
    page.get_by_role("button", name="Account of Mira Okafor").click()
    expect(page.get_by_text("mira@example.org")).to_be_visible()
    assert [member.group.name for member in GroupMember.objects.filter(user=user)] == ["vision"]
    assert SocialAccount.objects.get(user=user).extra_data == {}
    assert (
        11 * 3600
        < next(c["expires"] for c in page.context.cookies() if c["name"] == "sessionid") - time.time()
        < 13 * 3600
    )
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign out here too?")).to_be_visible()
    assert "id_token_hint=ey" in page.url, "by the token that it gave, so that it need not ask whom"
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto(f"{live_server.url}/organization/")
    page.get_by_role("button", name="Sign in with Example ID").click()
    expect(page.get_by_role("heading", name="Who are you?")).to_be_visible()
    assert CLIENT_SECRET not in page.content() + str(list(AuditEvent.objects.values()))


def test_who_is_linked_and_has_a_password_unlinks_and_goes_on_with_that(
    live_server: Any, page: Page, settings: Any, port: int
) -> None:
    configure(settings, port)
    user = make_user("mira@example.org", name="Mira Okafor", role=VIEWER)
    go_as(page, f"{live_server.url}/accounts/login/?next=/profile/", "mira")
    linked = page.get_by_role("region", name="Example ID")
    expect(linked).to_be_visible()
    assert (axe(page), sideways(page)) == ([], [])
    linked.get_by_role("link", name="Unlink").click()
    expect(page.get_by_text("Groups that Example ID named are left")).to_be_visible()
    assert axe(page) == []
    page.get_by_role("button", name="Unlink account").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert not SocialAccount.objects.filter(user=user).exists()
    page.get_by_label("Email").fill("mira@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Your password alone keeps your account.")).to_be_visible()
    expect(linked).to_have_count(0)


def test_an_administrator_unlinks_somebody(
    live_server: Any, page: Page, new_page: Callable[..., Page], sign_in: Any, settings: Any, port: int
) -> None:
    configure(settings, port)
    user = make_user("mira@example.org", name="Mira Okafor", role=VIEWER)
    go_as(page, f"{live_server.url}/accounts/login/?next=/profile/", "mira")
    expect(page.get_by_role("region", name="Example ID")).to_be_visible()
    admin = new_page(color_scheme="dark")
    sign_in(admin, make_user(role=ADMIN))
    admin.goto(f"{live_server.url}/access/people/")
    admin.get_by_role("link", name="Unlink Mira Okafor from the identity provider").click()
    expect(admin.get_by_role("heading", name="Unlink Mira Okafor from Example ID?")).to_be_visible()
    assert axe(admin) == []
    admin.get_by_role("button", name="Unlink account").click()
    expect(admin.get_by_text("Mira Okafor is not linked to Example ID any more.")).to_be_visible()
    expect(admin.get_by_role("link", name="Unlink Mira Okafor")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert not SocialAccount.objects.filter(user=user).exists()


@pytest.mark.parametrize(
    ("person", "variables", "why"),
    [
        ("guest", {}, "There is no account for guest@elsewhere.example here."),
        ("typed", {"BURSAR_OIDC_ADMIT_UNKNOWN": "on"}, "has not made sure that the e-mail address is yours."),
        ("guest", {"BURSAR_OIDC_EMAIL_DOMAINS": "example.org"}, "Only addresses of example.org are let in here."),
    ],
)
def test_who_may_not_come_in_reads_why(
    live_server: Any, page: Page, settings: Any, port: int, person: str, variables: dict[str, str], why: str
) -> None:
    configure(settings, port, **variables)
    make_user("ines@example.org", role=VIEWER)
    go_as(page, f"{live_server.url}/accounts/login/", person)
    expect(page.get_by_role("heading", name="You are not let in.")).to_be_visible()
    expect(page.get_by_text(why)).to_be_visible()
    assert axe(page) == []
    assert not SocialAccount.objects.exists()
    page.goto(f"{live_server.url}/organization/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect_failed(page, 403)


def test_somebody_new_comes_in_where_that_is_allowed_and_passwords_are_off(
    live_server: Any, new_page: Callable[..., Page], settings: Any, port: int
) -> None:
    configure(settings, port, BURSAR_OIDC_ADMIT_UNKNOWN="on", BURSAR_LOCAL_PASSWORDS="off")
    make_user("ines@example.org", role=VIEWER)
    page = new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{live_server.url}/accounts/login/")
    expect(page.get_by_label("Password")).to_have_count(0)
    assert (axe(page), sideways(page)) == ([], [])
    go_as(page, f"{live_server.url}/accounts/login/", "mira")
    page.goto(f"{live_server.url}/profile/")
    expect(page.get_by_role("heading", name="Example ID keeps your account.")).to_be_visible()
    assert (axe(page), sideways(page)) == ([], [])
    assert not User.objects.get(email="mira@example.org").has_usable_password()
    answer = page.context.request.get(f"{live_server.url}{reverse('account_reset_password')}")
    assert answer.status == 404


def test_cancelled_at_the_provider(live_server: Any, page: Page, settings: Any, port: int) -> None:
    configure(settings, port)
    go_as(page, f"{live_server.url}/accounts/login/", "Cancel")
    expect(page.get_by_role("heading", name="Signing in was cancelled.")).to_be_visible()


def test_a_provider_that_is_away_leaves_the_passwords(live_server: Any, page: Page, settings: Any) -> None:
    configure(settings, free_port())
    make_user("mira@example.org", role=VIEWER)
    page.goto(f"{live_server.url}/accounts/login/")
    page.get_by_role("button", name="Sign in with Example ID").click()
    expect(page.get_by_role("heading", name="Example ID does not answer.")).to_be_visible()
    assert axe(page) == []
    expect_failed(page, 503)
    page.get_by_role("link", name="Back to signing in").click()
    page.get_by_label("Email").fill("mira@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_title("Overview, Bursar")


def expect_failed(page: Page, status: int) -> None:
    """The browser says so of a page with such a status; everything else it says fails the test."""
    said: list[str] = page.said  # type: ignore[attr-defined]
    assert [line for line in said if str(status) in line]
    said[:] = [line for line in said if str(status) not in line]
