from __future__ import annotations

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.test import Client

from orgs.models import AccessKey, AccessRule, Application, Subject, User
from orgs.services.application import application_create, application_delete, application_update
from orgs.services.group import group_create
from orgs.services.rule import rule_delete
from portal.errors import Refused
from tests.factories import ADMIN, actor_of, make_account, make_application, make_group, make_key, make_rule, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def account() -> None:
    make_account()


def test_an_application_is_a_subject_and_no_person(rf: object) -> None:
    application = application_create(actor=actor_of(), name="Night runs", description="Trains")
    subject = Subject.objects.get(name="Night runs")
    assert (subject.kind, subject.user, subject.title) == (Subject.Kind.APPLICATION, application.user, "Night runs")
    assert application.client_id.startswith("app-")
    assert not application.user.has_usable_password()
    assert application.user not in User.objects.people()


def test_its_name_is_nobody_elses_by_whom_rules_are_given() -> None:
    make_group("readers")
    with pytest.raises(Refused, match="There is a group called “readers” already"):
        application_create(actor=actor_of(), name="readers")
    application = application_create(actor=actor_of(), name="runs")
    with pytest.raises(Refused, match="There is an application called “runs” already"):
        group_create(actor=actor_of(), name="runs")
    with pytest.raises(Refused, match="There is a group called “readers” already"):
        application_update(actor=actor_of(), application=application, name="readers")
    application_update(actor=actor_of(), application=application, name="runs", description="Another")


def test_another_name_is_everywhere() -> None:
    application = make_application("runs")
    application_update(actor=actor_of(), application=application, name="nightly")
    assert Subject.objects.get(user=application.user_id).name == "nightly"
    assert User.objects.get(pk=application.user_id).name == "nightly"


def test_it_goes_with_keys_and_rules() -> None:
    application = make_application(role=ADMIN)
    make_key(application.user)
    application_delete(actor=actor_of(), application=application)
    left = [model.objects.count() for model in (Application, AccessKey, AccessRule, Subject, User)]
    assert left == [0] * 5


def test_it_is_nobodys_last_administrator() -> None:
    """Nobody could sign in as it to let somebody in again."""
    make_application(role=ADMIN)
    rule = make_rule(make_user(), ADMIN, make_account())
    with pytest.raises(Refused, match="last System administrator"):
        rule_delete(actor=actor_of(), rule=rule)


def test_it_takes_the_right_on_the_account() -> None:
    with pytest.raises(PermissionDenied):
        application_create(actor=actor_of(make_user(role="Editor")), name="runs")
    assert application_create(actor=actor_of(make_user(role="Application administrator")), name="runs").pk


def test_nobody_signs_in_as_an_application() -> None:
    application = make_application()
    client = Client()
    answer = client.post("/accounts/login/", {"login": application.client_id, "password": ""})
    assert answer.status_code == 200
    answer = client.post("/accounts/password/reset/", {"email": application.client_id})
    assert answer.status_code == 200, "no e-mail address"
    assert mail.outbox == []
