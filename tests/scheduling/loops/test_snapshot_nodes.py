"""What a cycle knows of nodes beside their amounts: labels, taints, GPU memory; and how they lie."""

from __future__ import annotations

import pytest

from orgs.models import OrgUnit
from quotas.models import Pool
from scheduling.engine.types import Taint, Topology
from tests.factories import (
    make_node,
    make_pod,
    make_pool,
    make_quota,
    make_topology,
    make_workload,
)
from tests.scheduling.loops.cold import take_snapshot

pytestmark = pytest.mark.django_db(transaction=True)


def test_labels_taints_and_gpu_memory(pool: Pool) -> None:
    taints = [
        {"key": "b", "value": "yes", "effect": "NoExecute"},
        {"key": "a", "effect": "NoSchedule"},
        {"key": "soft", "value": "", "effect": "PreferNoSchedule"},
        {"key": "odd"},
    ]
    make_node("a", pool, labels={"zone": "z1", "rack": "r7"}, taints=taints, gpu_memory_bytes=80 * 2**30 + 5)
    make_node("b", pool, gpus=0, labels={})
    first, second = take_snapshot(pool.pk).nodes
    assert first.labels == (("rack", "r7"), ("zone", "z1"))
    assert first.taints == (Taint("a", "", "NoSchedule"), Taint("b", "yes", "NoExecute"))
    assert first.device_memory_mib == 80 * 1024
    assert (second.labels, second.taints, second.device_memory_mib) == ((), (), 0)


def test_equal_labels_are_one_object(pool: Pool) -> None:
    for name in ("a", "b"):
        make_node(name, pool, labels={"zone": "z1", "rack": "r7"}, taints=[{"key": "k", "effect": "NoSchedule"}])
    make_node("c", pool, labels={"zone": "z1", "rack": "r8"})
    a, b, c = take_snapshot(pool.pk).nodes
    assert a.labels is b.labels
    assert a.taints is b.taints
    assert a.labels[1] is c.labels[1], "what nodes share of different labels, too"
    assert take_snapshot(pool.pk).nodes[0].labels is a.labels, "and from cycle to cycle"


def test_a_pod_of_another_pool_takes_the_part_of_a_gpu_that_it_was_given(pool: Pool, project: OrgUnit) -> None:
    node = make_node("a", pool, gpus=4)
    other = make_pool("other", pool.cluster)
    make_pod(make_workload("s", project, other), node, "2", charged_pool=other, device_milli=300)
    (seen,) = take_snapshot(pool.pk).nodes
    assert (seen.capacity.gpu_milli, seen.taken) == (3700, ((2, 300),))


def test_a_node_that_two_pools_match_takes_nothing_new(pool: Pool, project: OrgUnit) -> None:
    other = make_pool("other", pool.cluster)
    make_node("a", pool, conflict=other)
    make_node("b", pool)
    assert [node.ready for node in take_snapshot(pool.pk).nodes] == [False, True]
    assert take_snapshot(other.pk).nodes == ()


def test_topologies_of_the_cluster(pool: Pool) -> None:
    racks = make_topology("racks", pool.cluster, ["zone", "rack"])
    make_topology("elsewhere")
    assert take_snapshot(pool.pk).topologies == (Topology(racks.pk, ("zone", "rack")),)


def test_minimum_runtimes_and_grace(pool: Pool, project: OrgUnit) -> None:
    make_quota(project, pool, reclaim_min_runtime_seconds=60, preempt_min_runtime_seconds=0)
    Pool.objects.filter(pk=pool.pk).update(min_runtime_seconds=30, staleness_grace_seconds=None)
    snapshot = take_snapshot(pool.pk)
    units = {unit.name: unit for unit in snapshot.units}
    assert (units["p"].reclaim_min_runtime_ms, units["p"].preempt_min_runtime_ms) == (60_000, 0)
    assert (units["d"].reclaim_min_runtime_ms, units["d"].preempt_min_runtime_ms) == (None, None)
    assert (snapshot.min_runtime_ms, snapshot.staleness_grace_ms) == (30_000, None)
    Pool.objects.filter(pk=pool.pk).update(staleness_grace_seconds=90)
    assert take_snapshot(pool.pk).staleness_grace_ms == 90_000
    Pool.objects.filter(pk=pool.pk).update(disruptions_per_workload=8, disruptions_per_cycle=64)
    snapshot = take_snapshot(pool.pk)
    assert (snapshot.disruptions_per_workload, snapshot.disruptions_per_cycle) == (8, 64)
    assert snapshot.disruption_budget_delay_ms == 600_000
    Pool.objects.filter(pk=pool.pk).update(disruption_budget_delay_seconds=None)
    assert take_snapshot(pool.pk).disruption_budget_delay_ms is None
