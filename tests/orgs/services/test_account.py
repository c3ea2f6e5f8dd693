from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from orgs.access import may
from orgs.models import OrgUnit, User
from orgs.services.account import account_create
from portal.errors import Refused

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
