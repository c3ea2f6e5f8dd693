"""Who is left out for a while because its starts failed, read from the decisions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from orgs.models import OrgUnit
from quotas.models import Pool
from scheduling.engine.decisions import WaitCode
from scheduling.loops.back_off import LONGEST_MS, pauses_of
from scheduling.models import Decision, Waiting, Workload
from tests.factories import make_workload
from tests.scheduling.loops.cold import take_snapshot

from .world import Steps, World

pytestmark = pytest.mark.django_db(transaction=True)
State = Decision.State


def placed(workload: Workload, cycle: int, at: datetime, state: State = State.FAILED, **fields: Any) -> None:
    values: dict[str, Any] = {"pool": workload.pool_id, "epoch": 1, "batch": workload.pk, "pod": cycle * 10}
    values |= {"kind": Decision.Kind.PLACE, "workload": workload.pk, "pod_uid": "x", "deadline_at": at}
    Decision.objects.create(cycle=cycle, at=at, state=state, **(values | fields))


@pytest.fixture
def workload(pool: Pool, project: OrgUnit) -> Workload:
    return make_workload("w", project, pool)


def pauses(workload: Workload, since: datetime) -> float | None:
    """Seconds from then on that it is left out for."""
    assert workload.pool_id is not None
    until = pauses_of(workload.pool_id).starts.get(workload.pk)
    return None if until is None else round(until / 1000 - since.timestamp())


def test_each_further_failure_doubles_the_pause(workload: Workload) -> None:
    now = timezone.now()
    seen = []
    for cycle in range(1, 12):
        placed(workload, cycle, now)
        seen.append(pauses(workload, now))
    assert seen == [None, None, 10, 20, 40, 80, 160, 320, 600, 600, LONGEST_MS // 1000]


def test_the_pods_of_a_gang_fail_once_together(workload: Workload) -> None:
    now = timezone.now()
    for pod in range(8):
        placed(workload, 1, now, pod=pod)
    assert pauses(workload, now) is None


def test_a_start_that_succeeds_ends_it(workload: Workload) -> None:
    now = timezone.now()
    for cycle in range(1, 6):
        placed(workload, cycle, now)
    placed(workload, 6, now, State.OBSERVED)
    assert pauses(workload, now) is None
    placed(workload, 7, now)
    assert pauses(workload, now) is None, "and what failed before it counts no more"


def test_only_failed_starts_of_the_last_hour_count(workload: Workload) -> None:
    now = timezone.now()
    for cycle in range(1, 6):
        placed(workload, cycle, now - timedelta(minutes=61))
        placed(workload, 10 + cycle, now, State.VOID)
        placed(workload, 20 + cycle, now, kind=Decision.Kind.EVICT)
    assert pauses(workload, now) is None


def test_the_next_cycle_leaves_it_out_and_says_so() -> None:
    world = World()
    workload = world.submit(world.project("p"), "w")
    steps = Steps(world)
    steps.observe()
    steps.observe()
    workload.refresh_from_db()
    now = timezone.now()
    for cycle in range(1, 4):
        placed(workload, cycle, now)
    steps.cycle()
    (seen,) = take_snapshot(world.pool.pk).workloads
    assert seen.backs_off_until_ms > now.timestamp() * 1000
    waiting = Waiting.objects.select_related("wait_class").get(workload=workload)
    assert waiting.wait_class.code == WaitCode.BACKING_OFF
    assert (
        not Decision.objects.filter(workload=workload.pk, kind=Decision.Kind.PLACE).exclude(state=State.FAILED).exists()
    )
