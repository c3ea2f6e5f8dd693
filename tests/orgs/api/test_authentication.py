"""Who is let in to the API, and with which rights."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from orgs.models import AccessKey, AccessKeyUse, User
from portal.models import AuditEvent
from tests.factories import (
    ADMIN,
    RESEARCHER,
    make_account,
    make_application,
    make_department,
    make_key,
    make_project,
    make_user,
    signed_in,
    with_key,
)

pytestmark = pytest.mark.django_db
PROJECTS = "/api/v1/projects/"


@pytest.fixture(autouse=True)
def _unused() -> None:
    cache.clear()


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [item["name"] for item in answer.json()["items"]]


def test_a_key_does_what_its_owner_may_within_its_limits() -> None:
    department = make_department()
    one, other = make_project("one", department), make_project("other", department)
    admin = make_user(role=ADMIN)
    assert names(with_key(make_key(admin)).get(PROJECTS)) == ["one", "other"]
    limited = with_key(make_key(admin, scope=one, permissions=["project:read", "project:update"]))
    assert names(limited.get(PROJECTS)) == ["one"]
    send = {"data": {"description": "x"}, "content_type": "application/json"}
    assert limited.patch(f"{PROJECTS}{one.pk}/", **send).status_code == 200
    assert limited.patch(f"{PROJECTS}{other.pk}/", **send).status_code == 404
    assert limited.delete(f"{PROJECTS}{one.pk}/").status_code == 403
    assert limited.get("/api/v1/departments/").status_code == 404
    refusal = AuditEvent.objects.get(action="refuse")
    assert refusal.actor_name == admin.name, "who came with a key is told, too"


def test_a_key_that_does_not_work_says_why_and_nothing_of_itself() -> None:
    mira = make_user(role=RESEARCHER, scope=make_project())
    ended = make_key(mira, expiry=timezone.now() - timedelta(seconds=1))
    revoked = make_key(mira)
    AccessKey.objects.filter(pk=revoked.key.pk).delete()
    off = make_key(make_user())
    User.objects.filter(pk=off.key.user_id).update(is_active=False)
    for new, why in ((ended, "has ended"), (revoked, "no such key"), (off, "may not come in")):
        answer = with_key(new).get(PROJECTS)
        assert answer.status_code == 401
        assert why in answer.json()["detail"]
        assert answer["WWW-Authenticate"] == "Bearer"
        assert new.token not in answer.content.decode()
    works = make_key(mira)
    assert with_key(works).get(PROJECTS).status_code == 200
    longer = Client(headers={"Authorization": f"Bearer {works.token}0"})
    assert longer.get(PROJECTS).status_code == 401


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer a b", "Bearer \udcff", "Basic", "Basic !", "Basic OnNlY3JldA==", "Token x"]
)
def test_what_is_no_key_at_all(header: str) -> None:
    answer = Client().get(PROJECTS, headers={"Authorization": header.encode(errors="replace").decode("latin-1")})
    assert answer.status_code == 401


def test_an_application_comes_with_client_id_and_key() -> None:
    application = make_application("runs", ADMIN)
    make_project("one")
    new = make_key(application.user)

    def basic(client_id: str) -> Client:
        return Client(headers={"Authorization": f"Basic {b64encode(f'{client_id}:{new.token}'.encode()).decode()}"})

    assert names(basic(application.client_id).get(PROJECTS)) == ["one"]
    assert names(with_key(new).get(PROJECTS)) == ["one"]
    assert basic(make_application().client_id).get(PROJECTS).status_code == 401
    made = with_key(new).post(
        "/api/v1/clusters/", {"name": "south", "mode": "simulated"}, content_type="application/json"
    )
    assert made.status_code == 201
    assert AuditEvent.objects.filter(actor=application.user.subject.pk, action="create").exists()


def test_where_a_key_was_last_used_is_written_once_a_minute() -> None:
    new = make_key(make_user(role=RESEARCHER, scope=make_project()))
    client = with_key(new)
    client.get(PROJECTS, REMOTE_ADDR="192.0.2.7")
    first = AccessKeyUse.objects.get()
    assert (first.key, first.address) == (new.key, "192.0.2.7")
    client.get(PROJECTS, REMOTE_ADDR="192.0.2.8")
    assert AccessKeyUse.objects.get().address == "192.0.2.7"
    cache.clear()  # another process's, say: the row tells it too
    client.get(PROJECTS, REMOTE_ADDR="192.0.2.8")
    assert AccessKeyUse.objects.get().address == "192.0.2.7"
    AccessKeyUse.objects.update(at=timezone.now() - timedelta(seconds=61))
    client.get(PROJECTS, REMOTE_ADDR="192.0.2.8")
    assert AccessKeyUse.objects.get().address == "192.0.2.8"


def test_a_browser_is_let_in_protected_against_forged_requests() -> None:
    make_account()
    admin = make_user(role=ADMIN)
    assert signed_in(admin).get(PROJECTS).status_code == 200
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin)
    send = {"data": {"name": "south", "mode": "simulated"}, "content_type": "application/json"}
    assert client.post("/api/v1/clusters/", **send).status_code == 403
    assert with_key(make_key(admin)).post("/api/v1/clusters/", **send).status_code == 201


def test_a_browser_does_first_things_first() -> None:
    admin = make_user(role=ADMIN)
    User.objects.filter(pk=admin.pk).update(must_change_password=True)
    answer = signed_in(admin).get(PROJECTS)
    assert answer.status_code == 403
    assert "something to do first" in answer.json()["detail"]


def test_nobody_is_sent_to_a_page() -> None:
    answer = Client().get(PROJECTS)
    assert answer.status_code == 401
    assert answer.json()["type"] == "urn:bursar:problem:not-signed-in"
