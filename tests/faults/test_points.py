"""A worker that dies or stands still at each named point of its work: nothing lost, nothing twice, gangs whole."""

from __future__ import annotations

import signal
import subprocess
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from portal.models import Lease
from portal.services.lease import Taken, lease_release, lease_take
from scheduling.models import (
    OPEN_STATES,
    Assignment,
    CycleReport,
    Decision,
    Event,
    Pod,
    PoolChoice,
    SimObject,
    Workload,
)
from tests.cluster.waiting import eventually
from tests.factories import make_account, make_quota
from tests.scheduling.loops.world import World

from .conftest import START_SECONDS, Workers
from .test_worker import assert_nothing_was_started_twice

State = Decision.State
PLACE, EVICT = Decision.Kind.PLACE, Decision.Kind.EVICT
DONE = (State.CONFIRMED, State.OBSERVED)
LONG_AGO = timedelta(minutes=1)


def pods(**status: Any) -> list[SimObject]:
    return list(SimObject.objects.filter(kind=SimObject.Kind.POD, **status))


def completed(*workloads: Workload) -> bool:
    states = Workload.objects.filter(pk__in=[item.pk for item in workloads]).values_list("state", flat=True)
    return set(states) == {Workload.State.COMPLETED}


def held() -> bool:
    """The observer, the assigner and the two loops."""
    return Lease.objects.exclude(holder="").count() == 4


def died(worker: subprocess.Popen[bytes]) -> None:
    """Waits until it killed itself. Its leases count as expired long ago, so that the test need not wait for that."""
    assert worker.wait(20) == -signal.SIGKILL
    Lease.objects.update(expires_at=timezone.now() - LONG_AGO)


def nothing_is_open() -> bool:
    return not Decision.objects.filter(state__in=OPEN_STATES).exists()


def is_running(workload: Workload) -> bool:
    return Workload.objects.filter(pk=workload.pk, state=Workload.State.RUNNING).exists()


@pytest.mark.parametrize(
    "point",
    [
        "created:kill",
        "observing:kill",
        "decided:kill",
        "recorded:kill",
        "sent:kill",
        "calling:kill:2",
        "answered:kill",
        "confirmed:kill",
    ],
)
def test_killed_while_a_gang_starts(workers: Workers, point: str) -> None:
    world = World()
    project = world.project()
    worker = workers.start_loops(point)
    eventually(held, START_SECONDS)
    gang = world.submit(project, "gang", pods=3, devices=2, run_seconds=1)
    after = world.submit(project, "after", pods=2, devices=4, run_seconds=1)
    died(worker)
    bound = [pod for pod in pods() if "node" in pod.status]
    expected = {"calling": 1, "answered": 3, "confirmed": 3}.get(point.split(":")[0], 0)
    assert len(bound) == expected, "it died where it was to"
    with world.running():
        eventually(lambda: completed(gang, after) and nothing_is_open(), 45)
    assert len(pods()) == 5, "each pod was made once, and ran to its end"
    assert {pod.status["phase"] for pod in pods()} == {"succeeded"}
    assert not Decision.objects.filter(kind=EVICT).exists(), "the gang was finished, not given up"
    assert_nothing_was_started_twice()


@pytest.mark.parametrize("point", ["recorded:kill:2", "answered:kill:2"])
def test_killed_while_room_is_taken_back(workers: Workers, point: str) -> None:
    """The second pass is that of the evictions: the first has placed who is stopped."""
    world = World()
    owner, borrower = world.project("owner"), world.project("borrower")
    make_quota(owner, world.pool, 8)
    worker = workers.start_loops(point)
    eventually(held, START_SECONDS)
    lent = world.submit(borrower, "lent", pods=2, devices=4)
    eventually(lambda: is_running(lent))
    back = world.submit(owner, "back", pods=2, devices=4, run_seconds=1)
    died(worker)
    with world.running():
        eventually(lambda: completed(back), 60)
        eventually(lambda: is_running(lent) and nothing_is_open(), 30)
    stopped = Counter(Decision.objects.filter(kind=EVICT, state__in=DONE).values_list("pod_uid", flat=True))
    assert set(stopped.values()) == {1}
    assert len(stopped) == 2, "each of its pods was stopped by one decision"
    assert_nothing_was_started_twice()


