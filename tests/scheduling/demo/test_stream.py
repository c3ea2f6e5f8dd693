"""The stream of work: what is due comes, once, whenever it is looked at; nobody waits for ever; visitors are let be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from orgs.models import OrgUnit
from portal.actor import SYSTEM
from scheduling.demo import stream
from scheduling.demo.cast import CAST, FAILING_NODE, FAILS_EVERY, FAILS_FOR
from scheduling.demo.content import demo_create
from scheduling.models import SimObject, Workload
from scheduling.services.workload import workload_submit

pytestmark = pytest.mark.django_db
GIB = 1024**3


def at(seconds: float, do: Callable[[], int]) -> int:
    """Does it so long after the demo was made: everything becomes older by what is missing to that."""
    begun = OrgUnit.objects.earliest("pk").created_at
    older = timedelta(seconds=seconds) - (timezone.now() - begun)
    OrgUnit.objects.update(created_at=F("created_at") - older)
    Workload.objects.update(created_at=F("created_at") - older, state_since=F("state_since") - older)
    return do()


def names(**which: object) -> set[str]:
    return set(Workload.objects.filter(**which).values_list("name", flat=True))


def test_every_name_is_one_job() -> None:
    assert len({(job.project, job.name) for job in CAST}) == len(CAST)


def test_what_is_due_comes_once_and_again_in_its_next_period() -> None:
    demo_create()
    first = at(1, stream.stream_step)
    assert names() == {job.name for job in CAST if job.at == 0}
    assert first == len(names())
    assert at(2, stream.stream_step) == 0
    for second in range(12, 80, 12):
        at(second, stream.stream_step)
    assert names() == {job.name for job in CAST}
    Workload.objects.filter(name="asr-release").update(is_active=False, state=8, ended_at=timezone.now())
    at(300 + 24, stream.stream_step)
    assert Workload.objects.filter(name="asr-release").count() == 1
    at(300 + 48, stream.stream_step)
    assert Workload.objects.filter(name="asr-release").count() == 2
    assert Workload.objects.filter(name="dedup-global").count() == 1, "still there"


def test_nobody_of_the_stream_waits_for_ever_and_visitors_are_left_alone() -> None:
    demo_create()
    at(1, stream.stream_step)
    chat = OrgUnit.objects.get(name="chat")
    workload_submit(
        actor=SYSTEM, project=chat, kind=2, name="mine", image="python:3.12", cpu_millicores=1000, memory_bytes=GIB
    )
    at(stream.PATIENCE_SECONDS + 120, stream.stream_step)
    stopped = names(desired=Workload.Desired.STOPPED)
    assert stopped == {job.name for job in CAST if job.at == 0}
    Workload.objects.filter(name__in=stopped).update(is_active=False, state=6, ended_at=timezone.now())
    assert at(stream.PATIENCE_SECONDS + 700, stream.stream_step) > 30, "they come again"


def test_a_node_fails_and_returns() -> None:
    demo_create()

    def silent() -> int:
        stream.stream_step()
        return "silent_ms" in SimObject.objects.get(kind=SimObject.Kind.NODE, name=FAILING_NODE).status

    found = [at(second, silent) for second in (1, 60, FAILS_FOR + 1, FAILS_EVERY - 1, FAILS_EVERY + 1)]
    assert found == [True, True, False, False, True]


def test_a_renamed_project_and_a_lost_pool_do_not_end_it() -> None:
    demo_create()
    OrgUnit.objects.filter(name="corpus").update(name="texts")
    at(1, stream.stream_step)
    assert "tokenize-web" not in names()
    assert "chat-console" in names()
