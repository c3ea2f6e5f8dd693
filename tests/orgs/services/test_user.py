from __future__ import annotations

from typing import Any

import pytest

from orgs.access import Forbidden
from orgs.models import User
from orgs.services.password import password_reset
from orgs.services.user import user_activate, user_create, user_deactivate
from portal.errors import Refused
from portal.models import AuditEvent
from tests.factories import ADMIN, DEPARTMENT_ADMIN, actor_of, make_account, make_user, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def account() -> None:
    make_account()


def test_a_new_person_has_a_password_a_subject_and_no_rights() -> None:
    new = user_create(actor=actor_of(), email="Mira@Example.org", name=" Mira Okafor ")
    assert (new.user.email, new.user.name) == ("mira@example.org", "Mira Okafor")
    assert new.user.check_password(new.password)
    assert len(new.password) >= 16
    assert new.user.must_change_password
    assert new.user.subject.name == "mira@example.org"
    assert not new.user.subject.rules.exists()
    event = AuditEvent.objects.get(entity="user")
    assert new.password not in str(event.after)


def test_where_passwords_are_off_a_new_person_has_none(settings: Any) -> None:
    settings.LOCAL_PASSWORDS = False
    new = user_create(actor=actor_of(), email="mira@example.org", name="Mira")
    assert (new.password, new.user.has_usable_password(), new.user.must_change_password) == ("", False, False)
    with pytest.raises(Refused, match="identity provider"):
        password_reset(actor=actor_of(), user=new.user)


def test_two_passwords_are_never_alike() -> None:
    passwords = {user_create(actor=actor_of(), email=f"p{n}@example.org", name="P").password for n in range(5)}
    assert len(passwords) == 5


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("email", {"email": "taken@EXAMPLE.org"}),
        ("email", {"email": "nonsense"}),
        ("name", {"name": ""}),
        ("name", {"name": "x" * 121}),
        ("name", {"name": "a\x00"}),
        ("password", {"password": "short"}),
        ("password", {"password": "12345678"}),
    ],
)
def test_refusals_name_the_field(field: str, values: dict[str, Any]) -> None:
    make_user("taken@example.org")
    arguments: dict[str, Any] = {"email": "new@example.org", "name": "New"} | values
    with pytest.raises(Refused) as refusal:
        user_create(actor=actor_of(), **arguments)
    assert list(refusal.value.message_dict) == [field]
    assert User.objects.count() == 1


def test_only_who_administers_the_account_makes_people() -> None:
    with pytest.raises(Forbidden):
        user_create(actor=actor_of(make_user(role=DEPARTMENT_ADMIN)), email="new@example.org", name="New")
    assert user_create(actor=actor_of(make_user(role=ADMIN)), email="new@example.org", name="New")


def test_a_deactivated_person_is_out_with_the_next_request_and_may_come_back() -> None:
    admin = actor_of(make_user(role=ADMIN))
    user = make_user(role=DEPARTMENT_ADMIN)
    client = signed_in(user)
    assert client.get("/accounts/password/change/").status_code == 200
    user_deactivate(actor=admin, user=user)
    assert client.get("/accounts/password/change/").status_code == 302
    assert not client.login(email=user.email, password="correct horse battery")
    user_activate(actor=admin, user=user)
    assert User.objects.get(pk=user.pk).is_active
    assert client.get("/accounts/password/change/").status_code == 302, "sessions from before are over"


def test_twice_is_written_once() -> None:
    user = make_user()
    user_deactivate(actor=actor_of(), user=user)
    user_deactivate(actor=actor_of(), user=user)
    assert AuditEvent.objects.filter(entity="user").count() == 1


def test_the_last_administrator_and_oneself_stay() -> None:
    admin = make_user(role=ADMIN)
    with pytest.raises(Refused, match="cannot deactivate yourself"):
        user_deactivate(actor=actor_of(admin), user=admin)
    with pytest.raises(Refused, match="last System administrator"):
        user_deactivate(actor=actor_of(), user=admin)
    assert User.objects.get(pk=admin.pk).is_active
