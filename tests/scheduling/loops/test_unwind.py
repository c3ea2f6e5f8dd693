"""Gangs of which some pods are bound and others not: finished, or given up."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from scheduling.clusters.simulated.store import objects, writing
from scheduling.loops import unwind
from scheduling.models import Decision, Pod, SimObject

from .test_actor import Scripted, State, late, states, submitted
from .world import Steps, World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> World:
    made = World()
    made.gateway = Scripted(made.cluster.pk)
    made.gateway.stop_after = 1
    return made


def test_a_gang_that_was_half_bound_is_finished(world: World, steps: Steps) -> None:
    workload = submitted(world, steps, pods=3)
    steps.cycle()
    assert sorted(states()) == [State.RECORDED, State.RECORDED, State.CONFIRMED]
    world.gateway.stop_after = 100
    steps.cycle()
    steps.observe()
    assert states() == [State.OBSERVED] * 3
    bound = SimObject.objects.filter(kind=SimObject.Kind.POD).values_list("status__decision", flat=True)
    assert len(set(bound)) == 3
    assert Pod.objects.filter(workload=workload, node__isnull=False).count() == 3


def half_bound(world: World, steps: Steps) -> None:
    """A gang of two of which one is bound, and the other finds no room."""
    submitted(world, steps, pods=2, devices=4)
    steps.cycle()
    late()
    with writing(world.cluster.pk) as change:
        for node in objects(world.cluster.pk, SimObject.Kind.NODE):
            node.status["schedulable"] = False
            change.save(node)
    steps.observe()


def test_a_gang_that_stays_half_bound_is_unwound(world: World, steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    half_bound(world, steps)
    monkeypatch.setattr(unwind, "GANG_SECONDS", -1.0)
    steps.cycle()
    evict = Decision.objects.get(kind=Decision.Kind.EVICT)
    assert (evict.code, evict.state, evict.for_workload) == ("gang_incomplete", State.CONFIRMED, None)
    steps.later(1)
    steps.observe()
    assert not Pod.objects.filter(node__isnull=False).exists()


def test_the_time_of_a_half_bound_gang_goes_on_when_another_loop_takes_over(
    world: World, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    half_bound(world, steps)
    steps.cycle()

    def evicted_by_another(age_seconds: int) -> bool:
        Pod.objects.filter(bound_at__isnull=False).update(bound_at=timezone.now() - timedelta(seconds=age_seconds))
        successor = steps.successor()
        successor.cycle()
        successor.tenure.release()
        successor.observer.release()
        return Decision.objects.filter(kind=Decision.Kind.EVICT).exists()

    assert not evicted_by_another(3600), "every loop looks on for a while"
    monkeypatch.setattr(unwind, "LEAST_SECONDS", -1.0)
    assert not evicted_by_another(20)
    assert evicted_by_another(40)
