"""What makes the pods of a workload is woken where it has lost count of them, and only there."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from scheduling.clusters.gateway import GatewayError
from scheduling.clusters.orders import WorkloadKey
from scheduling.clusters.seen import Seen
from scheduling.clusters.simulated import SimulatedGateway
from scheduling.loops import missing_pods as module
from scheduling.loops.missing_pods import MissingPods
from scheduling.loops.observer import Observer
from scheduling.models import Pod, SimObject, Workload

from .world import Steps, World

pytestmark = pytest.mark.django_db(transaction=True)
Phase = Pod.Phase


class Waking(SimulatedGateway):
    fails = False

    def __init__(self, cluster: int) -> None:
        super().__init__(cluster)
        self.woken: list[tuple[str, tuple[str, ...]]] = []

    def wake_workload(self, workload: WorkloadKey, groups: Sequence[str]) -> None:
        self.woken.append((workload.name, tuple(groups)))
        if self.fails:
            raise GatewayError("out of reach")


class Breaking(Waking):
    """Its watch ends after the first batch."""

    def watch(self, stop: threading.Event) -> Iterator[Seen]:
        yield next(super().watch(stop))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_only_what_lacks_pods_for_long_is_woken(clock: list[float]) -> None:
    world = World()
    gateway = world.gateway = Waking(world.cluster.pk)
    steps = Steps(world)
    project = world.project("p")
    short, whole = (world.submit(project, name, pods=2) for name in ("short", "whole"))
    steps.observe()
    steps.observe()
    assert Pod.objects.filter(workload=short).count() == 2
    missing = MissingPods(world.cluster.pk)

    def after(seconds: float) -> list[tuple[str, tuple[str, ...]]]:
        clock[0] += seconds
        gateway.woken.clear()
        missing.tick(gateway, steps.observer)
        return list(gateway.woken)

    assert after(0) == []
    pod = Pod.objects.filter(workload=short)[0]
    Pod.objects.filter(pk=pod.pk).update(phase=Phase.FAILED)
    assert after(module.LOOK_SECONDS) == []
    Pod.objects.filter(pk=pod.pk).update(phase=Phase.PENDING)
    assert after(module.LONG_SECONDS - 1) == [], "it has come meanwhile"
    Pod.objects.filter(pk=pod.pk).delete()
    Pod.objects.filter(workload=whole).update(phase=Phase.SUCCEEDED)
    assert after(module.LOOK_SECONDS) == [], "first seen"
    assert after(module.LONG_SECONDS - 1) == []
    gateway.fails = True
    assert after(module.LOOK_SECONDS) == [("short", ("workers",))]
    assert after(module.LOOK_SECONDS) == [], "not again at once"
    gateway.fails = False
    assert after(module.LONG_SECONDS) == [("short", ("workers",))]
    Workload.objects.filter(pk=short.pk).update(desired=Workload.Desired.STOPPED)
    assert after(module.LONG_SECONDS) == []
    assert after(module.LONG_SECONDS) == []


def test_who_takes_over_goes_by_how_long_the_state_has_lasted(clock: list[float]) -> None:
    world = World()
    gateway = world.gateway = Waking(world.cluster.pk)
    steps = Steps(world)
    project = world.project("p")
    old, new = (world.submit(project, name) for name in ("old", "new"))
    steps.observe()
    steps.observe()
    Pod.objects.all().delete()
    Workload.objects.filter(pk=old.pk).update(state_since=timezone.now() - timedelta(hours=1))
    Workload.objects.filter(pk=new.pk).update(state_since=timezone.now())
    missing = MissingPods(world.cluster.pk)
    missing.tick(gateway, steps.observer)
    assert gateway.woken == [], "it looks on for a while itself"
    clock[0] += module.LOOK_SECONDS
    missing.tick(gateway, steps.observer)
    assert gateway.woken == [("old", ("workers",))]


def test_without_the_lease_nothing_is_woken(clock: list[float]) -> None:
    world = World()
    gateway = world.gateway = Waking(world.cluster.pk)
    steps = Steps(world)
    world.submit(world.project("p"), "w")
    steps.observe()
    Pod.objects.all().delete()
    missing = MissingPods(world.cluster.pk)
    missing.tick(gateway, steps.observer)
    clock[0] += module.LONG_SECONDS
    steps.observer.epoch = 99
    steps.observer._asked -= 60
    missing.tick(gateway, steps.observer)
    assert gateway.woken == []


def test_since_when_they_are_missing_outlasts_a_watch(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    gateway = world.gateway = Breaking(world.cluster.pk)
    monkeypatch.setattr("scheduling.loops.observer.gateway_for", lambda cluster: gateway)
    steps = Steps(world)
    world.submit(world.project("p"), "w", pods=1)
    steps.reconciler.tick(steps.observer)
    observer = Observer(world.cluster.pk, threading.Event(), threading.Event())
    for _ in range(2):
        SimObject.objects.filter(kind=SimObject.Kind.POD).delete()
        Pod.objects.all().delete()
        observer.step(steps.observer, threading.Event())
        clock[0] += module.LONG_SECONDS
    assert gateway.woken == [("w", ("workers",))]
