from __future__ import annotations

import pytest
from django.core import mail
from django.test import Client
from pytest_django.asserts import assertRedirects

from orgs.models import User
from tests.factories import PASSWORD, VIEWER, make_user

pytestmark = pytest.mark.django_db


def sign_in(client: Client, email: str, password: str = PASSWORD) -> int:
    return client.post("/accounts/login/", {"login": email, "password": password}).status_code


def test_by_address_in_any_case_and_password() -> None:
    make_user("mira@example.org", role=VIEWER)
    client = Client()
    assert sign_in(client, "mira@example.org", "wrong") == 200
    assert sign_in(client, "Mira@Example.ORG") == 302
    assert client.get("/organization/").status_code == 200


def test_one_comes_back_to_where_one_wanted_to_go() -> None:
    make_user("mira@example.org", role=VIEWER)
    client = Client()
    assertRedirects(client.get("/organization/?unit=1"), "/accounts/login/?next=/organization/%3Funit%3D1")
    assert client.get("/organization/", headers={"HX-Request": "true"}).headers["HX-Redirect"] == "/accounts/login/"


def test_nobody_else_is_sent_elsewhere_afterwards() -> None:
    make_user("mira@example.org", role=VIEWER)
    data = {"login": "mira@example.org", "password": PASSWORD, "next": "https://evil.example/"}
    assert Client().post("/accounts/login/", data).headers["Location"] == "/"


def test_inactive_people_stay_out() -> None:
    user = make_user("mira@example.org")
    User.objects.filter(pk=user.pk).update(is_active=False)
    client = Client()
    sign_in(client, "mira@example.org")
    assert client.get("/organization/").status_code == 302


def test_nobody_signs_up() -> None:
    data = {"email": "new@example.org", "password1": PASSWORD, "password2": PASSWORD}
    assert Client().post("/accounts/signup/", data).status_code == 404
    assert not User.objects.exists()


def test_a_reset_does_not_say_who_has_an_account() -> None:
    make_user("mira@example.org")
    answers = []
    for email in ("mira@example.org", "stranger@example.org"):
        response = Client().post("/accounts/password/reset/", {"email": email}, follow=True)
        page = response.content.decode().replace(email, "")
        answers.append((response.status_code, response.redirect_chain, len(page)))
    assert answers[0] == answers[1]
    assert [message.to for message in mail.outbox] == [["mira@example.org"], ["stranger@example.org"]]


def test_a_person_without_subject_or_rules_meets_no_error() -> None:
    user = User.objects.create(email="bare@example.org", name="Bare")
    client = Client()
    client.force_login(user)
    assert client.get("/organization/").status_code == 404
    assert client.get("/accounts/password/change/").status_code == 200
