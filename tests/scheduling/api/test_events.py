"""The stream of events: each once and in order, as far as one may see, for as long as one may."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.core.cache import cache
from django.db import connection
from django.test import AsyncClient, Client
from django.utils import timezone

from orgs.models import OrgUnit
from orgs.services.access_key import key_revoke
from portal.api import streams
from scheduling.models import Event, Workload
from tests import factories as make

URL = "/api/v1/workloads/events/"


@pytest.fixture(autouse=True)
def _unused() -> None:
    cache.clear()


@pytest.fixture
def work(project: OrgUnit) -> Workload:
    return make.make_workload("train-1", project)


def told(text: str) -> list[tuple[str, str]]:
    """Workload and code of each event."""
    found = [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]
    return [(one["workload"]["name"], one["code"]) for one in found]


def read(client: Client, last: int | None, more: str = "") -> str:
    headers = {} if last is None else {"Last-Event-ID": str(last)}
    answer = client.get(f"{URL}{more}", headers=headers)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/event-stream")
    text: str = answer.getvalue().decode()
    return text


@pytest.mark.django_db
def test_one_goes_on_after_the_last_event_that_one_has(project: OrgUnit, work: Workload) -> None:
    other = make.make_workload("hidden", make.make_project())
    client = make.signed_in(make.make_user(role=make.RESEARCHER, scope=project))
    first, _, last = (Event.objects.create(workload=one, code="running") for one in (work, other, work))
    begin = read(client, None)
    assert f"id: {last.pk}\n" in begin
    assert told(begin) == [], "from now on"
    assert told(read(client, first.pk)) == [("train-1", "running")]
    before = first.pk - 1
    assert told(read(client, before)) == [("train-1", "running")] * 2
    assert told(read(client, before, f"?workload={other.pk}")) == []
    assert told(read(client, before, f"?project={project.pk}")) == [("train-1", "running")] * 2
    assert client.get(URL, headers={"Last-Event-ID": "x"}).status_code == 400
    assert client.get(f"{URL}?scope={other.project_id}").status_code == 404


@pytest.mark.django_db
def test_what_follows_a_number_that_may_still_come_waits_for_it(work: Workload) -> None:
    client = make.signed_in(make.make_user(role=make.ADMIN))
    first = Event.objects.create(workload=work, code="starting")
    after = Event.objects.create(pk=first.pk + 2, workload=work, code="degraded")
    assert told(read(client, first.pk - 1)) == [("train-1", "starting")]
    Event.objects.create(pk=first.pk + 1, workload=work, code="running")
    assert [code for _, code in told(read(client, first.pk))] == ["running", "degraded"]
    Event.objects.filter(pk=first.pk + 1).delete()
    Event.objects.filter(pk=after.pk).update(at=timezone.now() - timedelta(seconds=11))
    assert told(read(client, first.pk)) == [("train-1", "degraded")], "taken back: it comes no more"


@pytest.fixture
def _fast(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(streams, "LOOK_SECONDS", 0.02)
    return


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_fast")
def test_under_asgi_it_goes_on_until_the_key_is_revoked(project: OrgUnit, work: Workload) -> None:
    new = make.make_key(make.make_user(role=make.RESEARCHER, scope=project))
    begun = Event.objects.create(workload=work, code="running")
    headers = {"Authorization": f"Bearer {new.token}", "Last-Event-ID": str(begun.pk - 1)}

    async def listen() -> str:
        answer = await AsyncClient().get(URL, headers=headers)
        assert answer.status_code == 200, answer.content
        heard = ""
        async for part in answer.streaming_content:
            heard += part.decode()
            if "running" in heard and "stopping" not in heard:
                await Event.objects.acreate(workload=work, code="stopping")
            elif "stopping" in heard:
                await asyncio.to_thread(revoke)
        await sync_to_async(lambda: connection.close())()  # of the thread that wrote the event
        return heard

    def revoke() -> None:
        try:
            key_revoke(actor=make.actor_of(new.key.user), key=new.key)
            Event.objects.create(workload=work, code="stopped")
        finally:
            connection.close()

    heard = asyncio.run(listen())
    assert [code for _, code in told(heard)] == ["running", "stopping"]
    for _ in range(streams.MOST_STREAMS):
        streams._place(new.key.user_id)


@pytest.mark.django_db
def test_so_many_streams_and_no_more() -> None:
    for _ in range(streams.MOST_STREAMS):
        streams._place(7)
    with pytest.raises(streams.Throttled):
        streams._place(7)
    streams._place(8)
