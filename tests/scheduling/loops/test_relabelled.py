"""A node gets another label in the cluster: what its old pool then lacks is found, and no quota changes."""

from __future__ import annotations

import time

import pytest
from django.db import transaction

from orgs.models import ClusterInfo
from orgs.services.cluster import cluster_create
from quotas.guard import Level
from quotas.models import GuardFinding, GuardSetting, Node, Quota
from quotas.tasks import refresh_findings
from scheduling.clusters.simulated.seen import seen
from scheduling.clusters.simulated.store import KIND, objects, writing
from scheduling.loops.observed import Observed
from scheduling.models import SimObject
from tests.factories import actor_of, default_pool_of, make_account, make_department, make_pool, make_quota

pytestmark = pytest.mark.django_db


def _relabel(cluster: int, name: str, labels: dict[str, str]) -> None:
    with writing(cluster) as change:
        item = SimObject.objects.get(cluster_id=cluster, kind=KIND.NODE, name=name)
        item.spec["labels"] = labels
        change.save(item)


def _observe(observed: Observed) -> None:
    with transaction.atomic():
        observed.write(seen(list(objects(observed.cluster)), asked_at=time.monotonic()))
    refresh_findings()


def test_a_node_that_is_relabelled_takes_its_capacity_along() -> None:
    scope = make_account()
    enforce = {"mode": GuardSetting.Mode.ENFORCE, "resources": ["gpu"]}
    GuardSetting.objects.create(scope=scope, level=Level.HARDWARE, **enforce)
    north = cluster_create(actor=actor_of(), name="north", mode=ClusterInfo.Mode.SIMULATED)
    pool, observed = default_pool_of(north), Observed(north.pk)
    _observe(observed)
    other = make_pool("other", north, label_key="tier", label_value="other")
    ready = sum(Node.objects.values_list("gpu_count", flat=True)) * 1000
    make_quota(make_department("vision", north), pool, gpus=ready // 1000)
    quotas = list(Quota.objects.values())
    node = Node.objects.filter(gpu_count__gt=0).order_by("name")[0]
    labels = dict(node.labels)

    _relabel(north.pk, node.name, labels | {"tier": "other"})
    _observe(observed)
    assert Node.objects.get(pk=node.pk).pool == other
    found = GuardFinding.objects.get(resolved_at=None)
    assert (found.unit, found.pool, found.sum, found.ceiling) == (north, pool, ready, ready - node.gpu_count * 1000)
    assert list(Quota.objects.values()) == quotas

    _relabel(north.pk, node.name, labels)
    _observe(observed)
    assert Node.objects.get(pk=node.pk).pool == pool
    assert not GuardFinding.objects.filter(resolved_at=None).exists()
