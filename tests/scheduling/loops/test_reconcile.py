"""Wishes become objects, again and again until they are there, and what fails does not hold up the rest."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction

from orgs.models import ProjectInfo
from portal.services.feed import feed_tell
from scheduling.clusters.gateway import GatewayError
from scheduling.clusters.orders import WorkloadKey, WorkloadObject
from scheduling.clusters.seen import PodPhase, Seen, SeenNamespace, SeenObject, SeenPod
from scheduling.clusters.simulated import SimulatedGateway
from scheduling.loops import reconcile as module
from scheduling.loops.reconcile import _objects, has_to_do
from scheduling.models import Pod, SimObject, Workload

from .world import Steps, World

pytestmark = pytest.mark.django_db(transaction=True)
Desired, State = Workload.Desired, Workload.State


class Refusing(SimulatedGateway):
    """Counts calls; refuses namespaces and workloads by name."""

    refused: frozenset[str] = frozenset()
    restricted = False

    def __init__(self, cluster: int) -> None:
        super().__init__(cluster)
        self.calls: list[tuple[str, str]] = []

    def apply_namespace(self, name: str, project: str, *, adopted: bool = False) -> SeenNamespace:
        self.calls.append(("namespace", name))
        if name in self.refused:
            raise GatewayError(f"{name} belongs to another")
        return SeenNamespace("1", name, project, restricted=self.restricted)

    def apply_workload(self, workload: WorkloadObject) -> SeenObject:
        self.calls.append(("workload", workload.name))
        if workload.name in self.refused:
            raise GatewayError("quota of the namespace exceeded")
        return super().apply_workload(workload)

    def delete_workload(self, workload: WorkloadKey) -> None:
        self.calls.append(("delete", workload.name))
        super().delete_workload(workload)


@pytest.fixture
def world() -> World:
    made = World()
    made.gateway = Refusing(made.cluster.pk)
    return made


def jobs() -> Any:
    return SimObject.objects.filter(kind=SimObject.Kind.JOB, deleted=False)


def test_a_workload_waits_for_its_namespace_and_then_becomes_an_object(world: World, steps: Steps) -> None:
    project = world.project("p")
    info = ProjectInfo.objects.filter(unit=project)
    info.update(phase=ProjectInfo.Phase.CREATING)
    world.gateway.refused = frozenset({"bursar-p"})
    workload = world.submit(project, "w", devices=2, pods=3, device_milli=500, command=["run"], env={"A": "1"})
    steps.observe()
    assert not jobs().exists()
    assert (info.get().phase, info.get().phase_message) == (ProjectInfo.Phase.FAILED, "bursar-p belongs to another")
    steps.observe()
    assert world.gateway.calls == [("namespace", "bursar-p")], "tried again after a pause only"

    world.gateway.refused = frozenset()
    steps.reconciler._not_before.clear()
    steps.observe()
    assert (info.get().phase, info.get().phase_message) == (ProjectInfo.Phase.READY, "")
    assert not info.get().restricted
    job = jobs().get()
    assert (job.uid, job.name) == (str(workload.uid), "w")
    assert (job.spec["namespace"], job.spec["pool"], job.spec["run_seconds"]) == ("bursar-p", "gpu", 3600)
    (group,) = job.spec["groups"]
    assert group.items() >= {"sub_group": "workers", "pods": 3, "devices": 2, "device_milli": 500}.items()
    workload.refresh_from_db()
    assert workload.applied
    steps.observe()
    assert world.gateway.calls.count(("workload", "w")) == 1


def test_what_is_applied_is_as_the_namespace_was_found(world: World, steps: Steps) -> None:
    project = world.project("p")
    ProjectInfo.objects.update(phase=ProjectInfo.Phase.CREATING)
    world.gateway.restricted = True
    workload = world.submit(project, "w")
    steps.observe()
    assert ProjectInfo.objects.get(unit=project).restricted
    ((item, _),) = _objects([workload.pk])
    assert item.restricted


def test_one_that_is_refused_says_why_and_does_not_hold_up_others(world: World, steps: Steps) -> None:
    project = world.project()
    world.gateway.refused = frozenset({"bad"})
    bad, good = world.submit(project, "bad"), world.submit(project, "good")
    steps.observe()
    steps.observe()
    assert [job.name for job in jobs()] == ["good"]
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.applied, bad.state, bad.state_message) == (False, State.WAITING, "quota of the namespace exceeded")
    assert (good.applied, good.state_message) == (True, "")
    pauses = []
    for _ in range(8):
        steps.reconciler._not_before = {
            key: (0.0 if key == ("workload", bad.pk) else due, pause)
            for key, (due, pause) in steps.reconciler._not_before.items()
        }
        steps.reconciler._apply(steps.observer)
        pauses.append(steps.reconciler._not_before["workload", bad.pk][1])
    assert pauses == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 30.0]


def test_dying_between_creating_and_noting_creates_nothing_twice(world: World, steps: Steps) -> None:
    workload = world.submit(world.project(), "w")
    steps.observe()
    Workload.objects.update(applied=False)
    steps.successor().observe()
    workload.refresh_from_db()
    assert workload.applied
    assert jobs().count() == 1


@pytest.mark.parametrize("desired", [Desired.STOPPED, Desired.DELETED])
def test_what_is_no_longer_wanted_goes_and_then_ends(world: World, steps: Steps, desired: Desired) -> None:
    workload = world.submit(world.project(), "w", pods=2)
    steps.start()
    assert Workload.objects.get().state == State.RUNNING
    Workload.objects.update(desired=desired)
    steps.observe()
    workload.refresh_from_db()
    assert (workload.state, workload.is_active) == (State.STOPPING, True)
    steps.observe()
    assert world.gateway.calls.count(("delete", "w")) == 1
    steps.later(1)
    steps.later(1)
    workload.refresh_from_db()
    assert (workload.state, workload.is_active, workload.applied) == (State.STOPPED, False, False)
    assert not Pod.objects.exists()


def test_one_that_was_never_created_ends_at_once(world: World, steps: Steps) -> None:
    project = world.project()
    ProjectInfo.objects.update(phase=ProjectInfo.Phase.FAILED)
    world.gateway.refused = frozenset({ProjectInfo.objects.get(unit=project).namespace})
    workload = world.submit(project, "w")
    Workload.objects.update(desired=Desired.STOPPED)
    steps.observe()
    workload.refresh_from_db()
    assert (workload.state, workload.is_active) == (State.STOPPED, False)
    assert ("delete", "w") not in world.gateway.calls


def test_one_that_comes_after_it_was_stopped_is_stopped(world: World, steps: Steps) -> None:
    world.gateway.refused = frozenset({"late"})
    workload = world.submit(world.project(), "late")
    steps.observe()
    Workload.objects.update(desired=Desired.STOPPED)
    steps.observe()
    workload.refresh_from_db()
    assert (workload.state, workload.is_active, workload.applied) == (State.STOPPED, False, False)
    ((item, _),) = _objects([workload.pk])
    SimulatedGateway(world.cluster.pk).apply_workload(item)
    assert jobs().exists(), "what was asked for long ago, and thought lost"
    steps.observe()
    steps.later(1)
    steps.later(1)
    assert not jobs().exists()
    workload.refresh_from_db()
    assert (workload.state, workload.is_active, workload.applied) == (State.STOPPED, False, False)
    assert not Pod.objects.exists()
    assert steps.observed.strays == set()


def test_deleting_one_that_has_ended_removes_its_object(world: World, steps: Steps) -> None:
    workload = world.submit(world.project(), "w", run_seconds=5)
    steps.start()
    steps.later(20)
    workload.refresh_from_db()
    assert (workload.state, workload.applied) == (State.COMPLETED, True)
    Workload.objects.update(desired=Desired.DELETED)
    steps.observe()
    steps.later(1)
    steps.later(1)
    workload.refresh_from_db()
    assert (workload.state, workload.applied) == (State.COMPLETED, False)
    assert not jobs().exists()


def test_without_the_lease_nothing_is_called(world: World, steps: Steps) -> None:
    world.submit(world.project(), "w")
    steps.observer._asked -= 60
    steps.observer.epoch = 99
    steps.reconciler.tick(steps.observer)
    assert world.gateway.calls == []


def test_it_looks_when_something_was_told_or_seen_and_rests_else(
    world: World, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RECONCILE_SECONDS", 0.0)
    monkeypatch.setattr(module, "QUIET_SECONDS", 60.0)
    monkeypatch.setattr(module, "LOST_SECONDS", 60.0)
    ticks: list[object] = []
    monkeypatch.setattr(steps.reconciler, "tick", ticks.append)

    def ticked(*, has_seen: bool = False, is_woken: bool = False) -> int:
        steps.reconciler.look(steps.observer, has_seen=has_seen, is_woken=is_woken)
        return len(ticks)

    assert [ticked(), ticked(), ticked(is_woken=True)] == [1, 1, 1]
    with transaction.atomic():
        feed_tell(cluster=world.cluster.pk, config=True)
    assert [ticked(), ticked(is_woken=True), ticked(is_woken=True)] == [1, 2, 2]
    assert [ticked(has_seen=True), ticked()] == [3, 3]
    for tellers in ("observer", "observer and another"):
        with transaction.atomic():
            steps.observed.told += feed_tell(cluster=world.cluster.pk, workloads=[1])
        if tellers != "observer":
            with transaction.atomic():
                feed_tell(cluster=world.cluster.pk, workloads=[1])
        assert ticked(is_woken=True) == (3 if tellers == "observer" else 4)


@pytest.mark.parametrize(("wake_url", "seconds"), [("", 0.3), ("redis://localhost", 1.0)])
def test_where_wake_ups_come_it_looks_less_often(
    world: World, steps: Steps, settings: Any, monkeypatch: pytest.MonkeyPatch, wake_url: str, seconds: float
) -> None:
    settings.WAKE_URL = wake_url
    now = [1000.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    looks: list[float] = []
    monkeypatch.setattr(module, "feed_seq", lambda cluster: looks.append(now[0]) or 0)
    for _ in range(30):
        steps.reconciler.look(steps.observer, has_seen=False)
        now[0] += 0.1
    assert looks[-1] - looks[-2] == pytest.approx(seconds, abs=0.11)


def test_placed_pods_leave_nothing_to_do() -> None:
    pod = SeenPod(uid="1", name="p", namespace="n", ours=True, phase=PodPhase.RUNNING, created_ms=0, node="a")
    assert not has_to_do(Seen())
    assert not has_to_do(Seen(pods=(pod,), told_at=1.0))
    assert has_to_do(Seen(pods=(pod, replace(pod, uid="2", node=""))))
    assert has_to_do(Seen(pods=(pod,), gone_pods=("3",)))
    assert has_to_do(Seen(complete={"pods": 1.0}))
