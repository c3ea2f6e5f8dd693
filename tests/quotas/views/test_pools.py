from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from django.urls import reverse

from orgs.models import OrgUnit
from portal.models import AuditEvent
from quotas import hooks
from quotas.hooks import DeviceFill
from quotas.models import Node, Pool, Quota
from quotas.selectors import pool_lines as selector
from scheduling.models import Workload
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    RESEARCHER,
    default_pool_of,
    make_cluster,
    make_department,
    make_node,
    make_pool,
    make_project,
    make_quota,
    make_summary,
    make_topology,
    make_user,
    make_workload,
    signed_in,
)
from tests.queries import assert_same_queries

pytestmark = pytest.mark.django_db
NEW = {
    "name": "rack-7",
    "label_key": "rack",
    "label_value": "r07",
    "gpu_placement": "2",
    "cpu_placement": "1",
    "min_runtime_minutes": "90",
    "topology": "",
    "staleness_grace_seconds": "120",
    "disruptions_per_workload": "16",
    "disruptions_per_cycle": "",
    "disruption_budget_delay_seconds": "900",
    "history_weight": "1.25",
    "history_window_days": "14",
    "history_half_life_hours": "",
}


@pytest.fixture
def north() -> OrgUnit:
    return make_cluster("north")


@pytest.fixture
def half_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """One GPU of every node with GPUs is in use, half of it over quota."""

    def fills(nodes: Sequence[int]) -> dict[int, tuple[DeviceFill, ...]]:
        return {
            pk: (DeviceFill(0, 1000, 500),)
            for pk in Node.objects.filter(pk__in=nodes, gpu_count__gt=0).values_list("pk", flat=True)
        }

    monkeypatch.setattr(hooks.node_fills, "_answer", fills)
    monkeypatch.setattr(hooks.node_cpu_used, "_answer", lambda nodes: dict.fromkeys(nodes, 4_000))


def _page(user: object, name: str = "node_pools", *args: int) -> str:
    return signed_in(user).get(reverse(name, args=args)).content.decode()  # type: ignore[arg-type]


def test_what_the_page_says_of_pools(north: OrgUnit, half_used: None) -> None:
    h100, empty = make_pool("h100", north, min_runtime_seconds=7200), make_pool("empty", north)
    make_node("h100-01", h100), make_node("h100-02", h100, state=Node.State.NOT_READY)
    cordoned = make_pool("old", north)
    make_node("old-1", cordoned, schedulable=False)
    make_node("cpu-1", make_pool("cpu", north), gpus=0)
    html = _page(make_user(role=ADMIN))
    assert "<h1>24 GPUs on 3 nodes in 5 pools, and 1 CPU node. 1 node is not ready.</h1>" in html
    assert "h100 7, old 0" in html
    for text in ("h100-01: 1 of 8 in use", "h100-02: not ready", "1 not ready", "Unschedulable", "min. runtime 2 h"):
        assert text in html
    assert f'id="pool-{empty.pk}"' in html
    assert "cpu-1: 4 of 16 cores in use" in html


def test_who_may_not_see_nodes_sees_pools_without_use(north: OrgUnit, half_used: None) -> None:
    make_node("h100-01", make_pool("h100", north))
    make_pool("far-away")
    project = make_project(department=make_department(parent=north))
    html = _page(make_user(role=RESEARCHER, scope=project))
    assert "h100" in html
    assert "far-away" not in html
    assert "h100-01" not in html
    assert "New pool" not in html
    assert "7 of 8" not in html


def test_nodes_that_two_pools_match_are_told_with_both_and_the_remedy(north: OrgUnit, half_used: None) -> None:
    h100, rack = make_pool("h100", north), make_pool("rack-7", north, "rack", "r07")
    for number in range(7):
        make_node(f"h100-{number}", h100, conflict=rack)
    make_node("rack-1", rack)
    html = _page(make_user(role=ADMIN))
    assert "<h1>64 GPUs on 8 nodes in 3 pools. 7 nodes lie in two pools.</h1>" in html
    assert "7 nodes are matched by two pools and take nothing new." in html
    assert html.count("by <code>example.org/class=h100</code>, ") == 5
    assert "all 7 nodes</a>" in html
    assert "h100-6: 1 of 8 in use; two pools match it" in html
    assert "The largest room free on one node: h100 0, rack-7 7 GPUs." in html
    project = make_project(department=make_department(parent=north))
    html = _page(make_user(role=RESEARCHER, scope=project))
    assert "7 in two pools" in html
    assert "h100-6" not in html


