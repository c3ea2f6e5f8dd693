"""Cycles that are kept: asked for, listed, taken as files and deleted, by those who may see everything in them."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client

from orgs.models import OrgUnit
from portal.models import AuditEvent
from quotas.models import Pool
from scheduling.models import SavedCycle
from tests import factories as make

pytestmark = pytest.mark.django_db
URL = "/api/v1/saved-cycles/"
JSON = "application/json"


@pytest.fixture(autouse=True)
def _unused() -> None:
    cache.clear()


@pytest.fixture
def client() -> Client:
    return make.signed_in(make.make_user(role=make.ADMIN))


def test_a_wish_is_made_seen_and_taken_back(client: Client, pool: Pool) -> None:
    tried = client.post(f"{URL}?dry_run=true", {"pool": pool.pk}, content_type=JSON)
    assert (tried.status_code, SavedCycle.objects.exists()) == (200, False)
    made = client.post(URL, {"pool": pool.pk, "deciding": True}, content_type=JSON)
    assert made.status_code == 201, made.content
    assert (made.json()["state"], made.json()["cause"], made.json()["deciding"]) == ("wanted", "asked", True)
    assert client.post(URL, {"pool": pool.pk}, content_type=JSON).status_code == 422, "one wish at a time"
    pk = made.json()["id"]
    assert client.get(f"{URL}{pk}/file/").status_code == 404, "not saved yet"
    assert client.delete(f"{URL}{pk}/").status_code == 204
    assert not SavedCycle.objects.exists()


def test_a_file_is_taken_and_that_is_told(client: Client, pool: Pool) -> None:
    saved = make.make_saved_cycle(make.make_cycle(pool, 48211))
    other = make.make_saved_cycle(make.make_cycle(make.make_pool("h100", cluster=pool.cluster), 7))
    rows = client.get(f"{URL}?pool={pool.pk}&cycle=48211&state=saved").json()["items"]
    assert [(row["id"], row["size_bytes"]) for row in rows] == [(saved.pk, saved.size)]
    assert [row["id"] for row in client.get(URL).json()["items"]] == [other.pk, saved.pk], "the newest first"
    answer = client.get(f"{URL}{saved.pk}/file/")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/gzip")
    assert answer["Content-Disposition"] == 'attachment; filename="a100-cycle-48211.json.gz"'
    assert answer.content == bytes(SavedCycle.objects.values_list("content", flat=True).get(pk=saved.pk))
    assert AuditEvent.objects.filter(action="export", entity="savedcycle").count() == 1


def test_whoever_does_not_see_everything_sees_none(project: OrgUnit, pool: Pool) -> None:
    saved = make.make_saved_cycle(make.make_cycle(pool, 48211))
    client = make.signed_in(make.make_user(role=make.RESEARCHER, scope=project))
    assert client.get(URL).json()["items"] == []
    for url in (f"{URL}{saved.pk}/", f"{URL}{saved.pk}/file/"):
        assert client.get(url).status_code == 404
    assert client.post(URL, {"pool": pool.pk}, content_type=JSON).status_code == 403
