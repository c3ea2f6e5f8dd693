from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from orgs.models import OrgUnit
from quotas import hooks
from quotas.hooks import DeviceFill, NodeEvent, NodePod
from quotas.models import Node
from quotas.views import nodes
from tests.factories import ADMIN, VIEWER, make_cluster, make_node, make_pool, make_user, signed_in
from tests.queries import assert_same_queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def north() -> OrgUnit:
    north = make_cluster("north")
    a100, cpu = make_pool("a100", north), make_pool("cpu", north)
    make_node("a100-1", a100), make_node("a100-2", a100, gpus=4, state=Node.State.NOT_READY)
    make_node("cpu-1", cpu, gpus=0, schedulable=False)
    make_node("gone-1", cpu, removed_at=timezone.now())
    return north


def _names(query: str) -> list[str]:
    html = signed_in(make_user(role=VIEWER)).get(f"{reverse('nodes')}?{query}").content.decode()
    return re.findall(r'<a class="name" href="/nodes/\d+/">(.*?)</a>', html)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["a100-1", "a100-2", "cpu-1"]),
        ("sort=-name", ["cpu-1", "a100-2", "a100-1"]),
        ("sort=gpus", ["cpu-1", "a100-2", "a100-1"]),
        ("sort=state", ["a100-2", "cpu-1", "a100-1"]),
        ("sort=nonsense&page=99&size=7", ["a100-1", "a100-2", "cpu-1"]),
        ("q=00-", ["a100-1", "a100-2"]),
        ("q=A100-1%00", ["a100-1"]),
        ("state=not-ready&state=cordoned", ["a100-2", "cpu-1"]),
        ("state=ready&q=a", ["a100-1"]),
        ("pool=999999999999999999&state=x", []),
        ("q=%27%3B--", []),
    ],
)
def test_sorting_and_filtering(north: OrgUnit, query: str, expected: list[str]) -> None:
    assert _names(query) == expected


def test_the_answer_counts_what_does_not_take_work(north: OrgUnit) -> None:
    html = signed_in(make_user(role=ADMIN)).get(reverse("nodes")).content.decode()
    assert "<h1>3 nodes, 1 not ready and 1 cordoned.</h1>" in html


def test_a_node_that_two_pools_match(north: OrgUnit) -> None:
    a100 = Node.objects.get(name="a100-1").pool
    rack = make_pool("rack-7", north, "rack", "r07")
    node = make_node("both-1", a100, conflict=rack)
    client = signed_in(make_user(role=ADMIN))
    html = client.get(reverse("node", args=[node.pk])).content.decode()
    assert "Takes nothing new: a100 and rack-7 both match it" in html
    assert "a100 by example.org/class=a100 and rack-7 by rack=r07 both match both-1." in html
    assert "Take one of the two labels off the node, or change the label of one of the pools." in html
    html = client.get(reverse("nodes")).content.decode()
    assert "<h1>4 nodes, 1 not ready, 1 cordoned and 1 in two pools.</h1>" in html
    assert _names("state=in-two-pools") == ["both-1"]
    assert _names("sort=state")[:2] == ["a100-2", "both-1"]


def test_a_node_says_who_uses_which_share(north: OrgUnit, monkeypatch: pytest.MonkeyPatch) -> None:
    node = Node.objects.get(name="a100-1")
    Node.objects.filter(pk=node.pk).update(
        labels={"zone": "<b>east</b>"}, taints=[{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]
    )
    own = NodePod("train-0", "nerf-city", "/w/", "vis-3d", 1000, 2000, 2**30, (0,), False, "running")
    other = NodePod("", "", None, "", 250, 1000, 2**30, (1,), True, "running")
    asked: list[Any] = []
    monkeypatch.setattr(
        hooks.node_fills, "_answer", lambda ids: {node.pk: (DeviceFill(0, 1000), DeviceFill(1, 250, 250))}
    )
    monkeypatch.setattr(hooks.node_pods, "_answer", lambda asked_node, user: asked.append(user) or [own, other])
    user = make_user(role=VIEWER)
    html = signed_in(user).get(reverse("node", args=[node.pk])).content.decode()
    assert "<h1>1.25 of 8 GPUs in use on a100-1.</h1>" in html
    assert '<a href="/w/">nerf-city</a>' in html
    assert "a workload that you may not see" in html
    assert "&lt;b&gt;east&lt;/b&gt;" in html
    assert "gpu=yes" in html
    assert asked == [user]


def test_conditions_and_history(north: OrgUnit, monkeypatch: pytest.MonkeyPatch) -> None:
    node, at = Node.objects.get(name="a100-1"), timezone.now()
    said = {"reason": "", "message": "", "since": ""}
    wrong = {"type": "DiskPressure", "status": "True", "message": "full <b>", "since": "2026-01-01T00:00:01+00:00"}
    conditions = [said | {"type": "Ready", "status": "True"}, said | {"type": "PIDPressure", "status": "Unknown"}]
    Node.objects.filter(pk=node.pk).update(conditions=[*conditions, said | wrong])
    events = [NodeEvent(at, "A pod of nerf-city started on GPU 0.", "/w/"), NodeEvent(at, "A pod of somebody.")]
    monkeypatch.setattr(hooks.node_history, "_answer", lambda node, user: events)
    html = signed_in(make_user(role=VIEWER)).get(reverse("node", args=[node.pk])).content.decode()
    assert re.findall(r"(\w+): (yes|no|not known)</dt>", html) == [
        ("DiskPressure", "yes"),
        ("PIDPressure", "not known"),
        ("Ready", "yes"),
    ]
    assert "full &lt;b&gt;" in html
    assert '<a href="/w/">A pod of nerf-city started on GPU 0.</a>' in html
    assert "It is ready since then." in html


def test_nodes_that_are_gone_or_not_to_be_seen(north: OrgUnit) -> None:
    client = signed_in(make_user(role=VIEWER, scope=north))
    gone = client.get(reverse("node", args=[Node.objects.get(name="gone-1").pk]))
    assert "<h1>gone-1 left the cluster.</h1>" in gone.content.decode()
    elsewhere = make_node(pool=make_pool())
    assert client.get(reverse("node", args=[elsewhere.pk])).status_code == 404
    assert elsewhere.name not in client.get(reverse("nodes")).content.decode()


def test_queries_are_the_same_for_few_and_many_nodes(north: OrgUnit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "SIZES", (500,))
    pool = make_pool(cluster=north)

    def add(number: int) -> None:
        for _ in range(number):
            make_node(pool=pool)

    client = signed_in(make_user(role=ADMIN))
    assert_same_queries(client, f"{reverse('nodes')}?size=500", lambda: add(5), lambda: add(498))
