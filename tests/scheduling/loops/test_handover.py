"""Room kept for a pod that is moved goes to its successor: not lost on the way, and not kept for ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from portal.models import AuditEvent
from quotas.models import Pool
from scheduling.engine.decisions import Decisions, Evict, EvictCode, Place, Reserve
from scheduling.engine.types import Pod as EnginePod
from scheduling.engine.types import PodState
from scheduling.loops.cycle import Cycle
from scheduling.loops.observed_decisions import settle_gone, settle_seen
from scheduling.loops.record import record
from scheduling.loops.samples import Samples
from scheduling.loops.settle import settle
from scheduling.loops.tenure import Tenure
from scheduling.models import Decision, Pod, Workload
from scheduling.selectors.timeline import timeline_of
from tests.factories import (
    ADMIN,
    default_pool_of,
    make_cluster,
    make_department,
    make_node,
    make_pod,
    make_pool,
    make_project,
    make_user,
    make_workload,
)
from tests.scheduling.loops.cold import take_snapshot

pytestmark = pytest.mark.django_db(transaction=True)
Kind, State = Decision.Kind, Decision.State


class Move:
    """A running pod that a cycle moves from one node to another for a gang that waits."""

    def __init__(self) -> None:
        self.pool: Pool = make_pool("gpu", make_cluster())
        self.old, self.new = make_node("old", self.pool), make_node("new", self.pool)
        project = make_project("p", make_department("d", self.pool.cluster))
        self.workload = make_workload("moved", project, self.pool, pods=2, state=Workload.State.RUNNING)
        self.pod = make_pod(self.workload, self.old, "0", name="moved-0")
        self.other = make_pod(self.workload, self.old, "1", name="moved-1")
        self.gang = make_workload("gang", project, self.pool, gpus=8)
        make_pod(self.gang)
        tenure = Tenure.take(f"loop:pool:{self.pool.pk}", "test")
        assert tenure is not None
        self.tenure = tenure

    def cycle(self) -> Cycle:
        snapshot = take_snapshot(self.pool.pk)
        evict = Evict(self.pod.pk, self.workload.pk, EvictCode.CONSOLIDATE, self.gang.pk)
        decided = Decisions(evicts=(evict,), reserves=(Reserve(self.pod.pk, self.workload.pk, self.new.pk, (3,)),))
        return Cycle(1, timezone.now(), snapshot, decided)

    def record(self) -> None:
        record(self.tenure, self.cycle(), Samples())

    def settle(self) -> None:
        settle(self.pool.pk, None, self.tenure)  # type: ignore[arg-type]

    @property
    def reserve(self) -> Decision:
        return Decision.objects.get(kind=Kind.RESERVE)

    def of(self) -> list[EnginePod]:
        """Its pods as the next cycle sees them."""
        found = {workload.id: workload for workload in take_snapshot(self.pool.pk).workloads}
        return [pod for group in found[self.workload.pk].sub_groups for pod in group.pods]

    def stop(self) -> None:
        Pod.objects.filter(pk=self.pod.pk).update(phase=Pod.Phase.STOPPING)
        settle_seen(bound={}, stopping=[self.pod.pk])

    def go(self) -> None:
        settle_gone([self.pod.pk])
        self.pod.delete()

    def successor(self, **fields: Any) -> Pod:
        return make_pod(self.workload, name="moved-0b", **fields)


@pytest.fixture
def move() -> Move:
    return Move()


def test_from_the_decision_to_the_successor(move: Move) -> None:
    move.record()
    assert move.reserve.sub_group == move.pod.sub_group_id
    leaving = EnginePod(move.pod.pk, PodState.RELEASING, move.old.pk, (0,), move.new.pk, (3,))
    stays = EnginePod(move.other.pk, PodState.BOUND, move.old.pk, (1,))
    pk = move.pod.pk
    move.settle()
    assert move.of() == [leaving, stays], "while its eviction is on the way"
    move.stop()
    move.settle()
    assert move.of() == [leaving, stays], "while it stops"
    assert Workload.objects.get(pk=move.workload.pk).evicted_at is not None
    move.go()
    move.settle()
    assert move.of() == [stays, EnginePod(pk, PodState.RELEASING, move.new.pk, (3,), move.new.pk, (3,))], "gone"
    successor = move.successor()
    deadline = move.reserve.deadline_at
    move.settle()
    assert (move.reserve.pod, move.reserve.pod_uid) == (successor.pk, successor.uid)
    assert move.reserve.deadline_at == deadline
    assert move.of() == [EnginePod(successor.pk, reserved_node=move.new.pk, reserved_devices=(3,)), stays]


def test_the_place_of_the_successor_ends_it(move: Move) -> None:
    move.record()
    move.stop()
    move.go()
    successor = move.successor()
    move.settle()
    snapshot = take_snapshot(move.pool.pk)
    place = Place(successor.pk, move.workload.pk, move.new.pk, (3,))
    record(move.tenure, Cycle(2, timezone.now(), snapshot, Decisions(places=(place,))), Samples())
    assert move.reserve.state == State.OBSERVED


def test_each_room_goes_to_another_pod(move: Move) -> None:
    move.record()
    move.stop()
    move.go()
    Decision.objects.create(
        pool=move.pool.pk, epoch=1, cycle=1, kind=Kind.RESERVE, batch=1, workload=move.workload.pk, pod=10**9,
        pod_uid="gone", sub_group=move.other.sub_group_id, node=move.new.pk, devices="4",
        deadline_at=timezone.now() + timedelta(minutes=1),
    )  # fmt: skip
    first, second = move.successor(), make_pod(move.workload, name="moved-9")
    move.settle()
    rooms = dict(Decision.objects.filter(kind=Kind.RESERVE).values_list("pod", "devices"))
    assert rooms == {first.pk: "3", second.pk: "4"}


@pytest.mark.parametrize(
    "how", ["deadline", "stopped", "assigned elsewhere", "eviction failed", "succeeded", "running anyway"]
)
def test_it_is_not_kept_for_ever(move: Move, how: str) -> None:
    move.record()
    move.settle()
    assert move.reserve.state == State.RECORDED
    if how == "deadline":
        move.stop()
        move.go()
        Decision.objects.filter(kind=Kind.RESERVE).update(deadline_at=timezone.now() - timedelta(seconds=1))
    elif how == "stopped":
        Workload.objects.filter(pk=move.workload.pk).update(desired=Workload.Desired.STOPPED)
    elif how == "assigned elsewhere":
        move.workload.assignment.pool = default_pool_of(move.pool.cluster)
        move.workload.assignment.save()
    elif how == "succeeded":
        Pod.objects.filter(pk=move.pod.pk).update(phase=Pod.Phase.SUCCEEDED)
        settle_seen(bound={}, stopping=[move.pod.pk])
    else:
        state = State.FAILED if how == "eviction failed" else State.VOID
        Decision.objects.filter(kind=Kind.EVICT).update(state=state)
    move.settle()
    assert move.reserve.state == State.VOID


def test_room_for_a_successor_may_be_moved_before_it_comes(move: Move) -> None:
    move.record()
    move.stop()
    move.go()
    before = move.reserve
    snapshot = take_snapshot(move.pool.pk)
    elsewhere = Reserve(before.pod, move.workload.pk, move.old.pk, (7,))
    record(move.tenure, Cycle(2, timezone.now(), snapshot, Decisions(reserves=(elsewhere,))), Samples())
    assert Decision.objects.get(pk=before.pk).state == State.VOID
    after = Decision.objects.get(kind=Kind.RESERVE, state=State.RECORDED)
    assert (after.node, after.devices, after.sub_group) == (move.old.pk, "7", before.sub_group)
    assert after.deadline_at == before.deadline_at, "no longer than before"
    successor = move.successor()
    move.settle()
    assert Decision.objects.get(pk=after.pk).pod == successor.pk


def test_it_falls_with_the_eviction_it_belongs_to(move: Move) -> None:
    cycle = move.cycle()
    Workload.objects.filter(pk=move.gang.pk).update(desired=Workload.Desired.STOPPED)
    record(move.tenure, cycle, Samples())
    assert not Decision.objects.exists(), "nobody is moved for who wants it no more"
    assert cycle.without({move.workload.pk}).decisions.evicts == cycle.decisions.evicts
    assert replace(cycle).without(set()).decisions == cycle.decisions


def test_the_audit_log_and_the_timeline_tell_of_it(move: Move) -> None:
    move.record()
    event = AuditEvent.objects.get(action="consolidate")
    assert (event.entity_name, event.after) == ("moved", {"for_workload": move.gang.pk, "pool": "gpu"})
    lines = [line.text for line in timeline_of(move.workload, make_user(role=ADMIN))]
    assert "Moved so that gang finds room in one place; it starts again elsewhere; 1 pod stopped" in lines
    assert "gpu: room kept for 1 pod until others have stopped" in lines
