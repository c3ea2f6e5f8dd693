"""What waits goes to another of its pools only where it would start at once, and never starts twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.actor import SYSTEM
from portal.models import Lease
from portal.services.lease import LeaseLost, lease_take
from quotas.models import PoolSummary
from quotas.services.pool import pool_delete
from scheduling.events import event_text
from scheduling.loops.assigner import Assigner
from scheduling.models import Assignment, Decision, Event, Pod, PoolChoice, PoolTry, SimObject, Waiting, Workload
from scheduling.services.workload import workload_stop
from tests.factories import make_quota

from .two_pools import BOTH, Pools, moves_of, pool_of

pytestmark = pytest.mark.django_db(transaction=True)
State = Workload.State


@pytest.fixture
def pools() -> Pools:
    return Pools()


def state_of(workload: Workload) -> Workload.State:
    workload.refresh_from_db()
    return State(workload.state)


def test_it_waits_in_its_first_pool_and_starts_in_its_second(pools: Pools) -> None:
    pools.fill()
    workload = pools.submit("spills")
    pools.observe()
    pools.cycles()
    assert Waiting.objects.get(workload=workload).wait_class.code == "short"
    assert pools.assign() == 1
    assert pool_of(workload) == "second"
    assignment = Assignment.objects.get(workload=workload)
    assert (assignment.epoch, assignment.moves) == (2, 1)
    assert not Waiting.objects.filter(workload=workload).exists()

    pools.observe()
    pools.cycles()
    pools.observe()
    pools.steps.later(3)
    assert state_of(workload) is State.RUNNING
    pod = Pod.objects.get(workload=workload)
    assert pod.charged_pool == pod.pool == pools.second
    (numbers,) = moves_of(workload)
    assert (numbers["from"], numbers["to"], numbers["code"]) == ("gpu", "second", "short")
    text = event_text("moved", numbers)
    assert text.startswith("Moved from gpu to second, where it starts at once; it had waited ")
    assert text.endswith(": 4 GPUs short in gpu")
    tries = dict(PoolTry.objects.filter(workload=workload).values_list("pool__name", "code"))
    assert tries == {"gpu": "short", "second": "now"}


def test_labels_follow_the_assignment(pools: Pools) -> None:
    pools.fill()
    workload = pools.submit("spills")
    pools.observe()
    pools.cycles()
    assert set(Pod.objects.filter(workload=workload).values_list("pool__name", flat=True)) == {"gpu"}
    pools.assign()
    pools.observe()
    assert set(Pod.objects.filter(workload=workload).values_list("pool__name", flat=True)) == {"second"}
    there = SimObject.objects.filter(cluster=pools.world.cluster, deleted=False, uid=str(workload.uid))
    assert there.get().spec["pool"] == "second"


def test_the_wait_is_a_setting(pools: Pools) -> None:
    PoolChoice.objects.update(wait_seconds=120)
    pools.fill()
    workload = pools.submit("patient")
    pools.round()
    assert pool_of(workload) == "gpu"
    assert PoolTry.objects.get(workload=workload, pool=pools.second).code == "now"
    Assignment.objects.update(at=timezone.now() - timedelta(seconds=121))
    Workload.objects.filter(pk=workload.pk).update(state_since=timezone.now() - timedelta(seconds=121))
    pools.assigner = Assigner(pools.world.cluster.pk, pools.assigner.wake)
    assert pools.assign() == 1
    assert pool_of(workload) == "second"


def test_who_can_never_start_where_it_is_does_not_wait(pools: Pools) -> None:
    PoolChoice.objects.update(wait_seconds=3600)
    make_quota(pools.project, pools.first, 0, over_quota=False)
    pools.told()
    blocked = pools.submit("blocked")
    pools.round()
    assert pool_of(blocked) == "second"


def test_it_stays_where_no_pool_would_start_it(pools: Pools) -> None:
    pools.fill()
    pools.fill("second")
    workload = pools.submit("waits")
    pools.round()
    pools.round()
    assert pool_of(workload) == "gpu"
    assert moves_of(workload) == []


def test_room_is_given_away_once(pools: Pools) -> None:
    pools.fill()
    waiting = [pools.submit(f"w{number}") for number in range(3)]
    pools.observe()
    pools.cycles()
    assert pools.assign() == 1
    assert pools.assign() == 0, "the loop has not looked yet: the room counts as taken"
    assert [pool_of(workload) for workload in waiting] == ["second", "gpu", "gpu"]
    pools.round()
    assert pools.assign() == 0
    assert [state_of(workload) for workload in waiting[1:]] == [State.WAITING, State.WAITING]


def test_it_goes_back_to_the_pool_that_it_prefers(pools: Pools) -> None:
    filler = pools.fill()
    workload = pools.submit("returns")
    pools.observe()
    pools.cycles()
    pools.assign()
    rival = pools.submit("rival", pools=["second"], priority=100)
    pools.observe()
    pools.cycles()
    pools.observe()
    assert (pool_of(workload), state_of(rival)) == ("second", State.STARTING)
    workload_stop(actor=SYSTEM, workload=filler)
    for step in range(1, 6):
        pools.steps.later(40 * step)
    pools.cycles()
    assert pools.assign() == 1, list(PoolTry.objects.values())
    assert pool_of(workload) == "gpu"
    assert event_text("moved", moves_of(workload)[-1]).startswith("Moved back from second to gpu, where it starts at")
    assert Assignment.objects.get(workload=workload).moves == 1, "a way back is not counted"


def test_moves_are_bounded(pools: Pools) -> None:
    PoolChoice.objects.update(most_moves=0)
    pools.fill()
    workload = pools.submit("stays")
    pools.round()
    pools.round()
    assert pool_of(workload) == "gpu"


def test_what_runs_never_moves(pools: Pools) -> None:
    pools.fill("second")
    running = pools.submit("runs", pools=["second", "gpu"])
    pools.round()
    pools.steps.later(3)
    assert (pool_of(running), state_of(running)) == ("gpu", State.RUNNING)
    Workload.objects.filter(name__startswith="fills").update(desired=Workload.Desired.STOPPED)
    for step in range(1, 6):
        pools.steps.later(40 * step)
    pools.cycles()
    assert pools.assign() == 0
    assert pool_of(running) == "gpu"


def test_nothing_is_moved_for_which_something_is_decided(pools: Pools) -> None:
    workload = pools.submit("starts")
    pools.observe()
    seen = pools.assigner._list
    seen.look()
    pools.cycle(pools.first)
    assert Decision.objects.filter(workload=workload.pk).exists()
    pools.fill()
    assert pools.assign() == 0
    assert pool_of(workload) == "gpu"


def test_reclaim_inside_its_quota_counts_as_a_start(pools: Pools) -> None:
    make_quota(pools.project.parent, pools.second, 4)  # type: ignore[arg-type]
    make_quota(pools.project, pools.second, 4)
    pools.fill()
    other = pools.world.project("other")
    pools.told()
    borrower = pools.world.submit(other, "borrows", devices=4, pools=["second"])
    pools.round()
    pools.steps.later(3)
    owner = pools.submit("owner")
    pools.observe()
    pools.cycles()
    pools.assign()
    assert pool_of(owner) == "second"
    assert moves_of(owner)[0]["after_reclaim"]
    pools.observe()
    pools.cycles()
    evicted = Decision.objects.get(kind=Decision.Kind.EVICT)
    assert (evicted.workload, evicted.for_workload) == (borrower.pk, owner.pk)


def test_an_old_epoch_moves_nothing(pools: Pools) -> None:
    pools.fill()
    workload = pools.submit("w")
    pools.observe()
    pools.cycles()
    Lease.objects.filter(name=pools.tenure.name).update(expires_at=timezone.now() - timedelta(minutes=1))
    assert lease_take(name=pools.tenure.name, holder="another") is not None
    with pytest.raises(LeaseLost):
        pools.assign()
    assert pool_of(workload) == "gpu"
    assert not PoolTry.objects.filter(workload=workload).exists()
    assert not Event.objects.filter(code="moved").exists()


def test_a_pool_of_which_no_loop_tells_is_offered_to_nobody(pools: Pools) -> None:
    pools.fill()
    workload = pools.submit("w")
    pools.observe()
    pools.cycle(pools.first)
    PoolSummary.objects.filter(pool=pools.second).update(as_of=timezone.now() - timedelta(minutes=2))
    assert pools.assign() == 0
    assert pool_of(workload) == "gpu"


def test_without_an_assignment_it_gets_one(pools: Pools) -> None:
    workload = pools.submit("lost")
    Assignment.objects.filter(workload=workload).delete()
    Workload.objects.filter(pk=workload.pk).update(pool=None)
    assert pools.assign() == 1
    assert pool_of(workload) == "gpu"


def test_a_quiet_cluster_costs_three_short_queries(pools: Pools) -> None:
    pools.fill()
    pools.submit("w", pools=["gpu"])
    pools.round()
    pools.assign()
    with CaptureQueriesContext(connection) as captured:
        assert pools.assign() == 0
    assert len(captured) <= 3, [query["sql"] for query in captured]


def test_the_number_of_queries_does_not_grow_with_what_waits(pools: Pools) -> None:
    def queries(number: int) -> int:
        for each in range(number):
            pools.submit(f"w{number}-{each}", devices=8, node_labels={"rack": f"r{each % 3}"} if each % 2 else {})
        pools.observe()
        pools.cycles()
        with CaptureQueriesContext(connection) as captured:
            pools.assign()
        return len(captured)

    pools.fill()
    few = queries(3)
    assert queries(30) <= few


def test_pools_that_are_gone_are_left_out(pools: Pools) -> None:
    pools.fill()
    workload = pools.submit("w", pools=BOTH)
    pools.observe()
    pools.cycles()
    pool_delete(actor=SYSTEM, pool=pools.second)
    assert pools.assign() == 0
    assert pool_of(workload) == "gpu"
