"""Recording: one transaction, only what differs, nothing with an old epoch, nothing for who was moved meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orgs.models import OrgUnit
from portal.audit_words import changes
from portal.models import AuditEvent, Lease
from portal.services.lease import LeaseLost, lease_take
from quotas.models import Node, Pool, PoolSummary, UnitUsage
from scheduling.engine import decide
from scheduling.loops.cycle import Cycle
from scheduling.loops.record import record
from scheduling.loops.samples import Samples
from scheduling.loops.tenure import Tenure
from scheduling.models import (
    Assignment,
    CycleReport,
    Decision,
    PoolSample,
    WaitClass,
    Waiting,
    Workload,
)
from tests.factories import (
    default_pool_of,
    make_cluster,
    make_department,
    make_node,
    make_pod,
    make_pool,
    make_project,
    make_quota,
    make_workload,
)
from tests.scheduling.loops.cold import take_snapshot

pytestmark = pytest.mark.django_db(transaction=True)
Kind, State = Decision.Kind, Decision.State


class Bench:
    """A pool with one node of four GPUs, and what it takes to record its cycles."""

    def __init__(self) -> None:
        self.pool: Pool = make_pool("gpu", make_cluster())
        self.node: Node = make_node("n", self.pool, gpus=4)
        self.project: OrgUnit = make_project("p", make_department("d", self.pool.cluster))
        self.name = f"loop:pool:{self.pool.pk}"
        tenure = Tenure.take(self.name, "test")
        assert tenure is not None
        self.tenure = tenure
        self.samples = Samples()

    def waiting(self, name: str, gpus: int = 1, project: OrgUnit | None = None, pods: int = 1) -> Workload:
        workload = make_workload(name, project or self.project, self.pool, gpus=gpus, pods=pods)
        for _ in range(pods):
            make_pod(workload)
        return workload

    def decided(self) -> Cycle:
        self.tenure.cycle += 1
        snapshot = take_snapshot(self.pool.pk)
        timings = {"snapshot": 1000, "decide": 2000}
        return Cycle(self.tenure.cycle, timezone.now(), snapshot, decide(snapshot), timings=timings)

    def cycle(self) -> Cycle:
        cycle = self.decided()
        record(self.tenure, cycle, self.samples)
        return cycle


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_place_is_recorded_with_epoch_cycle_and_deadline(bench: Bench) -> None:
    workload = bench.waiting("w", gpus=2)
    cycle = bench.cycle()
    decision = Decision.objects.get()
    assert (decision.kind, decision.state, decision.workload) == (Kind.PLACE, State.RECORDED, workload.pk)
    assert (decision.epoch, decision.cycle, decision.batch) == (1, cycle.number, workload.pk)
    assert (decision.node, decision.devices, decision.pod_uid) == (
        bench.node.pk,
        "0,1",
        workload.pods.get().uid,
    )
    assert timedelta(0) < decision.deadline_at - decision.at <= timedelta(seconds=10)
    report = CycleReport.objects.get()
    assert report.counts == {"places": 1, "reserves": 0, "evicts": 0, "waits": 0}
    assert Lease.objects.get(name=bench.name).cycle == cycle.number


def test_a_late_writer_with_an_old_epoch_writes_nothing(bench: Bench) -> None:
    bench.waiting("w")
    cycle = bench.decided()
    Lease.objects.filter(name=bench.name).update(expires_at=timezone.now() - timedelta(minutes=1))
    assert lease_take(name=bench.name, holder="another") is not None
    with pytest.raises(LeaseLost):
        record(bench.tenure, cycle, bench.samples)
    for model in (Decision, CycleReport, UnitUsage, PoolSummary, PoolSample, WaitClass):
        assert not model._default_manager.exists(), model.__name__


@pytest.mark.parametrize("how", ["moved", "stopped", "ended"])
def test_who_is_no_longer_wanted_here_drops_out(bench: Bench, how: str) -> None:
    dropped, kept = bench.waiting("dropped"), bench.waiting("kept")
    cycle = bench.decided()
    assert len(cycle.decisions.places) == 2
    rows = Workload.objects.filter(pk=dropped.pk)
    if how == "moved":
        Assignment.objects.filter(workload=dropped).update(pool=default_pool_of(bench.pool.cluster))
    elif how == "stopped":
        rows.update(desired=Workload.Desired.STOPPED)
    else:
        rows.update(is_active=False, ended_at=timezone.now())
    record(bench.tenure, cycle, bench.samples)
    assert list(Decision.objects.values_list("workload", flat=True)) == [kept.pk]


def test_a_quiet_cycle_writes_nothing(bench: Bench) -> None:
    bench.waiting("fits")
    bench.waiting("too big", gpus=9)
    bench.cycle()
    bench.cycle()
    with CaptureQueriesContext(connection) as captured:
        bench.cycle()
    writes = [
        query["sql"]
        for query in captured
        if not query["sql"].startswith(("SELECT", "SET", "BEGIN", "ROLLBACK", "COMMIT"))
    ]
    assert writes == []
    assert CycleReport.objects.count() == 1


def test_workloads_that_are_alike_share_one_reason(bench: Bench) -> None:
    alike = [bench.waiting(f"w{number}", gpus=9) for number in range(3)]
    for workload in alike:
        workload.sub_groups.update(request_class=7)
    bench.cycle()
    reason = WaitClass.objects.get()
    assert (reason.code, reason.request_class, reason.project) == ("never_fits", 7, bench.project)
    assert reason.numbers["requested"] == 9000
    assert Waiting.objects.count() == 3

    since = Waiting.objects.get(workload=alike[0]).since
    bench.node.gpu_count = 16
    bench.node.save()
    bench.cycle()
    placed = Decision.objects.get().workload
    left = Waiting.objects.exclude(workload=placed).select_related("wait_class")
    assert [row.wait_class.code for row in left] == ["short", "short"]
    assert left[0].since == since
    assert not Waiting.objects.filter(workload=placed).exists()
    assert WaitClass.objects.count() == 1


def test_usage_adds_up_to_the_clusters_row(bench: Bench) -> None:
    other = make_project("q", make_department("e", bench.pool.cluster))
    make_quota(bench.project, bench.pool, gpus=1)
    make_quota(other, bench.pool, gpus=2)
    bench.waiting("a", gpus=2)
    bench.waiting("b", gpus=1, project=other)
    bench.waiting("c", gpus=3, project=other)
    bench.cycle()
    rows = {row.unit.name: row for row in UnitUsage.objects.select_related("unit")}
    assert (rows["p"].gpu_milli, rows["p"].over_gpu_milli, rows["p"].running) == (2000, 1000, 1)
    assert (rows["q"].gpu_milli, rows["q"].requested_gpu_milli, rows["q"].pending) == (1000, 4000, 1)
    assert rows["q"].starving_since is not None
    assert rows["p"].starving_since is None
    assert (rows["d"].gpu_milli, rows["d"].over_gpu_milli) == (2000, 1000)
    whole = rows[bench.pool.cluster.name]
    assert (whole.gpu_milli, whole.over_gpu_milli, whole.requested_gpu_milli) == (3000, 1000, 6000)
    assert (whole.running, whole.pending, whole.cpu_millicores) == (2, 1, 2000)
    summary = PoolSummary.objects.get()
    assert (summary.nodes, summary.ready, summary.gpu_milli, summary.allocated_gpu_milli) == (1, 1, 4000, 3000)
    assert (summary.requested_gpu_milli, summary.over_gpu_milli, summary.pending) == (3000, 1000, 1)
    assert summary.free_slots == {"1": 1, "share": 1000}
    sample = PoolSample.objects.get()
    assert (sample.guaranteed_gpu_milli, sample.over_gpu_milli, sample.cycles) == (2000, 1000, 1)


def test_a_reclaim_is_recorded_with_its_reserve_and_told_in_the_audit_log(bench: Bench) -> None:
    owner = make_project("owner", make_department("o", bench.pool.cluster))
    make_quota(owner.parent, bench.pool, gpus=4)
    make_quota(owner, bench.pool, gpus=4)
    victim = make_workload("victim", bench.project, bench.pool, gpus=4)
    make_pod(victim, bench.node, "0,1,2,3")
    wanted = bench.waiting("wanted", gpus=4, project=owner)
    bench.cycle()
    kinds = {decision.kind: decision for decision in Decision.objects.all()}
    assert set(kinds) == {Kind.EVICT, Kind.RESERVE}
    assert (kinds[Kind.EVICT].for_workload, kinds[Kind.EVICT].batch) == (wanted.pk, wanted.pk)
    assert kinds[Kind.EVICT].code == "reclaim"
    event = AuditEvent.objects.get(action="reclaim")
    assert (event.action, event.entity, event.entity_name, event.unit) == (
        "reclaim",
        "workload",
        "victim",
        bench.project.pk,
    )
    assert event.after["for_workload"] == wanted.pk
    over = OrgUnit.objects.get(pk=event.after["unit_id"])
    assert (event.after["unit"], event.after["pool"]) == (over.name, bench.pool.name)
    words = {change.field: change.after for change in changes(event)}
    assert (words["unit"], words["pool"]) == (over.name, bench.pool.name)
    hidden = {change.field: change.after for change in changes(event, {})}
    assert hidden["unit"] == "one that you may not see"
    assert Waiting.objects.get(workload=wanted).wait_class.code == "room_reserved"

    bench.cycle()
    assert Decision.objects.count() == 2, "what is under way is not decided again"
    victim.pods.all().delete()
    Decision.objects.filter(kind=Kind.EVICT).update(state=State.OBSERVED)
    bench.cycle()
    assert Decision.objects.get(kind=Kind.PLACE).workload == wanted.pk
    assert Decision.objects.get(kind=Kind.RESERVE).state == State.OBSERVED


def test_evictions_fall_with_who_they_were_for(bench: Bench) -> None:
    owner = make_project("owner", make_department("o", bench.pool.cluster))
    make_quota(owner.parent, bench.pool, gpus=4)
    make_quota(owner, bench.pool, gpus=4)
    victim = make_workload("victim", bench.project, bench.pool, gpus=4)
    make_pod(victim, bench.node, "0,1,2,3")
    wanted = bench.waiting("wanted", gpus=4, project=owner)
    cycle = bench.decided()
    assert cycle.decisions.evicts
    Workload.objects.filter(pk=wanted.pk).update(desired=Workload.Desired.STOPPED)
    record(bench.tenure, cycle, bench.samples)
    assert not Decision.objects.exists()
    assert not AuditEvent.objects.filter(action="reclaim").exists()


def test_one_pod_is_never_started_twice_whoever_tries(bench: Bench) -> None:
    bench.waiting("w")
    cycle = bench.decided()
    record(bench.tenure, cycle, bench.samples)
    with pytest.raises(IntegrityError):
        record(bench.tenure, replace(cycle, number=cycle.number + 1), bench.samples)
    assert Decision.objects.count() == 1
    assert CycleReport.objects.count() == 1


def test_the_number_of_queries_does_not_grow_with_the_pods(bench: Bench) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            bench.cycle()
        return len(captured)

    bench.waiting("first")
    few = queries()
    for number in range(10):
        make_node(f"more-{number}", bench.pool, gpus=4)
    for number in range(30):
        bench.waiting(f"w{number}")
    assert queries() <= few + 2
    assert Decision.objects.count() == 31
