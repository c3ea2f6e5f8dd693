from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from orgs.models import ClusterInfo, OrgUnit
from quotas.models import PoolSummary
from scheduling.models import Workload
from tests.factories import (
    ADMIN,
    RESEARCHER,
    VIEWER,
    default_pool_of,
    make_account,
    make_cluster,
    make_department,
    make_pod,
    make_project,
    make_rule,
    make_user,
    make_workload,
    signed_in,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def cluster() -> OrgUnit:
    make_account()
    return make_cluster("north", mode=ClusterInfo.Mode.KUBERNETES)


def page(cluster: OrgUnit, role: str = ADMIN, **fields: object) -> str:
    ClusterInfo.objects.filter(unit=cluster).update(**fields)
    return signed_in(make_user(role=role)).get(f"/settings/clusters/{cluster.pk}/").content.decode()


def test_the_page_says_how_the_cluster_is(cluster: OrgUnit) -> None:
    shown = page(
        cluster,
        state_since=timezone.now() - timedelta(hours=2),
        server_version="v1.36.2",
        latency_ms=12,
        lag_ms=240,
        watched={"nodes": 3, "pods": 12_000},
    )
    assert "<h1>Cluster north has been connected for 2 h.</h1>" in shown
    assert "It answers within 12 ms; changes are written 240 ms later." in shown
    assert all(words in shown for words in ("v1.36.2", "<dt>Pods</dt><dd>12,000</dd>", "Replace credentials"))


def test_it_says_how_much_room_there_is(cluster: OrgUnit) -> None:
    pool = default_pool_of(cluster)
    fields = {"nodes": 3, "ready": 2, "gpu_milli": 16_000, "free_slots": {"0": 1, "5": 1, "share": 1000}}
    PoolSummary.objects.create(pool=pool, as_of=timezone.now(), **fields)
    row = page(cluster).partition("Room by pool</caption>")[2].partition("</tbody>")[0]
    assert re.findall(r'<td class="num" data-name="[^"]+">([0-9]+)', row) == ["2", "16", "5"]
    assert "of 3" in row


def test_disconnecting_says_that_the_cluster_stays_as_it_is(cluster: OrgUnit) -> None:
    project = make_project(department=make_department(parent=cluster))
    make_pod(make_workload("train", project=project, state=Workload.State.RUNNING))
    client, url = signed_in(make_user(role=ADMIN)), f"/settings/clusters/{cluster.pk}/disconnect/"
    shown = client.get(url).content.decode()
    assert "are stopped" not in shown
    assert all(words in shown for words in ("Running workloads go on", "train", "manage.py cluster_clean"))
    shown = client.post(url, {"confirm_name": "north"}, follow=True).content.decode()
    assert "Cluster north is disconnected. What runs there goes on." in shown


@pytest.mark.parametrize("role", [ADMIN, RESEARCHER])
def test_pages_of_a_cluster_that_is_away_say_since_when(cluster: OrgUnit, role: str) -> None:
    project = make_project(department=make_department(parent=cluster))
    elsewhere = make_project(department=make_department(parent=make_cluster("south")))
    client = signed_in(user := make_user(role=role, scope=None if role == ADMIN else project))
    make_rule(user, role, elsewhere)
    seen = timezone.now() - timedelta(minutes=20)
    assert "was last connected" not in client.get("/workloads/").content.decode()
    ClusterInfo.objects.filter(unit=cluster).update(state=ClusterInfo.State.DISCONNECTED, last_seen=seen)
    shown = client.get("/workloads/").content.decode()
    assert "Cluster north was last connected" in shown
    assert ("Its health" in shown) is (role == ADMIN)
    assert "20 min ago" in client.get(f"/workloads/?scope={project.pk}").content.decode()
    assert "was last connected" not in client.get(f"/workloads/?scope={elsewhere.pk}").content.decode()


def test_it_names_rights_that_are_missing_and_since_when_it_is_away(cluster: OrgUnit) -> None:
    shown = page(
        cluster,
        VIEWER,
        state=ClusterInfo.State.DISCONNECTED,
        state_since=timezone.now() - timedelta(minutes=5),
        state_message="The account may not list nodes.",
        missing_rights=["list nodes"],
    )
    assert "<h1>Cluster north has not been connected for 5 min.</h1>" in shown
    assert "<code>list nodes</code>" in shown
    assert "Replace credentials" not in shown


def test_a_simulated_cluster_has_no_credentials_to_replace() -> None:
    make_account()
    cluster = make_cluster("lab")
    assert "Cluster lab is simulated." in page(cluster)
    assert "Replace credentials" not in page(cluster)
    answer = signed_in(make_user(role=ADMIN)).post(f"/settings/clusters/{cluster.pk}/credentials/", {"kubeconfig": "x"})
    assert answer.status_code == 422
    assert "is not a Kubernetes cluster" in answer.content.decode()
