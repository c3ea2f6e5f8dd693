from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from orgs.access import may
from orgs.models import AccessRule, OrgUnit, User
from orgs.services.account import account_create, administrator_restore
from portal.errors import Refused
from portal.models import AuditEvent
from tests.factories import ADMIN, PASSWORD, make_account, make_rule, make_second_factor, make_user, signed_in

pytestmark = pytest.mark.django_db


def test_the_first_administrator_may_everything() -> None:
    first = account_create(name="Halden Labs", email="ana@example.org", person="Ana Krol")
    account = OrgUnit.objects.get()
    assert (account.name, account.path) == ("Halden Labs", f"/{account.pk}/")
    assert first.user.check_password(first.password)
    assert may(first.user, "create", "cluster", account)


def test_there_is_one_account() -> None:
    account_create(name="Halden Labs", email="ana@example.org", person="Ana Krol")
    with pytest.raises(Refused, match="already"):
        account_create(name="Another", email="bo@example.org", person="Bo")
    assert not User.objects.filter(email="bo@example.org").exists()


def test_the_command_prints_what_to_sign_in_with() -> None:
    out = StringIO()
    call_command("account_create", "Halden Labs", "ana@example.org", "Ana Krol", stdout=out)
    assert User.objects.get().check_password(out.getvalue().split()[-1])
    with pytest.raises(CommandError, match="already"):
        call_command("account_create", "Halden Labs", "ana@example.org", "Ana Krol")


def restored(*arguments: str) -> str:
    """What the command says."""
    out = StringIO()
    call_command("administrator_restore", *arguments, stdout=out)
    return out.getvalue().strip()


def test_who_is_lost_is_let_in_again_and_everybody_reads_of_it() -> None:
    account, user = make_account(), make_user("ana@example.org", name="Ana Krol")
    make_rule(user, ADMIN, account, expires_at=timezone.now() + timedelta(days=1))
    make_second_factor(user)
    elsewhere = signed_in(user)
    assert elsewhere.get("/profile/").status_code == 200
    User.objects.filter(pk=user.pk).update(is_active=False)
    said = restored("Ana@Example.org")
    assert said.startswith("ana@example.org is System administrator and signs in with the password ")
    cache.clear()
    client = Client()
    client.post("/accounts/login/", {"login": "ana@example.org", "password": said.split()[-1]})
    assert client.get("/access/").headers["Location"] == "/accounts/password/change/"
    assert AccessRule.objects.get().expires_at is None
    assert not Authenticator.objects.exists()
    assert elsewhere.get("/profile/").status_code == 302
    told = AuditEvent.objects.filter(actor_name="Operator (manage.py)").order_by("pk")
    assert [(event.action, event.entity) for event in told] == [
        ("update", "user"),
        ("update", "user"),
        ("reset password", "user"),
        ("update", "accessrule"),
    ]
    assert said.split()[-1] not in str(list(AuditEvent.objects.values()))


def test_somebody_new_becomes_the_administrator() -> None:
    make_account()
    said = restored("bo@example.org", "--name", "Bo Lind")
    user = User.objects.get()
    assert (user.name, user.check_password(said.split()[-1]), user.must_change_password) == ("Bo Lind", True, True)
    assert may(user, "create", "cluster", make_account())
    assert [event.actor_name for event in AuditEvent.objects.all()] == ["Operator (manage.py)"] * 2


def test_who_is_administrator_already_gets_a_new_password_only() -> None:
    user = make_user("ana@example.org", role=ADMIN)
    new = administrator_restore(email="ana@example.org")
    assert (new.user.check_password(PASSWORD), new.user.check_password(new.password)) == (False, True)
    assert AccessRule.objects.get().subject == user.subject


def test_where_passwords_are_off_the_identity_provider_lets_in(settings: Any) -> None:
    settings.LOCAL_PASSWORDS = False
    make_account()
    make_user("ana@example.org")
    assert (
        restored("ana@example.org") == "ana@example.org is System administrator and signs in by the identity provider"
    )


def test_without_an_account_or_address_there_is_nothing_to_restore() -> None:
    with pytest.raises(CommandError, match="account_create"):
        restored("ana@example.org")
    make_account()
    with pytest.raises(CommandError, match="address"):
        restored("not an address")
