"""The assigner beside loops, people and others of its kind: whoever is second sees what the first has done."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db.models import Count
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from portal.actor import SYSTEM
from portal.errors import Refused
from quotas.services.pool import pool_delete
from scheduling.choosing import Choice
from scheduling.engine import decide
from scheduling.forecast import Outcome
from scheduling.loops.assigner import Assigner
from scheduling.loops.cycle import Cycle
from scheduling.loops.reassign import reassign
from scheduling.loops.record import record
from scheduling.loops.samples import Samples
from scheduling.loops.waiting_list import WaitingList
from scheduling.models import OPEN_STATES, Assignment, Decision, Event, Pod, SimObject, Workload
from scheduling.services.workload import workload_delete, workload_stop
from tests.at_once import at_once
from tests.cluster.waiting import eventually
from tests.examples import examples
from tests.scheduling.loops.cold import take_snapshot

from .two_pools import Pools, pool_of

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 6


def move(pools: Pools, workload: Workload) -> Callable[[], object]:
    """To the second pool, as it was seen now."""
    waiting = WaitingList(pools.world.cluster.pk)
    waiting.look()
    choice = Choice(waiting.candidates[workload.pk], pools.second.pk, Outcome.NOW, None)
    return lambda: reassign(pools.tenure, pools.world.cluster.pk, [choice], [], waiting.pools, timezone.now())


def seen(pools: Pools, name: str) -> Workload:
    """It waits in its first pool, where it could start, and has its pod."""
    workload = pools.submit(name, devices=1)
    eventually(lambda: pools.observe() or workload.pods.exists())  # type: ignore[func-returns-value]
    return workload


@pytest.mark.postgres
def test_a_start_and_a_move_never_both_happen() -> None:
    pools = Pools()
    _, tenure = pools.loops[pools.first.pk]
    for number in range(ROUNDS):
        workload = seen(pools, f"w{number}")
        tenure.cycle += 1
        snapshot = take_snapshot(pools.first.pk)
        cycle = Cycle(tenure.cycle, timezone.now(), snapshot, decide(snapshot))
        assert workload.pk in cycle.starting
        assert at_once(lambda cycle=cycle: record(tenure, cycle, Samples()), move(pools, workload)) == []
        started = Decision.objects.filter(workload=workload.pk, state__in=OPEN_STATES).exists()
        assert started == (pool_of(workload) == "gpu")
        Workload.objects.filter(pk=workload.pk).update(desired=Workload.Desired.STOPPED)


@pytest.mark.postgres
def test_a_pool_that_is_deleted_takes_nobody_along() -> None:
    pools = Pools()
    workload = seen(pools, "w")
    raised = at_once(lambda: pool_delete(actor=SYSTEM, pool=pools.second), move(pools, workload))
    assert all(isinstance(problem, Refused) for problem in raised), raised
    assert pool_of(workload) == ("second" if raised else "gpu")


@pytest.mark.postgres
@pytest.mark.parametrize("act", [workload_stop, workload_delete])
def test_who_is_stopped_or_deleted_meanwhile_ends_wherever_it_is(act: Callable[..., object]) -> None:
    pools = Pools()
    workload = seen(pools, "w")
    assert at_once(lambda: act(actor=SYSTEM, workload=workload), move(pools, workload)) == []
    pool_of(workload)
    for step in range(1, 4):
        pools.steps.later(40 * step)
    workload.refresh_from_db()
    assert not workload.is_active


def test_what_was_seen_before_another_move_moves_nothing() -> None:
    pools = Pools()
    workload = seen(pools, "w")
    first, second = move(pools, workload), move(pools, workload)
    assert first() == [workload.pk]
    assert second() == [], "the epoch is another"
    assert Event.objects.filter(workload=workload, code="moved").count() == 1


ACTS = ("submit", "fill", "stop", "first", "second", "assign", "die", "observe", "later")


@given(st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 7)), min_size=8, max_size=24))
@examples(5)
def test_whatever_happens_nothing_is_lost_and_nothing_twice(acts: list[tuple[str, int]]) -> None:
    pools = Pools(most_moves=2)
    made: list[Workload] = []
    for step, (act, number) in enumerate(acts):
        if act == "submit":
            made.append(pools.submit(f"w{step}", devices=1 + number % 4, pods=1 + number % 2))
        elif act == "fill":
            made.append(pools.submit(f"w{step}", devices=4, pods=1 + number % 2, pools=["gpu", "second"][number % 2 :]))
        elif act == "stop" and made:
            workload = Workload.objects.get(pk=made[number % len(made)].pk)
            if workload.is_active:
                workload_stop(actor=SYSTEM, workload=workload)
        elif act in ("first", "second"):
            pools.cycle(getattr(pools, act))
        elif act == "assign":
            pools.assign()
        elif act == "die":
            pools.assigner = Assigner(pools.world.cluster.pk, pools.assigner.wake)
        elif act == "later":
            pools.steps.later(3 + step)
        else:
            pools.observe()
        check(pools)
    for _ in range(3):
        pools.round()
    check(pools)
    wrong = Pod.objects.filter(workload__cluster=pools.world.cluster, phase=Pod.Phase.PENDING, node=None).exclude(
        pool__in=Assignment.objects.filter(workload__cluster=pools.world.cluster).values("pool")
    )
    assert not wrong.exists()


def check(pools: Pools) -> None:
    """Everybody has one pool, bounded moves, and pods in that pool only; each pod is bound once."""
    cluster = pools.world.cluster
    for workload in Workload.objects.filter(cluster=cluster, is_active=True).select_related("assignment"):
        assignment = workload.assignment
        assert assignment.pool_id == workload.pool_id
        assert assignment.moves <= 2
        places = Decision.objects.filter(workload=workload.pk, kind=Decision.Kind.PLACE, state__in=OPEN_STATES)
        assert set(places.values_list("pool", flat=True)) <= {assignment.pool_id}
        held = workload.pods.filter(phase__lte=Pod.Phase.RUNNING, node__isnull=False)
        assert set(held.values_list("charged_pool", flat=True)) <= {assignment.pool_id}
    jobs = SimObject.objects.filter(cluster=cluster, kind=SimObject.Kind.JOB, deleted=False)
    assert not jobs.values("uid").annotate(number=Count("id")).filter(number__gt=1).exists()
    for node in cluster.nodes.all():
        devices = [
            device
            for pod in node.pods.filter(phase__lte=Pod.Phase.STOPPING)
            for device in pod.devices.split(",")
            if device
        ]
        assert len(devices) == len(set(devices)), "a GPU is held twice"
