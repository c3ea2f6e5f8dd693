"""The watcher notices what must never be: each thing is planted once, and named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from portal.models import Lease
from scheduling.models import Decision, Pod, SimObject, Workload
from tests.factories import make_quota
from tests.scheduling.loops.world import Steps, World

from .accounts import unaccounted
from .checks import HALF_MS, half_there, violations
from .load import Ledger
from .moment import Moment, SimulatedTruth
from .moment import read as read_moment
from .recovery import Recovery, rounds
from .report import Outcome, page, percentile

pytestmark = pytest.mark.django_db(transaction=True)
KIND, State = Decision.Kind, Decision.State


def read() -> Moment:
    return read_moment(SimulatedTruth())


@pytest.fixture
def world() -> World:
    """A gang of two runs, with two GPUs each, on one node."""
    world = World()
    steps = Steps(world)
    world.submit(world.project("p"), "gang", pods=2, devices=2)
    steps.start()
    assert list(violations(read(), [])) == []
    return world


def pods() -> list[SimObject]:
    return list(SimObject.objects.filter(kind=SimObject.Kind.POD).order_by("pk"))


def change(pod: SimObject, **status: object) -> None:
    pod.status |= status
    pod.save()


def evict(code: str, state: int = State.SENT) -> Decision:
    """A decision to stop the first pod."""
    place = Decision.objects.order_by("pk")[0]
    place.pk, place.kind, place.code, place.state = None, KIND.EVICT, code, state
    place.for_workload = 7
    place.save(force_insert=True)
    return place


def one_device_for_two(world: World) -> None:
    change(pods()[1], devices=pods()[0].status["devices"])


def turned_away(world: World) -> None:
    change(pods()[1], phase="failed", message="big-01 lacks a free GPU for the pod.")


def cores_for_two(world: World) -> None:
    for pod in pods():
        pod.spec["cpu_millicores"] = 60_000
        pod.save()


def given_twice(world: World) -> None:
    Pod.objects.update(devices="0,1")


def second_pod(world: World) -> None:
    pod = pods()[0]
    pod.pk, pod.uid, pod.status = None, "another", {"phase": "pending"}
    pod.save(force_insert=True)


def one_decision_for_two(world: World) -> None:
    change(pods()[1], decision=pods()[0].status["decision"])


def started_by_nobody(world: World) -> None:
    Decision.objects.filter(pod_uid=pods()[0].uid).delete()


def started_elsewhere(world: World) -> None:
    change(pods()[0], node="big-02" if pods()[0].status["node"] == "big-01" else "big-01")


def two_decisions_for_one(world: World) -> None:
    place = Decision.objects.order_by("pk")[0]
    place.pk = None
    place.save(force_insert=True)


def stopped_by_nobody(world: World) -> None:
    change(pods()[0], deleting_ms=1)


@pytest.mark.parametrize(
    ("plant", "words"),
    [
        (one_device_for_two, "over-booked: GPU"),
        (turned_away, "over-booked: pod"),
        (cores_for_two, "over-booked: cpu_millicores"),
        (given_twice, "over-booked by decision"),
        (second_pod, "twice: pod 0"),
        (one_decision_for_two, "twice: decision"),
        (two_decisions_for_one, "was started by 2 decisions"),
        (started_by_nobody, "started without a decision"),
        (started_elsewhere, "started without a decision"),
        (stopped_by_nobody, "stopped without a decision"),
    ],
)
def test_is_noticed(world: World, plant: Callable[[World], None], words: str) -> None:
    plant(world)
    assert any(words in sentence for sentence in violations(read(), []))


def test_a_pod_that_was_decided_to_stop_is_well(world: World) -> None:
    stopped_by_nobody(world)
    evict("preempt")
    assert list(violations(read(), [])) == []


def test_room_on_its_way_to_a_pod_is_given_until_that_pod_stops(world: World) -> None:
    first, second = Pod.objects.order_by("pk")
    Decision.objects.filter(pod=second.pk).update(state=State.SENT, devices=first.devices)
    row = Pod.objects.filter(pk=second.pk)
    row.update(node=None, devices="", phase=Pod.Phase.PENDING)
    assert any("over-booked by decision" in sentence for sentence in violations(read(), []))
    row.update(phase=Pod.Phase.STOPPING)
    assert not any("over-booked by decision" in sentence for sentence in violations(read(), []))


def test_what_was_lost_inside_the_quota_is_noticed_and_what_was_above_is_not(world: World) -> None:
    project = Workload.objects.get().project
    before = read()
    evict("reclaim")
    assert list(violations(read(), [before])) == [], "it is guaranteed nothing"
    make_quota(project, world.pool, 4)
    assert [sentence[:21] for sentence in violations(read(), [before])] == ["lost inside its quota"]


def test_what_may_not_be_stopped_and_is_is_noticed(world: World) -> None:
    Workload.objects.update(preemptible=False)
    evict("preempt")
    assert any("lost what may not be stopped" in sentence for sentence in violations(read(), []))


def test_half_a_gang_is_noticed_once_it_is_there_for_long(world: World) -> None:
    second = pods()[1]
    del second.status["node"]
    second.save()
    since: dict[str, int] = {}
    moment = read()
    assert list(half_there(moment, since)) == []
    moment.at_ms += HALF_MS + 1
    assert [sentence[:10] for sentence in half_there(moment, since)] == ["half there"]
    change(second, node="big-01")
    assert list(half_there(read(), since)) == []
    assert since == {}


def test_the_accounts_name_what_is_lost_from_nowhere_wrong_or_left(world: World) -> None:
    ledger = Ledger()
    ledger.asked("gang", Workload.State.COMPLETED)
    ledger.acknowledged |= {"gang", "never"}
    found = list(unaccounted(ledger, SimulatedTruth()))
    for words in ("lost: never", "ended wrongly: gang", "left behind: job", "left behind: pod"):
        assert any(words in sentence for sentence in found), words
    assert "from nowhere: gang" in list(unaccounted(Ledger(), SimulatedTruth()))
    Workload.objects.get().delete()
    assert any("from nowhere: job" in sentence for sentence in unaccounted(ledger, SimulatedTruth()))


def test_a_lease_of_a_dead_worker_is_not_held() -> None:
    Lease.objects.create(name="loop:pool:1", holder="dead", expires_at=timezone.now() + timedelta(minutes=1))
    assert rounds() == {}


def test_the_page_says_what_was_found() -> None:
    outcome = Outcome(3, 1, [Recovery(1.0, "web killed", 2.0), Recovery(9.0, "web killed", 4.0)])
    assert outcome.is_well
    assert "| web killed | 2 | 2.0 | 4.0 | 4.0 |" in page(outcome)
    outcome.problems.append("over-booked: GPU 1")
    assert not outcome.is_well
    assert "over-booked: GPU 1" in page(outcome)


def test_percentiles() -> None:
    values = [float(number) for number in range(1, 21)]
    assert (percentile(values, 0.5), percentile(values, 0.95), percentile([], 0.5)) == (10.0, 19.0, 0.0)
