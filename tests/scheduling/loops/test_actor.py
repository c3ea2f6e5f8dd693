"""Decisions on their way to the cluster: each sent at most once, and what became of it found out in every case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from portal.models import Lease
from scheduling.clusters.orders import Bind, Eviction, Outcome, Result
from scheduling.clusters.simulated import SimulatedGateway
from scheduling.engine.decisions import EvictCode
from scheduling.loops.actor import Actor, evictions
from scheduling.models import Decision, Pod, Workload

from .world import Steps, World, taken

pytestmark = pytest.mark.django_db(transaction=True)
State = Decision.State


class Scripted(SimulatedGateway):
    """The cluster at the end of a bad line: `lost` replies never arrive, `refused` binds are turned down. Where calls
    stand `still`, those that were sent are `kept`, to arrive when nobody waits for them any more."""

    lost = False
    still = False
    kept: Sequence[Bind] = ()
    refused = False
    stop_after = 10**6
    sent = 0

    def bind(self, binds: Sequence[Bind], keep_going: Callable[[], bool]) -> list[Result]:
        results: list[Result] = []
        for bind in binds:
            if self.sent >= self.stop_after or not keep_going():
                results.append(Result(bind.decision, Outcome.NOT_SENT))
                continue
            self.sent += 1
            if self.still:
                self.kept = [*self.kept, bind]
                results.append(Result(bind.decision, Outcome.UNKNOWN, "timed out"))
                continue
            if self.refused:
                results.append(Result(bind.decision, Outcome.FAILED, "no"))
                continue
            done = super().bind([bind], lambda: True)
            results += [Result(bind.decision, Outcome.UNKNOWN, "timed out")] if self.lost else done
        return results

    def evict(self, evictions: Sequence[Eviction], keep_going: Callable[[], bool]) -> list[Result]:
        self.sent += len(evictions)
        return super().evict(evictions, keep_going)


@pytest.fixture
def world() -> World:
    made = World()
    made.gateway = Scripted(made.cluster.pk)
    return made


def submitted(world: World, steps: Steps, **fields: Any) -> Workload:
    workload = world.submit(world.project(), "w", **fields)
    steps.observe()
    steps.observe()
    assert Pod.objects.filter(workload=workload).count() == workload.pods_wanted
    return workload


def states() -> list[int]:
    return list(Decision.objects.order_by("pk").values_list("state", flat=True))


def late() -> None:
    Decision.objects.update(deadline_at=timezone.now() - timedelta(seconds=1))


def test_confirmed_by_the_cluster_and_then_observed(world: World, steps: Steps) -> None:
    submitted(world, steps)
    steps.cycle()
    assert states() == [State.CONFIRMED]
    steps.observe()
    assert states() == [State.OBSERVED]
    assert Decision.objects.get().sent_at is not None


def test_a_lost_reply_keeps_its_room_until_the_pod_is_read(world: World, steps: Steps) -> None:
    world.gateway.lost = True
    submitted(world, steps)
    steps.cycle()
    assert states() == [State.UNKNOWN]
    steps.cycle()
    assert (states(), world.gateway.sent) == ([State.UNKNOWN], 1), "neither sent again nor decided again"
    late()
    steps.cycle()
    assert states() == [State.CONFIRMED], "read, and open until the pod's row says so"
    steps.observe()
    assert states() == [State.OBSERVED]
    steps.cycle()
    assert Decision.objects.count() == 1


def test_a_worker_that_died_between_marking_and_sending_leaves_a_pod_to_read(world: World, steps: Steps) -> None:
    world.gateway.stop_after = 0
    submitted(world, steps)
    steps.cycle()
    assert states() == [State.RECORDED], "not sent, and said so"
    Decision.objects.update(state=State.SENT)
    late()
    steps.cycle()
    assert states() == [State.UNKNOWN], "its call may still be on its way"
    late()
    steps.cycle()
    first, second = Decision.objects.order_by("pk")
    assert (first.state, first.error) == (State.FAILED, "The pod was not bound.")
    assert second.state == State.RECORDED


def test_a_bind_that_arrives_after_its_pod_was_read_keeps_its_room(world: World, steps: Steps) -> None:
    world.gateway.still = True
    submitted(world, steps)
    steps.cycle()
    late()
    steps.cycle()
    assert states() == [State.UNKNOWN]
    SimulatedGateway(world.cluster.pk).bind(world.gateway.kept, lambda: True)
    steps.cycle()
    steps.observe()
    assert states() == [State.OBSERVED], "nothing else was decided meanwhile"


def test_what_was_not_sent_in_time_is_void_and_decided_again(world: World, steps: Steps) -> None:
    world.gateway.stop_after = 0
    submitted(world, steps)
    steps.cycle()
    late()
    world.gateway.stop_after = 1
    steps.cycle()
    assert states() == [State.VOID, State.CONFIRMED]


def test_a_refusal_makes_the_next_cycle_look_again(world: World, steps: Steps) -> None:
    world.gateway.refused = True
    submitted(world, steps)
    steps.cycle()
    assert states() == [State.FAILED]
    assert Decision.objects.get().error == "no"
    world.gateway.refused = False
    steps.cycle()
    assert states() == [State.FAILED, State.CONFIRMED]


def test_a_successor_sends_what_was_recorded_under_its_own_epoch(world: World, steps: Steps) -> None:
    world.gateway.stop_after = 0
    submitted(world, steps)
    steps.cycle()
    world.gateway.stop_after = 1
    successor = steps.successor()
    assert successor.tenure.epoch == 2
    successor.cycle()
    assert states() == [State.CONFIRMED]


def test_without_the_lease_nothing_is_sent(world: World, steps: Steps) -> None:
    submitted(world, steps)
    Lease.objects.filter(name=steps.tenure.name).update(epoch=99)
    steps.tenure._asked -= 60
    assert not steps.tenure.may_call()
    assert steps.loop._actor.act(world.gateway, steps.tenure) == 0
    assert world.gateway.sent == 0


def test_what_there_was_no_time_for_is_sent_after_the_lease_was_renewed(
    world: World, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    bind = SimulatedGateway.bind

    def slow(self: SimulatedGateway, binds: Sequence[Bind], keep_going: Callable[[], bool]) -> list[Result]:
        steps.tenure._asked -= 1.5
        return bind(self, binds, keep_going)

    monkeypatch.setattr(SimulatedGateway, "bind", slow)
    submitted(world, steps, pods=4)
    asked = Lease.objects.get(name=steps.tenure.name).expires_at
    steps.cycle()
    assert states() == [State.CONFIRMED] * 4
    assert world.gateway.sent == 4
    assert Lease.objects.get(name=steps.tenure.name).expires_at > asked


def test_an_actor_sends_what_its_own_loop_recorded_and_nothing_else(world: World, steps: Steps) -> None:
    world.gateway.stop_after = 0
    submitted(world, steps)
    steps.cycle()
    world.gateway.stop_after = 1
    assert Actor(world.default.pk).act(world.gateway, taken(f"loop:pool:{world.default.pk}")) == 0
    assert (states(), world.gateway.sent) == ([State.RECORDED], 0)
    steps.cycle()
    assert states() == [State.CONFIRMED]


def test_an_eviction_is_read_when_its_reply_was_lost(world: World, steps: Steps) -> None:
    workload = submitted(world, steps)
    steps.start()
    pod = Pod.objects.get(workload=workload)
    assert pod.phase == Pod.Phase.RUNNING
    values: dict[str, Any] = {"pool": world.pool.pk, "epoch": 1, "cycle": 1, "batch": 1, "workload": workload.pk}
    values |= {"pod": pod.pk, "pod_uid": pod.uid, "kind": Decision.Kind.EVICT, "state": State.UNKNOWN}
    Decision.objects.create(deadline_at=timezone.now() - timedelta(seconds=1), **values)
    for state in (State.UNKNOWN, State.FAILED):
        late()
        steps.cycle()
        assert Decision.objects.get(kind=Decision.Kind.EVICT).state == state, "it runs on"


def test_room_is_not_kept_for_who_no_longer_waits(world: World, steps: Steps) -> None:
    workload = submitted(world, steps)
    pod = Pod.objects.get(workload=workload)
    values: dict[str, Any] = {"pool": world.pool.pk, "epoch": 1, "cycle": 1, "batch": 1, "workload": workload.pk}
    values |= {"pod": pod.pk, "pod_uid": pod.uid, "kind": Decision.Kind.RESERVE}
    Decision.objects.create(deadline_at=timezone.now() + timedelta(minutes=1), **values)
    Workload.objects.filter(pk=workload.pk).update(desired=Workload.Desired.STOPPED)
    steps.cycle()
    assert states() == [State.VOID]


def test_an_eviction_says_why_without_naming_others_and_whether_it_overrides_a_budget(
    world: World, steps: Steps
) -> None:
    workload = submitted(world, steps)
    pod = Pod.objects.get(workload=workload)
    numbers = {
        "resource": "gpu_milli",
        "unit": workload.project_id,
        "allocated": 8000,
        "fair_share": 4000,
        "quota": 4000,
    }
    reclaim = (1, pod.pk, pod.uid, workload.pk, None, "", EvictCode.RECLAIM, numbers)
    plain, overriding = evictions([reclaim, (*reclaim[:-1], {**numbers, "allowed": 0})])
    name = workload.project.name
    words = f"Taken back for other work: {name} held 8 GPUs, its fair share is 4, its quota 4"
    assert (plain.reason, plain.overrides) == (words, False)
    budget = "; its disruption budget, which allowed 0 pods, was overridden for a guaranteed quota"
    assert (overriding.reason, overriding.overrides) == (words + budget, True)
