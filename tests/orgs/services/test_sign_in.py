"""Signing in and out, failures and lock-outs, as the audit log tells of them."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client

from orgs.models import User
from portal.models import AuditEvent
from tests.factories import PASSWORD, make_account, make_second_factor, make_user, signed_in

pytestmark = pytest.mark.django_db

SOMEBODY = "Somebody not signed in"


@pytest.fixture(autouse=True)
def mira() -> User:
    cache.clear()
    make_account()
    return make_user("mira@example.org", "Mira Okafor")


def attempt(email: str, password: str, address: str = "10.4.2.17") -> None:
    Client(REMOTE_ADDR=address).post("/accounts/login/", {"login": email, "password": password})


def told() -> list[tuple[str, str, int | None, str, str]]:
    rows = AuditEvent.objects.order_by("id")
    return list(rows.values_list("action", "actor_name", "entity_id", "entity_name", "address"))


def test_signing_in_and_out(mira: User) -> None:
    client = Client(REMOTE_ADDR="10.4.2.17")
    client.post("/accounts/login/", {"login": "Mira@example.org", "password": PASSWORD})
    client.post("/accounts/logout/")
    assert told() == [
        ("sign in", "Mira Okafor", mira.pk, "Mira Okafor", "10.4.2.17"),
        ("sign out", "Mira Okafor", mira.pk, "Mira Okafor", "10.4.2.17"),
    ]
    assert AuditEvent.objects.filter(actor=mira.subject.pk, unit=make_account().pk).count() == 2


def test_a_failure_names_the_account_but_nobody_did_it(mira: User) -> None:
    attempt("mira@example.org", "wrong")
    assert told() == [("sign in failed", SOMEBODY, mira.pk, "Mira Okafor", "10.4.2.17")]
    assert AuditEvent.objects.get().actor is None


def test_what_was_typed_as_an_address_is_not_kept() -> None:
    attempt("my-Secret.Passw0rd@example.org", "mira@example.org")
    assert told() == [("sign in failed", SOMEBODY, None, "an address nobody has", "10.4.2.17")]
    assert "Passw0rd" not in str(AuditEvent.objects.values().get())


def test_a_lock_out_is_told_once_however_often_it_is_tried(mira: User) -> None:
    for _ in range(9):
        attempt("mira@example.org", "wrong")
    assert [action for action, *_ in told()] == ["sign in failed"] * 5 + ["lock out"]
    assert told()[-1] == ("lock out", SOMEBODY, mira.pk, "Mira Okafor", "10.4.2.17")
    attempt("mira@example.org", PASSWORD, "10.4.2.18")
    assert told()[-1][0] in ("sign in", "lock out")


def test_a_password_typed_wrong_when_it_is_asked_again(mira: User) -> None:
    client = signed_in(mira)
    client.post("/accounts/reauthenticate/", {"password": "wrong"})
    assert [action for action, *_ in told()] == ["sign in", "sign in failed"]


def test_a_wrong_code_of_the_second_factor(mira: User) -> None:
    make_second_factor(mira)
    client = Client(REMOTE_ADDR="10.4.2.17")
    client.post("/accounts/login/", {"login": "mira@example.org", "password": PASSWORD})
    assert told() == [], "not in yet"
    client.post("/accounts/second-factor/code/", {"code": "000000"})
    assert told() == [("sign in failed", SOMEBODY, mira.pk, "Mira Okafor", "10.4.2.17")]
    assert AuditEvent.objects.get().after == {"second_factor": "wrong code"}
