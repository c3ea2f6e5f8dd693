"""The production server with many streams open: it answers as ever, and they hold no connections to the database. Nor
does each request make one to Redis."""

from __future__ import annotations

import http.client
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from redis import Redis

from scheduling.models import Event
from tests import factories as make
from tests.harness.production import production, wait_until_up, web
from tests.harness.servers import free_port

STREAMS, OF_EACH = 52, 4
MOST_CONNECTIONS = 8
CALLS, LONGEST_SECONDS = 20, 5.0

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    of = connection.settings_dict
    database = f"postgres://{of['USER']}:{of['PASSWORD']}@{of['HOST']}:{of['PORT']}/{of['NAME']}"
    environment = production(database, settings.CELERY_BROKER_URL) | {"BURSAR_DATA": str(tmp_path)}
    (tmp_path / "static").mkdir()
    port = free_port()
    server = web(port, environment=os.environ | environment | {"PGAPPNAME": "bursar-streams"})
    try:
        wait_until_up(port)
        yield port
    finally:
        server.terminate()
        server.wait(timeout=20)


def asked(port: int, path: str, token: str) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    client.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    return client, client.getresponse()


def connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from pg_stat_activity where application_name = 'bursar-streams'")
        found: int = cursor.fetchone()[0]
    return found


def connections_to_redis() -> int:
    """Since it started."""
    with Redis.from_url(settings.CELERY_BROKER_URL) as redis:
        return int(redis.info("stats")["total_connections_received"])


def heard(answer: Any, word: bytes) -> None:
    """Reads on until it is said; the connection's time limit ends it."""
    while word not in answer.readline():
        pass


def test_many_idle_streams_leave_the_api_answering(port: int) -> None:
    project = make.make_project("vision")
    work = make.make_workload("train-1", project)
    people = [make.make_user(role=make.RESEARCHER, scope=project) for _ in range(STREAMS // OF_EACH)]
    keys = [make.make_key(person).token for person in people]
    open_ones = [asked(port, "/api/v1/workloads/events/", key) for key in keys for _ in range(OF_EACH)]
    try:
        assert {answer.status for _, answer in open_ones} == {200}
        for _, answer in open_ones:
            heard(answer, b"id: ")
        slowest, before = 0.0, connections_to_redis()
        for number in range(CALLS):
            begun = time.monotonic()
            client, answer = asked(port, f"/api/v1/workloads/{work.pk}/", keys[number % len(keys)])
            assert (answer.status, b"train-1" in answer.read()) == (200, True)
            client.close()
            slowest = max(slowest, time.monotonic() - begun)
        assert slowest < LONGEST_SECONDS
        assert connections_to_redis() - before < CALLS // 2
        assert connections() <= MOST_CONNECTIONS
        _, fifth = asked(port, "/api/v1/workloads/events/", keys[0])
        assert fifth.status == 429
        Event.objects.create(workload=work, code="running")
        for _, answer in open_ones:
            heard(answer, b"event: running")
    finally:
        for client, _ in open_ones:
            client.close()
