"""How much is left is told with every answer; beyond it nothing is done, for those neither who are not let in."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.core.cache import cache
from django.test import Client
from rest_framework.settings import api_settings

from portal.api import throttling
from tests.factories import make_key, with_key
from tests.world import World, make_world

pytestmark = pytest.mark.django_db
NAMES = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
RATES = api_settings.DEFAULT_THROTTLE_RATES


@pytest.fixture(autouse=True)
def _within_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()
    monkeypatch.setattr(throttling, "time", SimpleNamespace(time=lambda: 1_000_000_030.0))


@pytest.fixture
def world() -> World:
    return make_world()


def test_every_kind_of_answer_tells_it(world: World) -> None:
    client = with_key(make_key(world.people["researcher"]))
    stranger = Client(headers={"Authorization": "Bearer bursar_nonsense"})
    work = f"/api/v1/workloads/{world.workload.pk}"
    json = {"content_type": "application/json"}
    answers = {
        200: [
            client.get("/api/v1/projects/"),
            client.get("/api/v1/schema/"),
            client.get("/api/v1/workloads/events/"),
            client.get(f"{work}/logs/?follow=true"),
            client.get(f"{work}/explain/"),
        ],
        201: [Client().post("/api/v1/device/", {"name": "laptop"}, **json)],
        204: [client.delete(f"{work}/", **json)],
        400: [client.get("/api/v1/projects/?colour=red")],
        401: [Client().get("/api/v1/projects/"), stranger.get("/api/v1/projects/"), stranger.get("/api/v1/schema/")],
        403: [client.delete(f"/api/v1/projects/{world.project.pk}/", **json)],
        404: [client.get(f"/api/v1/projects/{world.elsewhere.pk}/")],
        405: [client.put("/api/v1/projects/", {}, **json)],
        412: [client.patch(f"/api/v1/access-keys/{world.key.pk}/", {}, headers={"If-Match": "x"}, **json)],
        415: [client.post("/api/v1/workloads/", "name", content_type="text/plain")],
        422: [client.post("/api/v1/workloads/", {}, **json)],
    }
    for status, found in answers.items():
        for answer in found:
            assert answer.status_code == status, answer.content
            assert all(answer[name].isdecimal() for name in NAMES), answer.request["PATH_INFO"]


def test_beyond_it_is_429_with_the_time_to_wait(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RATES, "read", "2/min")
    client = with_key(make_key(world.people["researcher"]))
    urls = ("/api/v1/projects/", "/api/v1/schema/", "/api/v1/workloads/events/")
    assert [client.get(url).status_code for url in urls] == [200, 200, 429]
    refused = client.get(urls[0])
    assert (refused.status_code, refused.json()["type"]) == (429, "urn:bursar:problem:too-many-requests")
    assert 0 < int(refused["Retry-After"]) <= 61
    assert (refused["RateLimit-Limit"], refused["RateLimit-Remaining"]) == ("2", "0")
    other = with_key(make_key(world.people["admin"]))
    assert other.get(urls[0]).status_code == 200, "each caller's own"


def test_keys_cannot_be_tried_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RATES, "read", "3/min")
    tried = [Client(headers={"Authorization": f"Bearer bursar_{number}"}).get("/api/v1/whoami/") for number in range(4)]
    assert [answer.status_code for answer in tried] == [401, 401, 401, 429]