def test_pools_too_large_to_draw_tell_what_is_free(north: OrgUnit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selector, "MOST_DRAWN", 3)
    small, large = make_pool("small", north), make_pool("large", north)
    for number in range(3):
        make_node(f"large-{number}", large)
    make_node("small-0", small)
    make_summary(large, gpus=24, used=6, free_slots={"8": 2, "2": 1, "share": 1000})
    html = _page(make_user(role=ADMIN))
    assert "small-0" in html
    assert "large-0" not in html
    assert re.search(r'<th scope="row">8 GPUs</th>.*?<td class="num">2</td>', html)
    assert "<b>6</b>" in html
    assert "large 8, small 8 (whole node)" in html


def test_making_a_pool(north: OrgUnit) -> None:
    node = make_node(pool=default_pool_of(north), labels={"rack": "r07"})
    client = signed_in(make_user(role=ADMIN))
    response = client.post(reverse("pool_create"), NEW | {"cluster": str(north.pk)}, follow=True)
    pool = Pool.objects.get(name="rack-7")
    assert (pool.gpu_placement, pool.min_runtime_seconds) == (Pool.Placement.SPREAD, 5_400)
    assert (pool.staleness_grace_seconds, pool.history_weight_milli) == (120, 1250)
    assert (pool.disruptions_per_workload, pool.disruptions_per_cycle) == (16, None)
    assert (pool.history_window_days, pool.history_half_life_hours) == (14, None)
    assert Node.objects.get(pk=node.pk).pool == pool
    assert "Pool rack-7 is there." in response.content.decode()


def test_what_is_refused_stays_in_the_panel(north: OrgUnit) -> None:
    make_node(pool=make_pool("l40s", north), labels={"rack": "r07", "example.org/class": "l40s"})
    client = signed_in(make_user(role=ADMIN))
    response = client.post(reverse("pool_create"), NEW | {"cluster": str(north.pk)})
    assert response.status_code == 422
    assert "The one node that matches already belongs to l40s." in response.content.decode()
    assert 'value="r07"' in response.content.decode()


def test_previewing_a_label(north: OrgUnit, half_used: None) -> None:
    pool = make_pool("l40s", north)
    make_node("mine", pool, labels={"rack": "r07", "example.org/class": "l40s"})
    make_node("free", default_pool_of(north), labels={"rack": "r07"})
    client = signed_in(make_user(role=ADMIN))

    def preview(**asked: str) -> str:
        return client.get(reverse("pool_matching"), {"cluster": str(north.pk), **asked}).content.decode()

    html = preview(label_key="rack", label_value="r07")
    assert "<b>2 nodes match</b>: 2 with T900 (16 GPUs)." in html
    assert "1 of the 2 nodes already belongs to l40s" in html
    html = preview(label_key="rack", label_value="r07", pool=str(pool.pk))
    assert "already" not in html
    assert "1 node leaves default, with 8 GPUs" in html
    assert "goes to" not in html
    assert "1 node goes to default, with 8 GPUs" in preview(label_key="rack", label_value="r99", pool=str(pool.pk))
    assert "No node has this label now" in preview(label_key="rack", label_value="r99")
    assert preview(label_key="", label_value="r07").strip() == ""
    assert preview(label_key="half/", label_value="r07").strip() == ""


def test_changing_a_pool_keeps_seconds_that_were_not_touched(north: OrgUnit) -> None:
    pool = make_pool("rack", north, "rack", "r07", min_runtime_seconds=90)
    client = signed_in(make_user(role=ADMIN))
    data = NEW | {"min_runtime_minutes": "1", "expected_version": "1"}
    assert client.post(reverse("pool", args=[pool.pk]), data).status_code == 302
    pool.refresh_from_db()
    assert (pool.gpu_placement, pool.min_runtime_seconds, pool.version) == (Pool.Placement.SPREAD, 90, 2)
    stale = client.post(reverse("pool", args=[pool.pk]), data)
    assert stale.status_code == 422
    assert "Somebody changed this pool meanwhile." in stale.content.decode()


