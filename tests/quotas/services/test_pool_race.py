"""Several people making pools at once: no node ends up in two of them, and each overlap is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections, transaction

from orgs.models import OrgUnit
from portal.actor import SYSTEM
from portal.errors import Refused
from quotas.models import Node, Pool
from quotas.services.pool import pool_create
from scheduling.clusters.seen import Seen, SeenNode
from scheduling.loops.observed_nodes import NodeWriter
from tests.factories import default_pool_of, make_cluster, make_node

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
AT_ONCE = 6


def at_once(acts: Sequence[Callable[[], object]]) -> list[bool]:
    """Runs all of them together; which were taken, and not refused."""

    def run(act: Callable[[], object]) -> bool:
        try:
            act()
        except Refused:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(run, acts))


def making(cluster: OrgUnit, key: str) -> Callable[[], object]:
    return lambda: pool_create(actor=SYSTEM, cluster=cluster, name=key, label_key=key, label_value="yes")


def pools_of(node: Node) -> list[str]:
    """Names of the pools whose label the node has."""
    pools = Pool.objects.filter(cluster=node.cluster_id, is_default=False)
    return [pool.name for pool in pools if node.labels.get(pool.label_key) == pool.label_value]


def test_of_pools_with_a_node_in_common_one_is_made() -> None:
    for _ in range(3):
        cluster = make_cluster()
        keys = [f"key-{number}" for number in range(AT_ONCE)]
        for _ in range(20):
            make_node(pool=default_pool_of(cluster), labels=dict.fromkeys(keys, "yes"))
        assert at_once([making(cluster, key) for key in keys]).count(True) == 1
        (made,) = Pool.objects.filter(cluster=cluster, is_default=False)
        assert set(Node.objects.filter(cluster=cluster).values_list("pool", "conflict")) == {(made.pk, None)}


def test_a_node_that_is_relabelled_while_pools_are_saved_is_in_one_or_marked() -> None:
    """What the observer sees in the same moment: either the pool is refused, or the node is marked."""
    for attempt in range(5):
        cluster = make_cluster()
        keys = [f"key-{number}" for number in range(AT_ONCE)]
        node = make_node("n", default_pool_of(cluster), labels={})
        labels = dict.fromkeys(keys, "yes") if attempt % 2 else dict.fromkeys(keys[:2], "yes")
        seen = SeenNode(uid=node.uid, name="n", labels=labels, gpu_count=8)

        def observe(cluster: OrgUnit = cluster, seen: SeenNode = seen) -> None:
            with transaction.atomic():
                NodeWriter(cluster.pk).write(Seen(nodes=(seen,)))

        assert at_once([*(making(cluster, key) for key in keys), observe])[-1]
        node.refresh_from_db()
        matching = pools_of(node)
        assert node.pool.name in (matching or ["default"])
        assert (node.conflict is not None) == (len(matching) > 1), matching
