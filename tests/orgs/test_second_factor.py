from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client
from pytest_django.asserts import assertRedirects

from orgs.access import Forbidden
from orgs.models import Role
from orgs.services.second_factor import second_factor_reset
from portal.errors import Refused
from portal.models import AuditEvent
from tests.factories import (
    ADMIN,
    PASSWORD,
    VIEWER,
    actor_of,
    code_of,
    make_account,
    make_rule,
    make_second_factor,
    make_user,
    signed_in,
)

pytestmark = pytest.mark.django_db

LOGIN = "/accounts/login/"
CODE = "/accounts/second-factor/code/"
ON = "/accounts/second-factor/on/"
OFF = "/accounts/second-factor/off/"
CODES = "/accounts/second-factor/codes/"
AGAIN = "/accounts/reauthenticate/"


@pytest.fixture(autouse=True)
def no_failures_before() -> None:
    cache.clear()


def with_password(email: str) -> Client:
    client = Client()
    client.post(LOGIN, {"login": email, "password": PASSWORD})
    return client


def confirmed(client: Client) -> Client:
    """Who typed the password again just now."""
    assert client.post(AGAIN, {"password": PASSWORD}).status_code == 302
    return client


def inside(client: Client) -> bool:
    return client.get("/profile/").status_code == 200


def test_the_password_alone_is_not_enough() -> None:
    authenticator = make_second_factor(make_user("mira@example.org"))
    client = Client()
    answer = client.post(LOGIN, {"login": "mira@example.org", "password": PASSWORD})
    assertRedirects(answer, CODE)
    assert not inside(client)
    assert "This code is wrong" in client.post(CODE, {"code": "000000"}).content.decode()
    assert client.post(CODE, {"code": code_of(authenticator)}).status_code == 302
    assert inside(client)


