from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from orgs.access import Forbidden
from orgs.models import OrgUnit
from portal.errors import Refused
from portal.models import AuditEvent
from quotas import hooks
from quotas.hooks import PoolWork
from quotas.models import Node, Pool, Quota
from quotas.services.pool import FIELDS, pool_create, pool_delete, pool_update
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    actor_of,
    default_pool_of,
    make_cluster,
    make_department,
    make_node,
    make_project,
    make_quota,
    make_user,
)

pytestmark = pytest.mark.django_db
RACK = "topology.example.org/rack"


@pytest.fixture
def north() -> OrgUnit:
    return make_cluster("north")


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many workloads each pool has, by its name: what the app above would answer."""
    found: dict[str, int] = {}
    monkeypatch.setattr(hooks.pool_work, "_answer", lambda pool: PoolWork(waiting=found.get(pool.name, 0)))
    return found


def _create(cluster: OrgUnit, name: str = "rack-7", value: str = "r07", **values: Any) -> Pool:
    return pool_create(actor=actor_of(), cluster=cluster, name=name, label_key=RACK, label_value=value, **values)


def _update(pool: Pool, **changes: Any) -> Pool:
    return pool_update(actor=actor_of(), pool=pool, **({field: getattr(pool, field) for field in FIELDS} | changes))


def _pool_of(node: Node) -> str:
    return Node.objects.select_related("pool").get(pk=node.pk).pool.name


def test_a_new_cluster_has_a_default_pool_that_takes_no_label(north: OrgUnit) -> None:
    default = default_pool_of(north)
    assert (default.name, default.label_key, default.is_default) == ("default", "", True)
    with pytest.raises(Refused) as refusal:
        _update(default, label_key=RACK)
    assert list(refusal.value.message_dict) == ["label_key"]
    assert _update(default, gpu_placement=Pool.Placement.SPREAD).gpu_placement == Pool.Placement.SPREAD


def test_a_new_pool_takes_the_nodes_with_its_label_out_of_default(north: OrgUnit) -> None:
    default = default_pool_of(north)
    inside = make_node(pool=default, labels={RACK: "r07"})
    others = [make_node(pool=default, labels=labels) for labels in ({RACK: "r08"}, {"rack": "r07"}, {})]
    elsewhere = make_node(pool=default_pool_of(make_cluster()), labels={RACK: "r07"})
    pool = pool_create(
        actor=actor_of(make_user(name="Ana Krol", role=ADMIN)),
        cluster=north,
        name="rack-7",
        label_key=RACK,
        label_value="r07",
        gpu_placement=Pool.Placement.SPREAD,
        min_runtime_seconds=7200,
    )
    assert _pool_of(inside) == "rack-7"
    assert {_pool_of(node) for node in [*others, elsewhere]} == {"default"}
    event = AuditEvent.objects.get(entity="pool", entity_id=pool.pk)
    assert (event.action, event.actor_name, event.unit, event.after["nodes"]) == ("create", "Ana Krol", north.pk, 1)


def test_an_empty_value_matches_a_label_without_one(north: OrgUnit) -> None:
    bare, valued = (make_node(pool=default_pool_of(north), labels={RACK: value}) for value in ("", "r07"))
    _create(north, value="")
    assert (_pool_of(bare), _pool_of(valued)) == ("rack-7", "default")


def test_keys_that_are_numbers(north: OrgUnit) -> None:
    node = make_node(pool=default_pool_of(north), labels={"0": "r07"})
    pool_create(actor=actor_of(), cluster=north, name="zero", label_key="0", label_value="r07")
    assert _pool_of(node) == "zero"


def test_nodes_of_another_pool_are_not_taken(north: OrgUnit) -> None:
    default = default_pool_of(north)
    l40s = _create(north, "l40s", "x")
    for _ in range(4):
        make_node(pool=default, labels={"class": "seven"})
    for _ in range(2):
        make_node(pool=l40s, labels={RACK: "x", "class": "seven"})
    with pytest.raises(Refused) as refusal:
        pool_create(actor=actor_of(), cluster=north, name="seven", label_key="class", label_value="seven")
    (message,) = refusal.value.message_dict["label_value"]
    assert message.startswith("2 of the 6 nodes already belong to l40s.")
    assert not Pool.objects.filter(name="seven").exists()


def test_a_name_or_a_label_twice(north: OrgUnit) -> None:
    _create(north)
    for name, value, field in (("rack-7", "r08", "name"), ("default", "r08", "name"), ("rack-8", "r07", "label_value")):
        with pytest.raises(Refused) as refusal:
            _create(north, name, value)
        assert list(refusal.value.message_dict) == [field]
    assert _create(make_cluster()).name == "rack-7"


@pytest.mark.parametrize(
    ("field", "values"),
    [
        *(
            ("name", {"name": name})
            for name in ("", "-a", "a-", "A", "a_b", "a.b", "ä", "a" * 64, "a\n", "a b", 7, None)
        ),
        *(
            ("label_key", {"label_key": key})
            for key in ("", "/a", "a/", "a/b/c", "-a", "É", "UP/a", "a" * 64, "a b", 7)
        ),
        ("label_key", {"label_key": f"{'a.' * 126}aa/b"}),
        *(("label_value", {"label_value": value}) for value in ("a" * 64, "a b", "-", "a\x00", 7, None)),
        *(("min_runtime_seconds", {"min_runtime_seconds": value}) for value in (-1, 10**9, 1.5, "60")),
        *(("disruptions_per_workload", {"disruptions_per_workload": value}) for value in (-1, 10**9, 1.5, "60")),
        *(("disruptions_per_cycle", {"disruptions_per_cycle": value}) for value in (-1, 0, 10**9, 1.5, "60")),
        *(
            ("disruption_budget_delay_seconds", {"disruption_budget_delay_seconds": value})
            for value in (-1, 10**9, 1.5, "60")
        ),
        *(("gpu_placement", {"gpu_placement": value}) for value in (0, 4, "spread", None)),
        *(("cpu_placement", {"cpu_placement": value}) for value in (0, 3, "spread", None)),
    ],
)
def test_values_that_cannot_be(north: OrgUnit, field: str, values: dict[str, Any]) -> None:
    good = {"name": "rack-7", "label_key": RACK, "label_value": "r07"}
    with pytest.raises(Refused) as refusal:
        pool_create(actor=actor_of(), cluster=north, **(good | values))
    assert list(refusal.value.message_dict) == [field]


@pytest.mark.parametrize("key", ["rack", "a.b-c/E.F_g-9", "0", f"{'a.' * 125}a/b", "a" * 63])
def test_label_keys_of_kubernetes(north: OrgUnit, key: str) -> None:
    assert pool_create(actor=actor_of(), cluster=north, name="a", label_key=key, label_value="v").label_key == key


def test_another_label_moves_nodes_both_ways(north: OrgUnit) -> None:
    default = default_pool_of(north)
    seven, eight = (make_node(pool=default, labels={RACK: value}) for value in ("r07", "r08"))
    pool = _update(_create(north), label_value="r08")
    assert (_pool_of(seven), _pool_of(eight), pool.version) == ("default", "rack-7", 2)
    event = AuditEvent.objects.get(entity="pool", action="update")
    assert (event.before, event.after) == ({"label_value": "r07"}, {"label_value": "r08"})
    _create(north, "other")
    with pytest.raises(Refused, match="has this label already"):
        _update(pool, label_value="r07")


def test_a_pool_that_somebody_else_changed_is_not_overwritten(north: OrgUnit) -> None:
    pool = _create(north)
    _update(pool, min_runtime_seconds=60)
    with pytest.raises(Refused) as refusal:
        _update(pool, min_runtime_seconds=120, expected_version=1)
    assert list(refusal.value.message_dict) == ["expected_version"]
    assert Pool.objects.get(pk=pool.pk).min_runtime_seconds == 60


def test_deleting_gives_nodes_back_and_quotas_up(north: OrgUnit, work: dict[str, int]) -> None:
    node = make_node(pool=default_pool_of(north), labels={RACK: "r07", "class": "big"})
    removed = make_node(pool=default_pool_of(north), labels={RACK: "r07"}, removed_at=timezone.now())
    pool = _create(north)
    Node.objects.filter(pk=removed.pk).update(pool=pool)
    make_quota(make_project(department=make_department(parent=north)), pool, gpus=4)
    pool_delete(actor=actor_of(), pool=pool)
    assert (_pool_of(node), _pool_of(removed)) == ("default", "default")
    assert not Quota.objects.exists()
    event = AuditEvent.objects.get(entity="pool", action="delete")
    assert (event.entity_name, event.before["nodes"], event.before["quotas"]) == ("rack-7", 1, 1)


def test_nodes_that_another_pool_matches_too_go_there(north: OrgUnit, work: dict[str, int]) -> None:
    older = _create(north)
    newer = pool_create(actor=actor_of(), cluster=north, name="big", label_key="class", label_value="big")
    node = make_node(pool=older, labels={RACK: "r07", "class": "big"})
    pool_delete(actor=actor_of(), pool=older)
    assert _pool_of(node) == newer.name


def test_a_conflict_goes_with_the_label_or_the_pool_that_made_it(north: OrgUnit, work: dict[str, int]) -> None:
    rack = _create(north)
    big = pool_create(actor=actor_of(), cluster=north, name="big", label_key="class", label_value="big")
    third = pool_create(actor=actor_of(), cluster=north, name="edge", label_key="edge", label_value="")
    labels = {RACK: "r07", "class": "big", "edge": ""}
    node = make_node(pool=rack, conflict=big, labels=labels)

    def lies_in() -> tuple[str, str]:
        found = Node.objects.select_related("pool", "conflict").get(pk=node.pk)
        return found.pool.name, found.conflict.name if found.conflict else ""

    pool_delete(actor=actor_of(), pool=big)
    assert lies_in() == ("rack-7", "edge")
    _update(third, label_value="else")
    assert lies_in() == ("rack-7", "")
    with pytest.raises(Refused, match="The one node that matches already belongs to rack-7"):
        _update(third, label_value="")
    Node.objects.filter(pk=node.pk).update(conflict=third)
    with pytest.raises(Refused, match="1 of the 2 nodes already belongs to rack-7"):
        make_node(pool=default_pool_of(north), labels={"tier": "a"})
        Node.objects.filter(pk=node.pk).update(labels=labels | {"tier": "a"})
        _update(third, label_key="tier", label_value="a")
    _update(rack, label_value="r99")
    assert lies_in() == ("default", "")


def test_a_pool_with_work_stays(north: OrgUnit, work: dict[str, int]) -> None:
    pool = _create(north)
    work["rack-7"] = 3
    with pytest.raises(Refused, match="3 workloads wait or run in rack-7"):
        pool_delete(actor=actor_of(), pool=pool)
    with pytest.raises(Refused, match="so it stays"):
        pool_delete(actor=actor_of(), pool=default_pool_of(north))
    assert Pool.objects.filter(cluster=north).count() == 2


def test_who_has_no_right_on_the_cluster(north: OrgUnit, work: dict[str, int]) -> None:
    pool = _create(north)
    vision = make_department(parent=north)
    head = actor_of(make_user(role=DEPARTMENT_ADMIN, scope=vision))
    with pytest.raises(Forbidden):
        pool_create(actor=head, cluster=north, name="a", label_key="a", label_value="a")
    with pytest.raises(Forbidden):
        pool_update(actor=head, pool=pool, **{field: getattr(pool, field) for field in FIELDS})
    with pytest.raises(Forbidden):
        pool_delete(actor=head, pool=pool)
    with pytest.raises(Refused, match="is no cluster"):
        _create(vision)
