"""How long a project waits for what is guaranteed to it, and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from portal.actor import SYSTEM
from quotas.services.quota import quota_set
from scheduling.engine import decide
from scheduling.loops.cycle import Cycle
from scheduling.loops.promises import debts_of
from scheduling.models import PromiseRecord
from scheduling.services.workload import workload_stop
from tests.factories import make_pod, make_project, make_quota, make_workload
from tests.scheduling.loops.cold import take_snapshot

from .test_history import Bench
from .world import Steps, World

pytestmark = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def test_from_the_first_cycle_below_quota_until_it_runs() -> None:
    """Four GPUs of another go back to whom they are guaranteed."""
    world = World()
    owner, guest = world.project("owner"), world.project("guest")
    quota_set(actor=SYSTEM, unit=owner, pool=world.pool, gpu_milli=4000)
    for name in ("g1", "g2"):
        world.submit(guest, name, devices=4)
    steps = Steps(world)
    steps.start()
    world.submit(owner, "own", devices=4)
    steps.observe()
    steps.observe()
    steps.cycle()
    row = PromiseRecord.objects.get()
    assert (row.project, row.owed_gpu_milli, row.had_gpu_milli, row.cause) == (owner, 4000, 0, "room_reserved")
    for _ in range(4):
        steps.later(5)
        steps.cycle()
    row.refresh_from_db()
    assert row.got
    assert row.ended_at is not None
    assert row.causes.keys() == {"room_reserved"}


def test_what_is_taken_back_was_not_got() -> None:
    bench = Bench()
    make_quota(bench.project, bench.pool, 4)
    bench.run(4)
    bench.pool.nodes.update(schedulable=False)
    workload = make_workload(project=bench.project, pool=bench.pool, gpus=1)
    make_quota(bench.project.parent, bench.pool, 8)
    make_pod(workload)
    bench.project.quotas.update(gpu_milli=6000)
    bench.cycle(NOON)
    assert PromiseRecord.objects.get().cause == "no_ready_node"
    workload_stop(actor=SYSTEM, workload=workload)
    bench.cycle(NOON + timedelta(minutes=3))
    row = PromiseRecord.objects.get()
    assert (row.got, row.ended_at, row.causes) == (False, NOON + timedelta(minutes=3), {"no_ready_node": 180})


@pytest.mark.parametrize(
    ("quota", "asks", "owed"),
    [(4, 4, 4000), (2, 4, None), (0, 1, None), (4, 16, None), (6, 2, 2000)],
    ids=["inside", "more than its quota", "no quota", "no node has it", "part of it"],
)
def test_only_what_fits_inside_quota_is_owed(quota: int, asks: int, owed: int | None) -> None:
    """Of a node that takes nothing now."""
    bench = Bench()
    make_quota(bench.project, bench.pool, quota)
    bench.pool.nodes.update(schedulable=False)
    make_pod(make_workload(project=bench.project, pool=bench.pool, gpus=asks))
    snapshot = take_snapshot(bench.pool.pk)
    cycle = Cycle(1, timezone.now(), snapshot, decide(snapshot))
    found = dict(debts_of(cycle))
    assert [debt.owed_gpu_milli for debt in found.values()] == ([owed] if owed else [])


def test_causes_are_counted_one_after_the_other() -> None:
    bench = Bench()
    make_quota(bench.project, bench.pool, 4)
    bench.pool.nodes.update(schedulable=False)
    workload = make_workload(project=bench.project, pool=bench.pool, gpus=4)
    make_pod(workload)
    bench.cycle(NOON)
    bench.pool.nodes.update(schedulable=True)
    other = make_project("other", bench.project.parent)
    make_quota(other, bench.pool, 1)
    pod = make_pod(make_workload(project=other, pool=bench.pool, preemptible=False), bench.node, "0")
    bench.cycle(NOON + timedelta(seconds=30))
    bench.cycle(NOON + timedelta(seconds=60))
    row = PromiseRecord.objects.get()
    assert row.causes == {"no_ready_node": 30}
    assert row.cause == "short"
    pod.delete()
    bench.cycle(NOON + timedelta(seconds=90))
    row.refresh_from_db()
    assert (row.got, row.causes) == (True, {"no_ready_node": 30, "short": 60})