def test_the_default_pool_has_no_label_to_change(north: OrgUnit) -> None:
    default = default_pool_of(north)
    client = signed_in(make_user(role=ADMIN))
    assert "Label key" not in client.get(reverse("pool", args=[default.pk])).content.decode()
    data = NEW | {"label_key": "", "label_value": "", "staleness_grace_seconds": "", "expected_version": "1"}
    assert client.post(reverse("pool", args=[default.pk]), data).status_code == 302
    default.refresh_from_db()
    assert (default.gpu_placement, default.staleness_grace_seconds) == (Pool.Placement.SPREAD, None)


def test_a_pool_is_given_a_topology_of_its_cluster(north: OrgUnit) -> None:
    pool, racks = make_pool("rack", north, "rack", "r07"), make_topology("racks", north)
    foreign = make_topology("halls")
    client = signed_in(make_user(role=ADMIN))
    url, data = reverse("pool", args=[pool.pk]), NEW | {"expected_version": "1"}
    refused = client.post(url, data | {"topology": str(foreign.pk)})
    assert refused.status_code == 422
    assert "Choose one of the topologies here" in refused.content.decode()
    assert client.post(url, data | {"topology": str(racks.pk)}).status_code == 302
    pool.refresh_from_db()
    assert pool.topology == racks
    assert "topology racks" in _page(make_user(role=ADMIN))


def test_deleting_a_pool_says_what_goes_with_it(north: OrgUnit) -> None:
    pool = make_pool("h100", north)
    project = make_project(department=make_department(parent=north))
    make_quota(project, pool, gpus=4)
    workload = make_workload(project=project, pool=pool)
    client = signed_in(make_user(role=ADMIN))
    url = reverse("pool_delete", args=[pool.pk])
    html = client.get(url).content.decode()
    assert "The workload waits in it: stop or move what is there first" in html
    assert f"{project.name} loses its quota there</span><b>4 GPUs</b>" in html
    refused = client.post(url)
    assert refused.status_code == 422
    assert "1 workload waits or runs in h100" in refused.content.decode()
    workload.delete()
    assert client.post(url).status_code == 302
    assert not Pool.objects.filter(pk=pool.pk).exists()
    assert not Quota.objects.exists()


def test_a_label_that_takes_nodes_out_is_confirmed_with_whom_it_concerns(north: OrgUnit) -> None:
    pool = make_pool("rack", north, "rack", "r07")
    stays, goes = (
        make_node(name, pool, labels={"rack": "r07"} | more) for name, more in (("a", {"row": "1"}), ("b", {}))
    )
    vision = make_department("vision", north)
    make_quota(vision, pool, gpus=12)
    make_workload(project=make_project(department=vision), pool=pool, state=Workload.State.RUNNING)
    client = signed_in(make_user(role=ADMIN))
    url, data = reverse("pool", args=[pool.pk]), NEW | {"label_key": "row", "label_value": "1", "expected_version": "1"}
    asked = client.post(url, data)
    html = asked.content.decode()
    assert asked.status_code == 200
    assert "Take 1 node out of rack?" in html
    assert "The node goes to default, with 8 GPUs" in html
    assert "Quotas will not add up: 12 GPUs guaranteed, 8 ready afterwards" in html
    assert "vision keeps its quota there</span><b>12 GPUs</b>" in html
    assert "Running workloads go on, charged to this pool until they end" in html
    assert Node.objects.get(pk=goes.pk).pool == pool, "nothing was saved"
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', html.partition('id="narrow"')[2]))
    assert hidden.pop("csrfmiddlewaretoken")
    assert hidden == {name: value for name, value in data.items() if name != "name"} | {"confirmed": "row=1"}
    assert client.post(url, data | {"confirmed": "row=2"}).status_code == 200, "that was another label"
    assert client.post(url, hidden).status_code == 302
    assert (Node.objects.get(pk=stays.pk).pool, Node.objects.get(pk=goes.pk).pool.name) == (pool, "default")


