"""What a cycle knows of workloads: sub-groups, wishes about nodes, nearness, delays, staleness."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from orgs.models import OrgUnit
from quotas.models import Pool
from scheduling.engine.types import Near, Operator, Request, Requirement, Toleration
from scheduling.engine.types import Workload as EngineWorkload
from scheduling.models import Pod, SubGroup, Workload
from tests.factories import (
    make_node,
    make_pod,
    make_sub_group,
    make_topology,
    make_workload,
)
from tests.scheduling.loops.cold import take_snapshot

pytestmark = pytest.mark.django_db(transaction=True)


def only(pool: Pool) -> EngineWorkload:
    (found,) = take_snapshot(pool.pk).workloads
    return found


def waiting(pool: Pool, project: OrgUnit, **fields: Any) -> Workload:
    workload = make_workload("w", project, pool, **fields)
    make_pod(workload)
    return workload


def test_wishes_about_nodes(pool: Pool, project: OrgUnit) -> None:
    workload = waiting(pool, project)
    assert only(pool).sub_groups[0].request == Request(1, 1000, 1000, 1024**3)
    tolerations = [
        {"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoSchedule"},
        {"operator": "Exists"},
    ]
    placement = {"nodes": {"zone": "z1", "rack": "r7"}, "tolerations": tolerations}
    SubGroup.objects.filter(workload=workload).update(placement=placement, gpu_memory_mib=10_240)
    request = only(pool).sub_groups[0].request
    assert request.nodes == ((Requirement("rack", Operator.IN, ("r7",)), Requirement("zone", Operator.IN, ("z1",))),)
    assert request.tolerations == (Toleration(), Toleration("gpu", "yes", False, "NoSchedule"))
    assert (request.devices, request.device_memory_mib, request.amounts.gpu_milli) == (1, 10_240, 0)


def test_sub_groups_start_in_their_order(pool: Pool, project: OrgUnit) -> None:
    workload = make_workload("w", project, pool)
    launcher = workload.sub_groups.get()
    workers = make_sub_group(workload, "rest", 3, gpus=8, min_members=2)
    make_sub_group(workload, "evaluator", 1)
    make_pod(workload, sub_group=workers)
    make_pod(workload, sub_group=workers, phase=Pod.Phase.SUCCEEDED)
    make_pod(workload, sub_group=launcher)
    found = only(pool)
    groups = [(group.name, group.min_members, len(group.pods)) for group in found.sub_groups]
    assert groups == [("workers", 1, 1), ("rest", 1, 1), ("evaluator", 1, 0)]
    assert found.sub_groups[1].id == workers.pk
    assert found.has_succeeded_pods


def test_a_sub_group_without_pods_counts_for_who_waits_only(pool: Pool, project: OrgUnit) -> None:
    workload = make_workload("w", project, pool)
    make_sub_group(workload, "launcher")
    make_pod(workload, make_node(pool=pool), "0", sub_group=workload.sub_groups.get(name="workers"))
    assert [group.name for group in only(pool).sub_groups] == ["workers"]


def test_nearness_is_what_it_asks_for_or_what_the_pool_has_for_distributed_work(pool: Pool, project: OrgUnit) -> None:
    racks = make_topology("racks", pool.cluster, ["zone", "rack"])
    workload = waiting(pool, project, kind=Workload.Kind.DISTRIBUTED)
    assert only(pool).near is None
    Pool.objects.filter(pk=pool.pk).update(topology=racks)
    assert only(pool).near == Near(racks.pk, preferred="rack")
    Workload.objects.filter(pk=workload.pk).update(kind=Workload.Kind.TRAINING)
    assert only(pool).near is None
    halls = make_topology("halls", pool.cluster, ["hall"])
    Workload.objects.filter(pk=workload.pk).update(near_topology=halls, near_required="hall")
    assert only(pool).near == Near(halls.pk, required="hall")


def test_nobody_is_stopped_for_it_before_its_delay_is_over(pool: Pool, project: OrgUnit) -> None:
    workload = waiting(pool, project)
    assert only(pool).displaces_after_ms == 0
    Workload.objects.filter(pk=workload.pk).update(preemption_delay_seconds=600)
    created = workload.created_at.timestamp() * 1000
    assert only(pool).displaces_after_ms == pytest.approx(created + 600_000, abs=2)
    evicted = workload.created_at + timedelta(minutes=5)
    Workload.objects.filter(pk=workload.pk).update(evicted_at=evicted)
    assert only(pool).displaces_after_ms == pytest.approx(created + 900_000, abs=2)


def test_since_when_it_is_below_its_minimum(pool: Pool, project: OrgUnit) -> None:
    workload = waiting(pool, project)
    assert only(pool).stale_since_ms is None
    since = timezone.now()
    Workload.objects.filter(pk=workload.pk).update(stale_since=since)
    assert only(pool).stale_since_ms == pytest.approx(since.timestamp() * 1000, abs=2)
