"""Nodes that change pool under running work, and nodes that two pools match, through the real loops."""

from __future__ import annotations

import pytest

from orgs.models import OrgUnit
from quotas.models import Node, Pool, PoolSummary, UnitUsage
from scheduling.clusters.simulated.store import KIND, writing
from scheduling.models import Decision, Pod, SimObject, Workload
from scheduling.services.workload import workload_stop
from tests.cluster.waiting import eventually
from tests.factories import actor_of, make_pool

from .world import World

pytestmark = pytest.mark.django_db(transaction=True)
State = Workload.State


def relabel(world: World, node: str, labels: dict[str, str]) -> None:
    """Somebody gives the node other labels, in the cluster."""
    with writing(world.cluster.pk) as change:
        item = SimObject.objects.get(cluster_id=world.cluster.pk, kind=KIND.NODE, name=node)
        item.spec["labels"] = labels
        change.save(item)


def runs(workload: Workload) -> bool:
    return Workload.objects.filter(pk=workload.pk, state=State.RUNNING).exists()


def waits_for(workload: Workload) -> str:
    """The code of its reason, once a loop has looked at it."""
    found = Workload.objects.filter(pk=workload.pk, state=State.WAITING).values_list("waiting__wait_class__code")
    return next((code for (code,) in found if code), "")


def used(unit: OrgUnit, pool: Pool) -> int:
    """milli-GPU."""
    return UnitUsage.objects.filter(unit=unit, pool=pool).values_list("gpu_milli", flat=True).first() or 0


def pod_of(workload: Workload) -> Pod:
    return Pod.objects.select_related("node__pool", "charged_pool").get(workload=workload)


def test_what_runs_stays_charged_where_it_was_bound_and_new_work_goes_to_the_new_pool() -> None:
    world = World()
    other = make_pool("other", world.cluster, label_key="tier")
    project = world.project()
    with world.running():
        old = world.submit(project, "old", devices=2)
        eventually(lambda: runs(old))
        node = pod_of(old).node
        assert node is not None
        relabel(world, node.name, {"tier": "other"})
        eventually(lambda: Node.objects.get(pk=node.pk).pool == other)

        new = world.submit(project, "new", devices=2, pools=["other"])
        eventually(lambda: runs(new))
        eventually(lambda: used(project, other) == 2000)
        assert runs(old), "nothing was drained"
        assert used(project, world.pool) == 2000
        assert (pod_of(old).charged_pool, pod_of(old).node) == (world.pool, node)
        assert (pod_of(new).charged_pool, pod_of(new).node) == (other, node)
        assert set(pod_of(old).devices.split(",")).isdisjoint(pod_of(new).devices.split(","))
        summary = PoolSummary.objects.get(pool=other)
        assert (summary.gpu_milli, summary.free_slots) == (2000, {"0": 1, "share": 0})

        third = world.submit(project, "third", devices=4, pools=["other"])
        eventually(lambda: waits_for(third) != "")
        here = world.submit(project, "here", devices=4)
        eventually(lambda: runs(here))
        assert pod_of(here).node != node, "the pool has one node less"

        workload_stop(actor=actor_of(), workload=old)
        eventually(lambda: used(project, world.pool) == 4000, 20)
        workload_stop(actor=actor_of(), workload=new)
        eventually(lambda: runs(third), 20)
        eventually(lambda: used(project, other) == 4000)
    assert not Decision.objects.filter(kind=Decision.Kind.EVICT).exists()
    assert not Decision.objects.filter(state=Decision.State.FAILED).exists()


def test_a_node_that_two_pools_match_takes_nothing_new_until_that_is_mended() -> None:
    world = World()
    other = make_pool("other", world.cluster, label_key="tier")
    project = world.project()
    with world.running():
        old = world.submit(project, "old", devices=2)
        eventually(lambda: runs(old))
        node = pod_of(old).node
        assert node is not None
        relabel(world, node.name, {"class": "gpu", "tier": "other"})
        eventually(lambda: Node.objects.get(pk=node.pk).conflict == other)
        assert Node.objects.get(pk=node.pk).pool == world.pool, "it stays where it is"

        full = world.submit(project, "full", devices=4)
        eventually(lambda: runs(full))
        assert pod_of(full).node != node
        waiting = [world.submit(project, "here", devices=1), world.submit(project, "there", devices=1, pools=["other"])]
        eventually(lambda: all(map(waits_for, waiting)))
        assert waits_for(waiting[1]) == "no_ready_node"
        assert runs(old)
        assert used(project, world.pool) == 6000

        relabel(world, node.name, {"class": "gpu"})
        eventually(lambda: runs(waiting[0]))
        assert pod_of(waiting[0]).node == node
        assert Node.objects.get(pk=node.pk).conflict is None
        assert waits_for(waiting[1]) == "no_ready_node"
