"""What scheduling answers to the apps below it."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orgs import hooks as orgs
from orgs.models import OrgUnit
from quotas import hooks as quotas
from quotas.hooks import DeviceFill
from quotas.models import Pool
from scheduling.models import Event, Pod, Workload
from tests import factories as make

pytestmark = pytest.mark.django_db
RUNNING = Workload.State.RUNNING


@pytest.fixture
def pool(project: OrgUnit) -> Pool:
    return make.make_pool("h100", cluster=project.cluster)


def test_impact_counts_what_is_active_below(project: OrgUnit, pool: Pool) -> None:
    make.make_workload(project=project, pool=pool, gpus=4, state=RUNNING)
    make.make_workload(project=project, pool=pool)
    make.make_workload(project=project, pool=pool, state=Workload.State.COMPLETED)
    make.make_workload(pool=pool, state=RUNNING)  # in another department

    for unit in (project, project.parent):
        assert unit is not None
        impact = orgs.workloads_impact(unit)
        assert (impact.running, impact.waiting, impact.gpu_milli) == (1, 1, 4000)


def test_ending_asks_for_active_ones_once(project: OrgUnit, pool: Pool) -> None:
    workload = make.make_workload(project=project, pool=pool)
    other = make.make_workload(pool=pool)
    for _ in range(2):
        orgs.workloads_end(project, make.actor_of())
    workload.refresh_from_db()
    other.refresh_from_db()
    assert workload.desired == Workload.Desired.DELETED
    assert other.desired == Workload.Desired.RUNNING
    assert Event.objects.filter(workload=workload, code="delete_asked").count() == 1


def test_what_was_stopped_ends_with_its_unit_and_is_waited_for(project: OrgUnit, pool: Pool) -> None:
    stopped = {"state": Workload.State.STOPPED, "desired": Workload.Desired.STOPPED, "applied": True}
    workload = make.make_workload(project=project, pool=pool, **stopped)
    assert orgs.live_pods(project) == 0
    orgs.workloads_end(project, make.actor_of())
    workload.refresh_from_db()
    assert (workload.desired, orgs.live_pods(project)) == (Workload.Desired.DELETED, 1)


def test_live_pods_leave_out_those_that_have_ended(project: OrgUnit, pool: Pool) -> None:
    workload = make.make_workload(project=project, pool=pool, pods=3)
    make.make_pod(workload)
    make.make_pod(workload, make.make_node(pool=pool))
    make.make_pod(workload, phase=Pod.Phase.SUCCEEDED)
    assert orgs.live_pods(project) == 2


def test_work_of_a_pool_is_what_is_assigned_or_still_holds_room(project: OrgUnit, pool: Pool) -> None:
    other = make.make_pool(cluster=project.cluster)
    make.make_workload(project=project, pool=pool)
    moved = make.make_workload(project=project, pool=other)
    make.make_pod(moved, make.make_node(pool=pool))
    make.make_workload(project=project, pool=pool, state=Workload.State.COMPLETED)
    assert quotas.pool_work(pool).workloads == 2


def test_fills_show_shares_and_what_runs_over_quota(project: OrgUnit, pool: Pool) -> None:
    node = make.make_node(pool=pool, gpus=8)
    inside = make.make_workload(project=project, pool=pool, gpus=2, state=RUNNING)
    make.make_pod(inside, node, "0,1")
    over = make.make_workload(project=project, pool=pool, gpus=1, state=RUNNING, started_at=timezone.now())
    make.make_pod(over, node, "2")
    make.make_usage(project, pool, 3, over_gpu_milli=1000)

    assert quotas.node_fills([node.pk])[node.pk] == (
        DeviceFill(0, 1000, 0),
        DeviceFill(1, 1000, 0),
        DeviceFill(2, 1000, 1000),
    )


def test_fills_need_the_same_queries_for_many_nodes(project: OrgUnit, pool: Pool) -> None:
    make.make_usage(project, pool, 3, over_gpu_milli=1000)

    def queries() -> int:
        node = make.make_node(pool=pool)
        make.make_pod(make.make_workload(project=project, pool=pool, state=RUNNING), node, "0")
        nodes = list(pool.nodes.values_list("id", flat=True))
        with CaptureQueriesContext(connection) as captured:
            assert len(quotas.node_fills(nodes)) == len(nodes)
        return len(captured)

    assert queries() == max(queries() for _ in range(5))


def test_pods_of_others_are_amounts_without_names(project: OrgUnit, pool: Pool) -> None:
    node = make.make_node(pool=pool)
    own = make.make_workload("mine", project, pool, gpus=2, state=RUNNING)
    make.make_pod(own, node, "0,1")
    foreign = make.make_workload("theirs", make.make_project(department=project.parent), pool, state=RUNNING)
    make.make_pod(foreign, node, "2")
    reader = make.make_user(role=make.RESEARCHER, scope=project)

    mine, theirs = sorted(quotas.node_pods(node, reader), key=lambda pod: pod.devices)
    assert (mine.workload_name, mine.project_name, mine.gpu_milli, mine.devices) == ("mine", "vision", 2000, (0, 1))
    assert (theirs.workload_name, theirs.name, theirs.project_name, theirs.workload_url) == ("", "", "", None)
    assert theirs.gpu_milli == 1000


def test_cores_that_pods_ask_for_on_nodes(project: OrgUnit, pool: Pool) -> None:
    node, empty = make.make_node(pool=pool), make.make_node(pool=pool)
    workload = make.make_workload(project=project, pool=pool, pods=3)
    for _ in range(2):
        make.make_pod(workload, node)
    make.make_pod(workload, node, phase=Pod.Phase.SUCCEEDED)
    assert quotas.node_cpu_used([node.pk, empty.pk]) == {node.pk: 2000}
