from __future__ import annotations

import re
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from pytest_django.asserts import assertRedirects

from orgs.models import User
from orgs.services.user import user_create
from portal.models import AuditEvent
from tests.factories import PASSWORD, VIEWER, actor_of, make_account, make_rule, make_user, signed_in

pytestmark = pytest.mark.django_db

CHANGE = "/accounts/password/change/"
OWN = {"password1": "a long walk home", "password2": "a long walk home"}


@pytest.fixture(autouse=True)
def no_failures_before() -> None:
    cache.clear()


def without_tokens(page: str) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"|nonce="[^"]+"', "", page)


def sign_in(client: Client, email: str, password: str = PASSWORD) -> int:
    return client.post("/accounts/login/", {"login": email, "password": password}).status_code


def test_by_address_in_any_case_and_password() -> None:
    make_user("mira@example.org", role=VIEWER)
    client = Client()
    assert sign_in(client, "mira@example.org", "wrong") == 200
    assert sign_in(client, "Mira@Example.ORG") == 302
    assert client.get("/organization/").status_code == 200


def test_after_five_failures_an_address_is_locked_whether_or_not_somebody_has_it() -> None:
    make_user("mira@example.org", role=VIEWER)
    pages = []
    for email in ("mira@example.org", "stranger@example.org"):
        client = Client(REMOTE_ADDR=f"192.0.2.{len(pages)}")
        assert [sign_in(client, email, "wrong") for _ in range(5)] == [200] * 5
        data = {"login": email, "password": PASSWORD}
        pages.append(client.post("/accounts/login/", data).content.decode().replace(email, ""))
    assert "Too many attempts failed. Wait five minutes" in pages[0]
    assert without_tokens(pages[0]) == without_tokens(pages[1])
    assert sign_in(Client(REMOTE_ADDR="192.0.2.9"), "mira@example.org") == 200, "from elsewhere neither"


def test_after_twenty_failures_a_computer_is_locked_and_others_are_not() -> None:
    make_user("mira@example.org", role=VIEWER)
    guessing = Client(REMOTE_ADDR="192.0.2.7")
    for number in range(20):
        sign_in(guessing, f"somebody-{number}@example.org", "wrong")
    assert sign_in(guessing, "mira@example.org") == 200
    assert sign_in(Client(REMOTE_ADDR="192.0.2.8"), "mira@example.org") == 302


def test_what_is_said_of_a_wrong_password_and_of_a_stranger_is_the_same() -> None:
    make_user("mira@example.org")
    pages = []
    for email in ("mira@example.org", "stranger@example.org"):
        page = Client().post("/accounts/login/", {"login": email, "password": "wrong"}).content.decode()
        pages.append(without_tokens(page.replace(email, "")))
    assert pages[0] == pages[1]
    assert "Address or password is wrong." in pages[0]


def test_a_made_up_password_is_changed_before_anything_else() -> None:
    make_account()
    new = user_create(actor=actor_of(), email="mira@example.org", name="Mira Okafor")
    make_rule(new.user, VIEWER, make_account())
    client = Client()
    assert sign_in(client, "mira@example.org", new.password) == 302
    assertRedirects(client.get("/organization/"), CHANGE)
    assert client.get("/organization/", headers={"HX-Request": "true"}).headers["HX-Redirect"] == CHANGE
    assert client.post("/settings/people/new/").headers["Location"] == CHANGE
    same = {"oldpassword": new.password, "password1": new.password, "password2": new.password}
    assert "Choose another one" in client.post(CHANGE, same).content.decode()
    assertRedirects(client.post(CHANGE, same | OWN), "/", fetch_redirect_response=False)
    assert client.get("/organization/").status_code == 200
    assert sign_in(Client(), "mira@example.org", OWN["password1"]) == 302
    event = AuditEvent.objects.get(action="change password")
    assert (event.actor_name, event.entity_name) == ("Mira Okafor", "Mira Okafor")


def test_a_new_password_ends_the_sessions_elsewhere() -> None:
    make_user("mira@example.org", role=VIEWER)
    here, elsewhere = Client(), Client()
    sign_in(here, "mira@example.org")
    sign_in(elsewhere, "mira@example.org")
    here.post(CHANGE, {"oldpassword": PASSWORD} | OWN)
    assert here.get("/organization/").status_code == 200
    assert elsewhere.get("/organization/").status_code == 302
    assert [message.subject for message in mail.outbox] == ["Bursar: Password Changed"]


def test_where_passwords_are_off_none_lets_anybody_in(settings: Any) -> None:
    settings.LOCAL_PASSWORDS = False
    make_user("mira@example.org", role=VIEWER)
    client = Client()
    assert sign_in(client, "mira@example.org") == 200
    assert client.get("/organization/").status_code == 302
    signed = signed_in(make_user(role=VIEWER))
    assert [signed.get(url).status_code for url in (CHANGE, "/accounts/password/reset/")] == [404, 404]


def test_who_has_no_password_gets_none_by_mail() -> None:
    user = make_user("mira@example.org")
    user.set_unusable_password()
    user.save()
    Client().post("/accounts/password/reset/", {"email": "mira@example.org"})
    assert "/password/reset/key/" not in str(mail.outbox[0].body)


def test_a_mail_server_that_is_away_keeps_nobody_from_changing_a_password(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    client = signed_in(make_user("mira@example.org", role=VIEWER))
    assert client.post(CHANGE, {"oldpassword": PASSWORD} | OWN).status_code == 302
    assert Client().post("/accounts/password/reset/", {"email": "mira@example.org"}).status_code == 302


def test_a_mailed_link_sets_a_new_password_once() -> None:
    user = make_user("mira@example.org", role=VIEWER)
    Client().post("/accounts/password/reset/", {"email": "mira@example.org"})
    link = re.search(r"http://testserver(\S+)", str(mail.outbox[0].body))
    assert link
    client = Client()
    form = client.get(link[1], follow=True).redirect_chain[-1][0]
    assert client.post(form, OWN, follow=True).redirect_chain[-1][0] == "/accounts/password/reset/key/done/"
    assert sign_in(Client(), "mira@example.org", OWN["password1"]) == 302
    assert "no longer works" in Client().get(link[1], follow=True).content.decode()
    event = AuditEvent.objects.get(action="change password")
    assert (event.actor, event.address) == (user.subject.pk, "127.0.0.1")


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
    answer = client.post("/accounts/login/", {"login": "mira@example.org", "password": PASSWORD}, follow=True)
    assert "This account is switched off." in answer.content.decode()
    assert client.get("/organization/").status_code == 302
    answer = client.post("/accounts/login/", {"login": "mira@example.org", "password": "wrong"})
    assert "Address or password is wrong." in answer.content.decode(), "only its owner is told"


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