def test_killed_between_two_pools(workers: Workers) -> None:
    """The assigner had moved it from a full pool to the next, and not committed that."""
    world = World()
    project = world.project()
    PoolChoice.objects.create(account=make_account(), wait_seconds=1)
    worker = workers.start_loops("moving:kill")
    eventually(held, START_SECONDS)
    full = world.submit(project, "full", devices=0, pods=2, cpu_millicores=64_000, run_seconds=30)
    eventually(lambda: is_running(full))
    moved = world.submit(project, "moved", devices=0, pools=["gpu", "default"], run_seconds=1)
    died(worker)
    assert Workload.objects.get(pk=moved.pk).pool == world.pool, "nothing of it is there"
    with world.running():
        eventually(lambda: completed(moved) and nothing_is_open(), 45)
    assert Workload.objects.get(pk=moved.pk).pool == world.default
    assert Assignment.objects.get(pk=moved.pk).moves == 1
    assert Event.objects.filter(workload=moved, code="moved").count() == 1
    assert Decision.objects.filter(workload=moved.pk).count() == 1
    assert_nothing_was_started_twice()


def stands_still(worker: subprocess.Popen[bytes]) -> bool:
    return Path(f"/proc/{worker.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"


def taken_by_another() -> dict[str, Taken]:
    """All leases, once their time is really over."""
    found: dict[str, Taken] = {}

    def take() -> bool:
        names = Lease.objects.exclude(name__in=found).values_list("name", flat=True)
        for name in list(names):
            if taken := lease_take(name=name, holder="another"):
                found[name] = taken
        return len(found) == 4

    eventually(take)
    return found


def seen_of_it() -> tuple[Any, ...]:
    """What a worker with an old epoch might have changed."""
    return (
        # A bound pod begins to run by itself, as soon as anybody watches the simulated cluster: that is nobody's write.
        sorted(
            (pod.uid, pod.status.get("node"), pod.status.get("decision"), "deleting_ms" in pod.status) for pod in pods()
        ),
        list(Decision.objects.order_by("pk").values_list("pk", "state", "epoch", "sent_at")),
        list(Pod.objects.order_by("pk").values()),
        list(Workload.objects.order_by("pk").values()),
        list(Assignment.objects.order_by("pk").values()),
        list(CycleReport.objects.order_by("pk").values()),
        list(Lease.objects.order_by("name").values_list("name", "holder", "epoch", "cycle")),
    )


@pytest.mark.postgres
@pytest.mark.skipif(settings.EMBEDDED, reason="one worker only; frozen, it may hold the database's one write lock")
@pytest.mark.parametrize("point", ["decided:freeze", "recorded:freeze", "sent:freeze", "calling:freeze:2"])
def test_frozen_until_another_has_its_leases_it_neither_writes_nor_binds(workers: Workers, point: str) -> None:
    world = World()
    worker = workers.start_loops(point)
    eventually(held, START_SECONDS)
    gang = world.submit(world.project(), "gang", pods=3, devices=2, run_seconds=2)
    eventually(lambda: stands_still(worker))
    taken = taken_by_another()
    before = seen_of_it()
    assert len([pod for pod in pods() if "node" in pod.status]) == (1 if point.startswith("calling") else 0)
    worker.send_signal(signal.SIGCONT)
    eventually(lambda: workers.log_of(worker).count("lease_lost") == 4)
    assert seen_of_it() == before, "it wrote and bound nothing"
    for name, lease in taken.items():
        lease_release(name=name, epoch=lease.epoch)
    eventually(lambda: completed(gang), 45)
    assert worker.poll() is None, "it lives, waits for its turn, and goes on under a new epoch"
    assert_nothing_was_started_twice()