@pytest.mark.parametrize(("steps", "works"), [(-2, False), (-1, True), (1, True), (2, False)])
def test_a_clock_may_be_half_a_minute_wrong(steps: int, works: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    authenticator = make_second_factor(make_user("mira@example.org"))
    monkeypatch.setattr("time.time", lambda: 1_900_000_015.0)
    client = with_password("mira@example.org")
    client.post(CODE, {"code": code_of(authenticator, steps)})
    assert inside(client) == works


def test_a_code_signs_in_once() -> None:
    authenticator = make_second_factor(make_user("mira@example.org"))
    code = code_of(authenticator)
    first, second = with_password("mira@example.org"), with_password("mira@example.org")
    first.post(CODE, {"code": code})
    second.post(CODE, {"code": f" {code[:3]} {code[3:]}"})
    assert (inside(first), inside(second)) == (True, False)


def test_guessing_codes_locks() -> None:
    authenticator = make_second_factor(make_user("mira@example.org"))
    client = with_password("mira@example.org")
    for _ in range(5):
        client.post(CODE, {"code": "000000"})
    page = client.post(CODE, {"code": code_of(authenticator)})
    assert "Too many attempts failed" in page.content.decode()
    assert not inside(client)


def test_it_is_switched_on_with_a_code_and_shows_recovery_codes_once() -> None:
    user = make_user("mira@example.org")
    client = with_password("mira@example.org")
    assertRedirects(client.get(ON), f"{AGAIN}?next={ON}")
    page = confirmed(client).get(ON).content.decode()
    assert 'src="data:image/svg+xml;base64,' in page
    assert "style=" not in page
    assert client.post(ON, {"code": "000000"}).status_code == 200
    secret = client.session["mfa.totp.secret"]
    assertRedirects(client.post(ON, {"code": code_for(secret)}), CODES, fetch_redirect_response=False)
    authenticator = Authenticator.objects.get(user=user, type="totp")
    assert secret not in str(authenticator.data)
    codes = re.findall(r"<li><code>(\d{8})</code>", client.get(CODES).content.decode())
    assert len(codes) == 10
    assert codes[0] not in client.get(CODES).content.decode()
    assert AuditEvent.objects.get(action="update").after == {"second_factor": True}
    assert not any(word in str(list(AuditEvent.objects.values())) for word in [secret, *codes])

    lost_phone = with_password("mira@example.org")
    lost_phone.post(CODE, {"code": codes[3]})
    again = with_password("mira@example.org")
    again.post(CODE, {"code": codes[3]})
    assert (inside(lost_phone), inside(again)) == (True, False)


def code_for(secret: str) -> str:
    from orgs.secrets import encrypt

    return code_of(Authenticator(data={"secret": encrypt(secret)}))


def test_it_is_switched_off_by_who_confirms() -> None:
    user = make_user("mira@example.org")
    authenticator = make_second_factor(user)
    client = with_password("mira@example.org")
    client.post(CODE, {"code": code_of(authenticator)})
    assert client.post(OFF).headers["Location"].startswith(AGAIN)
    assert Authenticator.objects.filter(user=user).exists()
    confirmed(client).post(OFF)
    assert not Authenticator.objects.filter(user=user).exists()
    assert AuditEvent.objects.get(action="update").after == {"second_factor": False}
    assert inside(with_password("mira@example.org"))


def test_new_recovery_codes_end_the_old_ones() -> None:
    user = make_user("mira@example.org")
    authenticator = make_second_factor(user)
    client = with_password("mira@example.org")
    client.post(CODE, {"code": code_of(authenticator)})
    confirmed(client)
    old = re.findall(r"<li><code>(\d{8})</code>", client.get(CODES).content.decode())
    assertRedirects(client.post(f"{CODES}new/"), CODES, fetch_redirect_response=False)
    new = re.findall(r"<li><code>(\d{8})</code>", client.get(CODES).content.decode())
    assert len(old) == len(new) == 10
    assert not set(old) & set(new)
    assert AuditEvent.objects.get(action="update").after == {"recovery_codes": "new ones"}


@pytest.mark.parametrize(
    ("required_of", "sent"),
    [("none", {"/profile/"}), ("administrators", {ON, "/profile/"}), ("all", {ON})],
)
def test_who_has_to_set_one_up(required_of: str, sent: set[str], settings: Any) -> None:
    settings.REQUIRE_SECOND_FACTOR = required_of
    found = {}
    for role in (ADMIN, VIEWER):
        answer = signed_in(make_user(role=role)).get("/profile/")
        found[role] = answer.headers.get("Location", "/profile/")
    assert set(found.values()) == sent
    assert required_of != "administrators" or found[ADMIN] == ON


def test_who_has_one_passes(settings: Any) -> None:
    settings.REQUIRE_SECOND_FACTOR = "all"
    user = make_user()
    make_second_factor(user)
    assert inside(signed_in(user))


def test_an_administrator_takes_it_away() -> None:
    admin, user = make_user(role=ADMIN), make_user("mira@example.org", role=VIEWER)
    make_second_factor(user)
    elsewhere = signed_in(user)
    assert inside(elsewhere)
    client = signed_in(admin)
    client.post(f"/settings/people/{user.pk}/second-factor/")
    assert inside(with_password("mira@example.org"))
    assert not inside(elsewhere)
    event = AuditEvent.objects.get(action="update")
    assert (event.actor, event.before, event.after) == (
        admin.subject.pk,
        {"second_factor": True},
        {"second_factor": False},
    )
    page = client.post(f"/settings/people/{user.pk}/second-factor/")
    assert page.status_code == 422
    assert "has no second factor" in page.content.decode()


def test_nobody_takes_it_from_who_may_more_or_from_oneself() -> None:
    helpers = Role.objects.create(name="Helper")
    for permission in ("user:update", "access_rule:create"):
        helpers.permissions.create(permission=permission)
    admin, helper = make_user(role=ADMIN), make_user()
    make_rule(helper, "Helper", make_account())
    make_second_factor(admin)
    make_second_factor(helper)
    with pytest.raises(Forbidden, match="System administrator holds"):
        second_factor_reset(actor=actor_of(helper), user=admin)
    with pytest.raises(Refused, match="your own"):
        second_factor_reset(actor=actor_of(helper), user=helper)
    assert Authenticator.objects.filter(type="totp").count() == 2
