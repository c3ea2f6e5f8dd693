"""What a cycle looks at is what the rows say, with everything under way counted as done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orgs.models import OrgUnit
from quotas.models import Pool, Rank
from scheduling.engine.types import Amounts, Bounds, PodState, Snapshot
from scheduling.engine.types import Pod as EnginePod
from scheduling.loops.thread import Gone
from scheduling.models import Decision, Pod, SubGroup, Workload
from tests.factories import (
    default_pool_of,
    make_department,
    make_node,
    make_pod,
    make_project,
    make_quota,
    make_workload,
)
from tests.scheduling.loops.cold import take_snapshot

pytestmark = pytest.mark.django_db(transaction=True)
GIB = 1024**3


def pods_of(snapshot: Snapshot) -> list[EnginePod]:
    return [pod for workload in snapshot.workloads for group in workload.sub_groups for pod in group.pods]


def decide(kind: Decision.Kind, pod: Pod, **fields: Any) -> Decision:
    values: dict[str, Any] = {"pool": pod.workload.pool_id, "epoch": 1, "cycle": 1, "batch": pod.workload_id}
    values |= {"deadline_at": timezone.now() + timedelta(seconds=10)}
    return Decision.objects.create(
        kind=kind, pod=pod.pk, workload=pod.workload_id, pod_uid=pod.uid, **(values | fields)
    )


def test_nodes_have_what_others_leave(pool: Pool, project: OrgUnit) -> None:
    plain = make_node("a", pool, gpus=4, foreign_gpu_milli=1000, foreign_cpu_millicores=2000, foreign_pods=3)
    make_node("b", pool, gpus=4, schedulable=False)
    make_node("c", pool, gpus=4, state=2)
    make_node("gone", pool, removed_at=timezone.now())
    make_node("elsewhere", default_pool_of(pool.cluster))
    # A node that has moved here with a pod on it, which stays charged to the pool it was bound in.
    stranger = make_workload("s", project, default_pool_of(pool.cluster), gpus=2)
    make_pod(stranger, plain, charged_pool=default_pool_of(pool.cluster))
    first, *rest = take_snapshot(pool.pk).nodes
    assert (first.name, first.devices, first.ready, first.pod_slots) == ("a", 4, True, 110 - 3 - 1)
    assert first.capacity == Amounts(4000 - 1000 - 2000, 64_000 - 2000 - 1000, 4 * 128 * GIB - GIB)
    assert [(node.name, node.ready) for node in rest] == [("b", False), ("c", False)]


def test_units_come_parents_first_with_what_they_are_given(pool: Pool, project: OrgUnit) -> None:
    nested = make_department("nested", project.parent)
    leaf = make_project("leaf", nested)
    make_quota(project, pool, gpus=2, cpu_millicores=5000, rank=Rank.HIGH, limit_gpu_milli=4000, over_quota=False)
    make_quota(project, default_pool_of(pool.cluster), gpus=99)
    units = {unit.name: unit for unit in take_snapshot(pool.pk).units}
    assert list(units) == ["default", "d", "p", "nested", "leaf"]
    assert (units["d"].parent, units["p"].parent, units["leaf"].parent) == (None, project.parent_id, nested.pk)
    given = units["p"]
    assert (given.quota, given.limit) == (Bounds(2000, 5000, None), Bounds(4000, None, None))
    assert (given.rank, given.weight_milli, given.over_quota) == (3, 2000, False)
    best_effort = units["leaf"]
    assert (best_effort.quota, best_effort.over_quota, best_effort.blocked) == (Bounds(0, None, None), True, False)
    assert best_effort.created_ms == round(leaf.created_at.timestamp() * 1000)


def test_the_default_department_has_what_its_projects_have(pool: Pool) -> None:
    default = OrgUnit.objects.get(parent=pool.cluster, name="default")
    make_quota(make_project("one", default), pool, gpus=2, cpu_millicores=1000)
    make_quota(make_project("two", default), pool, gpus=3, cpu_millicores=2000)
    make_project("three", default)
    unit = next(unit for unit in take_snapshot(pool.pk).units if unit.id == default.pk)
    assert unit.quota == Bounds(5000, None, None), "one project has no bound on cores"
    assert unit.over_quota


def test_pods_are_what_they_will_be_when_everything_under_way_is_done(pool: Pool, project: OrgUnit) -> None:
    node = make_node("n", pool)
    workload = make_workload("w", project, pool, pods=6, gpus=1)
    pending, starting, kept, running, stopping, evicted = (
        make_pod(workload, name="a-pending"),
        make_pod(workload, name="b-starting"),
        make_pod(workload, name="c-kept"),
        make_pod(workload, node, "3", name="d-running"),
        make_pod(workload, node, "4", name="e-stopping", phase=Pod.Phase.STOPPING),
        make_pod(workload, node, "5", name="f-evicted"),
    )
    decide(Decision.Kind.PLACE, starting, node=node.pk, devices="1", state=Decision.State.UNKNOWN)
    decide(Decision.Kind.RESERVE, kept, node=node.pk, devices="2")
    decide(Decision.Kind.EVICT, evicted, state=Decision.State.SENT)
    decide(Decision.Kind.PLACE, pending, node=node.pk, state=Decision.State.FAILED)
    decide(Decision.Kind.EVICT, running, state=Decision.State.VOID)
    assert pods_of(take_snapshot(pool.pk)) == [
        EnginePod(pending.pk),
        EnginePod(starting.pk, PodState.BOUND, node.pk, (1,)),
        EnginePod(kept.pk, reserved_node=node.pk, reserved_devices=(2,)),
        EnginePod(running.pk, PodState.BOUND, node.pk, (3,)),
        EnginePod(stopping.pk, PodState.RELEASING, node.pk, (4,)),
        EnginePod(evicted.pk, PodState.RELEASING, node.pk, (5,)),
    ]


def test_a_workload_is_there_with_what_the_engine_needs_of_it(pool: Pool, project: OrgUnit) -> None:
    started = timezone.now() - timedelta(minutes=5)
    workload = make_workload("w", project, pool, gpus=2, pods=3, priority=75, preemptible=False, started_at=started)
    make_pod(workload)
    make_pod(workload, phase=Pod.Phase.SUCCEEDED)
    (found,) = take_snapshot(pool.pk).workloads
    assert (found.id, found.unit, found.priority, found.preemptible) == (workload.pk, project.pk, 75, False)
    assert found.started_ms == pytest.approx(started.timestamp() * 1000, abs=1)
    (group,) = found.sub_groups
    assert (group.id, group.request.devices, group.request.cpu_millicores) == (
        SubGroup.objects.get(workload=workload).pk,
        2,
        1000,
    )
    assert (group.min_members, len(group.pods)) == (2, 1), "one of the three has done its part"


def test_who_is_not_tried_here_is_not_there_but_what_holds_room_is(pool: Pool, project: OrgUnit) -> None:
    node = make_node("n", pool)
    make_pod(make_workload("elsewhere", project, default_pool_of(pool.cluster)))
    make_pod(make_workload("stopped", project, pool, desired=Workload.Desired.STOPPED))
    make_workload("no pods yet", project, pool)
    ended = make_workload("ended", project, pool, state=Workload.State.FAILED)
    make_pod(ended, node, "0", phase=Pod.Phase.STOPPING)
    moved = make_workload("moved", project, default_pool_of(pool.cluster))
    make_pod(moved, node, "1")
    assert [workload.name for workload in take_snapshot(pool.pk).workloads] == ["ended", "moved"]


def test_the_number_of_queries_does_not_grow(pool: Pool, project: OrgUnit) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            take_snapshot(pool.pk)
        return len(captured)

    def fill(number: int) -> None:
        for index in range(number):
            node = make_node(pool=pool)
            other = make_project(department=make_department(parent=pool.cluster))
            make_quota(other, pool, gpus=1)
            workload = make_workload(project=other, pool=pool, pods=2)
            decide(Decision.Kind.EVICT, make_pod(workload, node, str(index % 8)))
            make_pod(workload)

    fill(1)
    few = queries()
    fill(20)
    assert queries() == few <= 16


def test_a_pool_that_was_deleted_is_gone() -> None:
    with pytest.raises(Gone):
        take_snapshot(0)