def test_whom_it_concerns_is_named_as_far_as_the_reader_may_know(north: OrgUnit) -> None:
    pool = make_pool("rack", north)
    for number in range(8):
        make_quota(make_project(f"p-{number}", make_department(f"d-{number}", north)), pool, gpus=number)
    html = _page(make_user(role=ADMIN), "pool_delete", pool.pk)
    assert [html.count(f"p-{number} loses") for number in (7, 2, 1, 0)] == [1, 1, 0, 0]
    assert "Other units lose their quota there</span><b>1</b>" in html


def test_pools_from_the_labels_of_the_nodes(north: OrgUnit) -> None:
    default = default_pool_of(north)
    make_pool("t4", north)
    for name, gpus, product in (("a", 8, "NVIDIA-H100-80GB"), ("b", 8, "NVIDIA-H100-80GB"), ("c", 4, "T4")):
        make_node(name, default, gpus=gpus, labels={"nvidia.com/gpu.product": product, "example.org/rack": "r7"})
    client = signed_in(make_user(role=ADMIN))
    html = client.get(reverse("pool_create")).content.decode()
    assert "h100-80gb: 2 nodes, 16 GPUs; t4-2: 1 node, 4 GPUs. Out of default: 3 nodes, 20 GPUs." in html
    assert "rack-r7: 3 nodes, 20 GPUs" in html
    assert "Suggested" not in client.get(reverse("pool_create"), headers={"HX-Request": "true"}).content.decode()
    url = reverse("pools_suggested", args=[north.pk, "all", "nvidia.com/gpu.product"])
    assert "3 nodes and 20 GPUs leave the default pool." in client.get(url).content.decode()
    rows = {"value_0": "NVIDIA-H100-80GB", "name_0": "h100", "take_0": "on"}
    rows |= {"value_1": "T4", "name_1": "H100", "take_1": "on"}
    refused = client.post(url, rows)
    assert refused.status_code == 422
    assert "name_1" in refused.context["form"].errors
    assert not Pool.objects.filter(name="h100").exists(), "all or none"
    assert client.post(url, rows | {"value_0": "T4"}).status_code == 422, "no longer the row that was read"
    nothing = client.post(url, {"value_0": "NVIDIA-H100-80GB", "value_1": "T4"})
    assert "No pool is chosen." in nothing.content.decode()
    assert client.post(url, rows | {"name_1": "t4-new"}).status_code == 302
    assert {pool.name: pool.nodes.count() for pool in Pool.objects.filter(cluster=north)} == {
        "default": 0, "t4": 0, "h100": 2, "t4-new": 1,
    }  # fmt: skip
    assert AuditEvent.objects.filter(entity="pool", action="create").count() == 3
    assert "No node in the default pool has this label any more." in client.get(url).content.decode()
    head = signed_in(make_user(role=DEPARTMENT_ADMIN, scope=make_department(parent=north)))
    assert head.get(url).status_code == 404


def test_who_may_only_look(north: OrgUnit) -> None:
    pool = make_pool("h100", north)
    head = signed_in(make_user(role=DEPARTMENT_ADMIN, scope=make_department(parent=north)))
    assert "You may see this pool." in head.get(reverse("pool", args=[pool.pk])).content.decode()
    assert head.post(reverse("pool", args=[pool.pk]), NEW | {"expected_version": "1"}).status_code == 403
    assert head.post(reverse("pool_create"), NEW).status_code == 403
    assert head.post(reverse("pool_delete", args=[pool.pk])).status_code == 403
    assert head.get(reverse("pool", args=[make_pool().pk])).status_code == 404


def test_queries_are_the_same_for_few_and_many_pools_and_nodes(north: OrgUnit) -> None:
    def add(pools: int, nodes: int) -> None:
        for _ in range(pools):
            pool = make_pool(cluster=north)
            for _ in range(nodes):
                make_node(pool=pool)

    client = signed_in(make_user(role=ADMIN))
    assert_same_queries(client, reverse("node_pools"), lambda: add(1, 5), lambda: add(10, 50))
