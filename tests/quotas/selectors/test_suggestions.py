from __future__ import annotations

import pytest

from orgs.models import OrgUnit
from portal.actor import SYSTEM
from quotas.models import Node
from quotas.selectors.suggestions import MOST_POOLS, Suggestion, suggestions
from quotas.services.pools import NewPool, pools_create
from tests.factories import default_pool_of, make_cluster, make_node, make_pool

pytestmark = pytest.mark.django_db
PRODUCT, ZONE = "nvidia.com/gpu.product", "topology.kubernetes.io/zone"


@pytest.fixture
def north() -> OrgUnit:
    return make_cluster("north")


def nodes(cluster: OrgUnit, number: int, gpus: int, **labels: str) -> None:
    keys = {"product": PRODUCT, "zone": ZONE, "role": "example.org/role"}
    for _ in range(number):
        named = {keys.get(key, key): value for key, value in labels.items()}
        node = make_node(pool=default_pool_of(cluster), gpus=gpus, labels=named)
        Node.objects.filter(pk=node.pk).update(labels=named | {"kubernetes.io/hostname": node.name})


def told(found: list[Suggestion]) -> dict[tuple[str, str], list[tuple[str, str, int, int]]]:
    return {
        (one.what, one.key): [(pool.name, pool.value, pool.nodes, pool.gpus) for pool in one.pools] for one in found
    }


def test_by_hardware_by_place_and_without_gpus_apart(north: OrgUnit) -> None:
    nodes(north, 3, 8, product="NVIDIA-A100-SXM4-80GB", zone="hall-1")
    nodes(north, 2, 4, product="Tesla-T4", zone="hall-2")
    nodes(north, 2, 0, zone="hall-2", role="cpu")
    found = suggestions([north])
    assert [one.title for one in found] == ["By product of GPU", "Nodes without GPUs", "By zone"]
    assert told(found) == {
        ("all", PRODUCT): [
            ("a100-sxm4-80gb", "NVIDIA-A100-SXM4-80GB", 3, 24),
            ("tesla-t4", "Tesla-T4", 2, 8),
        ],
        ("cpu", "example.org/role"): [("cpu", "cpu", 2, 0)],
        ("all", ZONE): [("zone-hall-1", "hall-1", 3, 24), ("zone-hall-2", "hall-2", 4, 8)],
    }


def test_a_class_of_its_own_for_nodes_without_gpus(north: OrgUnit) -> None:
    nodes(north, 1, 8, **{"gpu.example.org/class": "h100"})
    nodes(north, 2, 0, **{"gpu.example.org/class": "none", "a": "b"})
    assert told(suggestions([north])) == {
        ("all", "gpu.example.org/class"): [("h100", "h100", 1, 8)],
        ("cpu", "gpu.example.org/class"): [("cpu", "none", 2, 0)],
    }


def test_labels_of_nodes_in_other_pools_are_left_out(north: OrgUnit) -> None:
    nodes(north, 1, 8, zone="hall-1")
    nodes(north, 1, 8, zone="hall-2")
    make_node(pool=make_pool("big", north), labels={"example.org/class": "big", ZONE: "hall-1"})
    make_pool("here", north, ZONE, "hall-3")
    nodes(north, 1, 8, zone="hall-3")
    make_pool("zone-hall-2", north)
    assert told(suggestions([north])) == {("all", ZONE): [("zone-hall-2-2", "hall-2", 1, 8)]}


def test_labels_that_would_cut_the_hardware_into_crumbs(north: OrgUnit) -> None:
    for number in range(MOST_POOLS + 1):
        nodes(north, 1, 1, zone=f"z{number}")
    assert suggestions([north]) == []


def test_a_nodes_own_name_is_no_pool(north: OrgUnit) -> None:
    nodes(north, 1, 8)
    nodes(north, 1, 0)
    assert suggestions([north]) == []


def test_nothing_to_set_apart(north: OrgUnit) -> None:
    nodes(north, 3, 0, role="cpu")
    assert suggestions([north]) == []
    assert suggestions([]) == []


def test_what_is_suggested_is_never_refused(north: OrgUnit) -> None:
    nodes(north, 2, 8, product="A" * 63, zone="a.b_c")
    nodes(north, 2, 8, product="0", zone="")
    for one in suggestions([north, make_cluster()]):
        pools = [NewPool(pool.name, one.key, pool.value) for pool in one.pools]
        made = pools_create(actor=SYSTEM, cluster=one.cluster, pools=pools[:1])
        assert made[0].nodes.count() == one.pools[0].nodes
        made[0].nodes.update(pool=default_pool_of(north))
        made[0].delete()
