"""Workers that are killed or frozen in the middle of work: it goes on, and no pod is started twice."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from portal.celery import app
from portal.models import Lease, LiveWorker
from scheduling.models import CycleReport, Decision, SimObject, Workload
from tests.cluster.waiting import eventually
from tests.scheduling.loops.world import World

from .conftest import START_SECONDS, RedisProcess, Workers

TAKE_OVER_SECONDS = 15
LONG_AGO = timedelta(days=100)
State = Decision.State


def holders() -> set[str]:
    return set(Lease.objects.values_list("holder", flat=True))


def held_by(worker: subprocess.Popen[bytes]) -> int:
    """How many leases it holds."""
    found = Lease.objects.values_list("holder", flat=True)
    return sum(str(worker.pid) in re.split("[/:]", holder) for holder in found)


def all_held(by_other_than: frozenset[str] | set[str] = frozenset()) -> bool:
    """The observer, the assigner, two loops, and who seals the audit log."""
    found = holders()
    return Lease.objects.count() == 5 and not found & (by_other_than | {""})


def completed() -> int:
    return Workload.objects.filter(state=Workload.State.COMPLETED).count()


def assert_nothing_was_started_twice() -> None:
    pods = list(SimObject.objects.filter(kind=SimObject.Kind.POD, status__has_key="decision"))
    by_decision = Counter(pod.status["decision"] for pod in pods)
    assert by_decision
    assert set(by_decision.values()) == {1}, "a decision started two pods"
    done = Decision.objects.filter(kind=Decision.Kind.PLACE, state__in=(State.CONFIRMED, State.OBSERVED))
    starts = Counter(done.values_list("pod_uid", flat=True))
    assert set(starts.values()) == {1}, "a pod was started by two decisions"
    assert {pod.status["decision"] for pod in pods} >= set(done.values_list("pk", flat=True))
    assert not [pod.status["message"] for pod in pods if "lacks" in pod.status.get("message", "")]


def test_killed_in_the_middle_of_work(workers: Workers) -> None:
    world = World()
    project = world.project()
    worker = workers.start()
    eventually(all_held, START_SECONDS)
    for number in range(12):
        world.submit(project, f"w{number}", pods=2, run_seconds=1)
    eventually(lambda: Decision.objects.filter(state__in=(State.SENT, State.CONFIRMED, State.OBSERVED)).count() >= 3)
    worker.kill()
    worker.wait()
    killed = timezone.now()
    assert completed() < 12, "in the middle of work"
    workers.start()
    eventually(lambda: completed() == 12, 45)
    assert_nothing_was_started_twice()
    assert not Decision.objects.filter(at__gt=killed, epoch=1).exists()
    last = Lease.objects.get(name=f"loop:pool:{world.pool.pk}")
    assert last.epoch == 2
    assert last.cycle >= (CycleReport.objects.aggregate(last=Max("cycle"))["last"] or 0)


def test_a_worker_that_joins_gets_its_part_takes_over_in_time_and_stops_warm(workers: Workers) -> None:
    world = World()
    first = workers.start()
    eventually(all_held, START_SECONDS)
    second = workers.start()
    eventually(lambda: all_held() and held_by(second) >= 2, START_SECONDS)
    workload = world.submit(world.project("p"), "w")
    eventually(lambda: Workload.objects.get(pk=workload.pk).state == Workload.State.RUNNING)
    epochs = dict(Lease.objects.values_list("name", "epoch"))
    first.kill()
    died = time.monotonic()
    eventually(lambda: held_by(second) == 5, TAKE_OVER_SECONDS)
    seconds = time.monotonic() - died
    print(f"A killed worker's leases ran elsewhere after {seconds:.1f} s.")
    assert seconds < TAKE_OVER_SECONDS
    assert all(epoch <= epochs[name] + 1 for name, epoch in Lease.objects.values_list("name", "epoch"))
    workload = world.submit(world.project("q"), "w")
    eventually(lambda: Workload.objects.get(pk=workload.pk).state == Workload.State.RUNNING)
    second.send_signal(signal.SIGTERM)
    began = time.monotonic()
    assert second.wait(8) == 0
    assert time.monotonic() - began < 5
    assert holders() == {""}, "a warm stop gives everything back"
    assert not LiveWorker.objects.filter(holder__contains=f"/{second.pid}/").exists()


@pytest.mark.postgres
@pytest.mark.skipif(settings.EMBEDDED, reason="one worker only; frozen, it may hold the database's one write lock")
def test_a_worker_that_thaws_after_its_lease_writes_nothing(workers: Workers) -> None:
    world = World()
    project = world.project()
    frozen = workers.start()
    eventually(all_held, START_SECONDS)
    mine = holders()
    for number in range(4):
        world.submit(project, f"early-{number}", run_seconds=2)
    eventually(lambda: Decision.objects.exists())
    frozen.send_signal(signal.SIGSTOP)
    stopped = timezone.now()
    workers.start()
    eventually(lambda: all_held(mine), START_SECONDS)
    frozen.send_signal(signal.SIGCONT)
    for number in range(8):
        one = world.submit(project, f"late-{number}", run_seconds=1)
        # One after the other, so that both workers have the chance to decide each.
        eventually(lambda pk=one.pk: Decision.objects.filter(workload=pk).exists())
    eventually(lambda: completed() == 12, 30)
    eventually(lambda: workers.log_of(frozen).count("lease_lost") == 4)
    assert set(Lease.objects.filter(holder__in=mine).values_list("epoch", flat=True)) <= {3}, "given back to it since"
    late = Decision.objects.filter(at__gt=stopped)
    assert 1 not in set(late.values_list("epoch", flat=True))
    assert not CycleReport.objects.filter(at__gt=stopped, epoch=1).exists()
    assert frozen.poll() is None, "it lives, and waits for its turn"
    assert_nothing_was_started_twice()


@pytest.mark.postgres
@pytest.mark.skipif(settings.EMBEDDED, reason="there is no Redis in embedded mode")
def test_redis_killed_and_started_again(workers: Workers, redis_server: RedisProcess) -> None:
    world = World()
    project = world.project()
    worker = workers.start()
    eventually(all_held, START_SECONDS)
    redis_server.kill()
    workload = world.submit(project, "meanwhile")
    eventually(lambda: Workload.objects.get(pk=workload.pk).state == Workload.State.RUNNING)
    redis_server.start()

    report = CycleReport.objects.create(pool=world.pool, epoch=1, cycle=10**9, at=timezone.now() - LONG_AGO)
    with app.connection_for_write(redis_server.url) as broker:
        app.send_task("scheduling.purge", connection=broker)
    eventually(lambda: not CycleReport.objects.filter(pk=report.pk).exists(), 30)
    assert worker.poll() is None
