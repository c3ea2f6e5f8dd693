"""Consolidation through the loops: pods are moved, their rooms are kept for their successors, and everything runs."""

from __future__ import annotations

import pytest

from quotas.models import Pool
from scheduling.models import Decision, Workload
from tests.cluster.waiting import eventually
from tests.factories import make_quota

from .world import World

pytestmark = pytest.mark.django_db(transaction=True)


def all_run(*workloads: Workload) -> bool:
    pks = [workload.pk for workload in workloads]
    return Workload.objects.filter(pk__in=pks, state=Workload.State.RUNNING).count() == len(pks)


def test_moved_pods_start_again_in_the_rooms_kept_for_them() -> None:
    """Four single GPUs, spread over two nodes of four; then one workload wants a whole node."""
    world = World()
    project = world.project()
    make_quota(project, world.pool, gpus=8)
    pool = Pool.objects.filter(pk=world.pool.pk)
    pool.update(gpu_placement=Pool.Placement.SPREAD)
    with world.running():
        small = [world.submit(project, f"small{number}") for number in range(4)]
        eventually(lambda: all_run(*small))
        pool.update(gpu_placement=Pool.Placement.BINPACK)
        big = world.submit(project, "big", devices=4)
        eventually(lambda: all_run(big, *small), 20)
    stopped = Decision.objects.filter(kind=Decision.Kind.EVICT)
    assert {decision.code for decision in stopped} == {"consolidate"}
    assert {decision.for_workload for decision in stopped} == {big.pk}
    assert stopped.count() == 2
