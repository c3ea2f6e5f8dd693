"""Old rows go, in batches; what is young, open or still in use stays."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from portal.services import purge as purging
from scheduling.models import Allocation, CycleReport, Decision, Event, PoolSample, SimObject, Workload
from scheduling.services.purge import purge
from tests.factories import make_allocation, make_node, make_pool, make_workload

pytestmark = pytest.mark.django_db


def ago(days: float) -> Any:
    return timezone.now() - timedelta(days=days)


def test_reports_samples_and_decisions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "BATCH", 2)
    pool = make_pool()
    for number, days in enumerate((8, 8.1, 8.2, 6)):
        CycleReport.objects.create(pool=pool, epoch=1, cycle=number, at=ago(days))
        PoolSample.objects.create(
            pool=pool,
            at=ago(days),
            gpu_milli=0,
            guaranteed_gpu_milli=0,
            over_gpu_milli=0,
            requested_gpu_milli=0,
            pending=0,
        )
    values: dict[str, Any] = {"pool": pool.pk, "epoch": 1, "cycle": 1, "batch": 1, "workload": 1, "kind": 2}
    for number, (days, state) in enumerate([(36, 5), (36, 2), (34, 5)]):
        Decision.objects.create(pod=number, at=ago(days), state=state, deadline_at=ago(days), **values)
    counts = purge()
    assert (counts["cyclereport"], counts["poolsample"], counts["decision"]) == (3, 3, 1)
    assert (CycleReport.objects.count(), PoolSample.objects.count()) == (1, 1)
    assert set(Decision.objects.values_list("pod", flat=True)) == {1, 2}, "an open one and a young one"


def test_ended_workloads_go_with_what_hangs_on_them() -> None:
    pool = make_pool()
    project = make_workload("young", pool=pool).project
    old: dict[str, Any] = {"state": Workload.State.COMPLETED, "is_active": False, "ended_at": ago(181)}
    gone = make_workload("old", project, pool, **old)
    Event.objects.create(workload=gone, code="completed")
    node = make_node("n", pool)
    for ended in (ago(181), ago(179)):
        make_allocation(gone, node, ago(190), ended)
    make_workload("object is there", project, pool, applied=True, **old)
    assert purge()["workload"] == 1
    assert set(Workload.objects.values_list("name", flat=True)) == {"young", "object is there"}
    assert Workload.objects.get(name="object is there").desired == Workload.Desired.DELETED
    assert not Event.objects.exists()
    assert Allocation.objects.count() == 1, "by its own end: what it held adds up with hours of others"


def test_nodes_and_simulated_objects() -> None:
    pool = make_pool()
    make_node("removed", pool, removed_at=ago(401))
    make_node("there", pool)
    now = time.time_ns() // 1_000_000
    for uid, deleted, due in (("a", True, now - 700_000), ("b", True, now), ("c", False, now - 700_000)):
        SimObject.objects.create(cluster=pool.cluster, kind=4, uid=uid, name=uid, deleted=deleted, due_ms=due)
    purge()
    assert list(pool.nodes.values_list("name", flat=True)) == ["there"]
    assert set(SimObject.objects.filter(kind=4).values_list("uid", flat=True)) == {"b", "c"}


def test_a_shorter_history_shortens_all_that_belongs_to_work(settings: Any) -> None:
    settings.HISTORY_DAYS = 2
    pool = make_pool()
    for days in (3, 1):
        make_workload(f"w{days}", state=Workload.State.COMPLETED, is_active=False, ended_at=ago(days))
        CycleReport.objects.create(pool=pool, epoch=1, cycle=days, at=ago(days))
    purge()
    assert list(Workload.objects.values_list("name", flat=True)) == ["w1"]
    assert list(CycleReport.objects.values_list("cycle", flat=True)) == [1]
