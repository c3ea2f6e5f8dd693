"""From submitting to the end, through the real loops in threads on a simulated cluster."""

from __future__ import annotations

from collections import Counter

import pytest
from django.conf import settings
from django.db import connection

from portal.models import AuditEvent, Lease
from quotas.models import PoolSummary, UnitUsage
from scheduling.models import CycleReport, Decision, Event, Pod, SimObject, Workload
from scheduling.services.workload_rules import PodGroup
from tests.cluster.waiting import eventually
from tests.factories import make_quota

from .world import GIB, World

pytestmark = pytest.mark.django_db(transaction=True)
State = Workload.State


def state_of(workload: Workload) -> int:
    return Workload.objects.values_list("state", flat=True).get(pk=workload.pk)


def test_a_workload_runs_and_completes() -> None:
    world = World()
    project = world.project()
    with world.running():
        workload = world.submit(project, "short", devices=2, pods=2, run_seconds=2)
        eventually(lambda: state_of(workload) == State.RUNNING)
        pods = list(Pod.objects.filter(workload=workload).select_related("node", "charged_pool"))
        assert [pod.charged_pool for pod in pods] == [world.pool, world.pool]
        assert all(len(pod.devices.split(",")) == 2 for pod in pods)
        usage = UnitUsage.objects.get(unit=project, pool=world.pool)
        assert (usage.gpu_milli, usage.over_gpu_milli) == (4000, 4000)
        eventually(lambda: state_of(workload) == State.COMPLETED)

    workload.refresh_from_db()
    assert not workload.is_active
    assert workload.allocated_gpu_milli == 0
    assert workload.started_at is not None
    assert workload.ended_at is not None
    codes = list(Event.objects.filter(workload=workload).order_by("id").values_list("code", flat=True))
    assert codes == ["submitted", "starting", "running", "completed"]
    places = Decision.objects.filter(kind=Decision.Kind.PLACE)
    assert Counter(places.values_list("state", flat=True)) == {Decision.State.OBSERVED: 2}
    assert places.filter(epoch=1, cycle__gt=0).count() == 2
    bound = SimObject.objects.filter(kind=SimObject.Kind.POD).values_list("status__decision", flat=True)
    assert sorted(bound) == sorted(places.values_list("pk", flat=True))
    report = CycleReport.objects.get(pool=world.pool)
    assert report.counts["places"] == 2
    assert set(report.timings) == {"snapshot", "decide", "record"}
    assert PoolSummary.objects.get(pool=world.pool).free_slots["4"] >= 1
    assert set(Lease.objects.values_list("holder", flat=True)) == {""}, "a warm stop gives every lease back"


def test_a_quota_is_taken_back_from_who_borrowed_it() -> None:
    world = World()
    owner, borrower = world.project("owner"), world.project("borrower")
    make_quota(owner, world.pool, gpus=4)
    make_quota(borrower, world.pool, gpus=4)
    with world.running():
        lent = [world.submit(borrower, f"lent-{number}", devices=4) for number in range(2)]
        eventually(lambda: all(state_of(item) == State.RUNNING for item in lent))
        wanted = world.submit(owner, "wanted", devices=4)
        eventually(lambda: state_of(wanted) == State.RUNNING)
        states = Counter(state_of(item) for item in lent)
        assert states == {State.RUNNING: 1, State.WAITING: 1}

    evict = Decision.objects.get(kind=Decision.Kind.EVICT)
    assert (evict.code, evict.for_workload, evict.state) == ("reclaim", wanted.pk, Decision.State.OBSERVED)
    assert evict.numbers["unit"] == borrower.pk
    audit = AuditEvent.objects.get(action="reclaim")
    assert (audit.entity_id, audit.unit) == (evict.workload, borrower.pk)
    victim = Workload.objects.get(pk=evict.workload)
    assert victim.waiting.wait_class.code
    assert victim.started_at is None
    assert not Decision.objects.filter(state=Decision.State.FAILED).exists()


@pytest.mark.postgres
@pytest.mark.skipif(settings.EMBEDDED, reason="SQLite has no sessions to cut")
def test_database_sessions_that_are_cut_stop_nobody_for_long() -> None:
    world = World()
    project = world.project()
    with world.running():
        first = world.submit(project, "first", devices=1)
        eventually(lambda: state_of(first) == State.RUNNING)
        with connection.cursor() as cursor:
            cursor.execute(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
            assert cursor.fetchone()[0] >= 4, "observer, two loops, supervisor"
        second = world.submit(project, "second", devices=1)
        eventually(lambda: state_of(second) == State.RUNNING)
    assert set(Lease.objects.values_list("epoch", "holder")) == {(1, "")}, "the same holder went on"


def test_a_stopped_workload_ends_and_a_failing_one_fails() -> None:
    world = World()
    project = world.project()
    with world.running():
        stopped = world.submit(project, "stopped", devices=1)
        failing = world.submit(project, "failing", devices=1, fail_after_seconds=1)
        eventually(lambda: state_of(stopped) == State.RUNNING)
        Workload.objects.filter(pk=stopped.pk).update(desired=Workload.Desired.STOPPED)
        eventually(lambda: state_of(stopped) == State.STOPPED)
        eventually(lambda: state_of(failing) == State.FAILED)
    failing.refresh_from_db()
    assert "as it was told to" in failing.state_message
    stopped.refresh_from_db()
    assert not stopped.is_active
    assert not stopped.applied
    assert not Pod.objects.filter(workload=stopped).exists()


def test_a_training_of_several_groups_runs_and_completes() -> None:
    world = World()
    project = world.project()
    launcher = PodGroup("launcher", pods=1, cpu_millicores=500, memory_bytes=GIB)
    half = PodGroup("evaluator", pods=2, cpu_millicores=500, memory_bytes=GIB, devices=1, device_milli=500)
    with world.running():
        workload = world.submit(
            project,
            "groups",
            kind=Workload.Kind.DISTRIBUTED,
            devices=2,
            pods=2,
            more_groups=[launcher, half],
            node_labels={"class": "gpu"},
            run_seconds=2,
        )
        eventually(lambda: state_of(workload) == State.RUNNING)
        groups = Counter(Pod.objects.filter(workload=workload).values_list("sub_group__name", flat=True))
        assert groups == {"workers": 2, "launcher": 1, "evaluator": 2}
        workload.refresh_from_db()
        assert workload.allocated_gpu_milli == 5000 == UnitUsage.objects.get(unit=project, pool=world.pool).gpu_milli
        eventually(lambda: state_of(workload) == State.COMPLETED)
