from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from orgs.access import Forbidden
from orgs.models import ClusterInfo, OrgUnit, UnitKind
from orgs.secrets import decrypt
from orgs.services.cluster import cluster_create, cluster_disconnect, cluster_reconnect
from orgs.services.unit import units_remove
from portal.actor import Actor
from portal.errors import Refused
from portal.models import AuditEvent
from quotas.models import Node, Pool
from scheduling.loops.wanted import wanted_leases
from scheduling.models import Workload
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    actor_of,
    default_pool_of,
    make_account,
    make_cluster,
    make_department,
    make_node,
    make_pod,
    make_project,
    make_user,
    make_workload,
)
from tests.kubeconfigs import KUBECONFIG

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def account() -> OrgUnit:
    return make_account()


def simulate(name: str = "lab", actor: Actor | None = None) -> OrgUnit:
    return cluster_create(actor=actor or actor_of(), name=name, mode=ClusterInfo.Mode.SIMULATED)


def connect(name: str = "north", kubeconfig: str = KUBECONFIG) -> OrgUnit:
    return cluster_create(actor=actor_of(), name=name, mode=ClusterInfo.Mode.KUBERNETES, kubeconfig=kubeconfig)


def test_a_simulated_cluster_comes_with_department_and_pool(account: OrgUnit) -> None:
    cluster = simulate()
    assert (cluster.kind, cluster.cluster, cluster.path) == (UnitKind.CLUSTER, cluster, f"{account.path}{cluster.pk}/")
    department = cluster.children.get()
    assert (department.name, department.cluster) == ("default", cluster)
    assert Pool.objects.get(cluster=cluster).is_default
    assert cluster.cluster_info.mode == ClusterInfo.Mode.SIMULATED


def test_a_kubernetes_cluster_keeps_its_credentials_encrypted() -> None:
    info = connect().cluster_info
    assert info.address == "https://192.0.2.10:6443"
    assert "s3cret-token" not in info.credentials
    assert "s3cret-token" in decrypt(info.credentials)
    event = AuditEvent.objects.get(action="create", entity="cluster")
    assert event.after == {"name": "north", "mode": "Kubernetes", "address": "https://192.0.2.10:6443"}


@pytest.mark.parametrize("kubeconfig", ["", "nonsense", KUBECONFIG.replace("token", "exec"), "a: &b [*b]"])
def test_a_kubeconfig_that_is_refused_leaves_nothing(kubeconfig: str) -> None:
    with pytest.raises(Refused) as refusal:
        connect(kubeconfig=kubeconfig)
    assert list(refusal.value.message_dict) == ["kubeconfig"]
    assert "s3cret-token" not in str(refusal.value)
    assert not OrgUnit.objects.filter(kind=UnitKind.CLUSTER).exists()


def test_names_and_addresses_are_taken_once() -> None:
    connect("north")
    with pytest.raises(Refused, match="connected already, as north"):
        connect("south")
    with pytest.raises(Refused, match="a cluster called “north”"):
        simulate("north")


def test_only_who_administers_the_account() -> None:
    with pytest.raises(Forbidden):
        simulate(actor=actor_of(make_user(role=DEPARTMENT_ADMIN)))
    cluster = simulate(actor=actor_of(make_user(role=ADMIN)))
    with pytest.raises(Forbidden):
        cluster_disconnect(actor=actor_of(make_user(role=DEPARTMENT_ADMIN)), cluster=cluster)


def test_disconnecting_takes_everything_along() -> None:
    cluster = make_cluster()
    project = make_project(department=make_department(parent=cluster))
    make_node(pool=default_pool_of(cluster))
    other = make_cluster()
    cluster_disconnect(actor=actor_of(), cluster=cluster)
    assert units_remove() == 1
    assert not OrgUnit.objects.filter(pk__in=[cluster.pk, project.pk]).exists()
    assert not Node.objects.exists()
    assert list(Pool.objects.values_list("cluster", flat=True)) == [other.pk]


def test_disconnecting_leaves_a_kubernetes_cluster_as_it_is() -> None:
    cluster = connect()
    project = make_project(department=make_department(parent=cluster))
    workload = make_workload(project=project, state=Workload.State.RUNNING)
    make_pod(workload)
    cluster_disconnect(actor=actor_of(), cluster=cluster)
    workload.refresh_from_db()
    assert workload.desired == Workload.Desired.RUNNING
    assert wanted_leases() == []
    assert units_remove() == 1
    assert not Workload.objects.exists()


def test_a_cluster_out_of_reach_is_not_waited_for() -> None:
    cluster = make_cluster()
    project = make_project(department=make_department(parent=cluster))
    make_pod(make_workload(project=project, state=Workload.State.RUNNING))
    ClusterInfo.objects.filter(unit=cluster).update(last_seen=timezone.now())
    cluster_disconnect(actor=actor_of(), cluster=cluster)
    assert units_remove() == 0
    ClusterInfo.objects.filter(unit=cluster).update(last_seen=timezone.now() - timedelta(minutes=11))
    assert units_remove() == 1


def test_only_clusters_are_disconnected() -> None:
    with pytest.raises(Refused, match="Choose a cluster"):
        cluster_disconnect(actor=actor_of(), cluster=make_department())


def test_other_credentials_for_the_same_cluster() -> None:
    cluster = connect()
    moved = KUBECONFIG.replace("192.0.2.10", "192.0.2.11").replace("s3cret-token", "n3w-token")
    cluster_reconnect(actor=actor_of(), cluster=cluster, kubeconfig=moved)
    info = ClusterInfo.objects.get(unit=cluster)
    assert (info.address, "n3w-token" in decrypt(info.credentials)) == ("https://192.0.2.11:6443", True)
    event = AuditEvent.objects.latest("pk")
    assert (event.action, event.before, event.after) == (
        "replace credentials",
        {"address": "https://192.0.2.10:6443"},
        {"address": "https://192.0.2.11:6443"},
    )
    cluster_reconnect(actor=actor_of(), cluster=cluster, kubeconfig=moved)


def test_credentials_are_not_replaced_for_whom_they_do_not_fit() -> None:
    cluster = connect()
    connect("south", KUBECONFIG.replace("192.0.2.10", "192.0.2.11"))
    with pytest.raises(Refused, match="connected already, as south"):
        cluster_reconnect(actor=actor_of(), cluster=cluster, kubeconfig=KUBECONFIG.replace("192.0.2.10", "192.0.2.11"))
    with pytest.raises(Refused, match="is not a Kubernetes cluster"):
        cluster_reconnect(actor=actor_of(), cluster=simulate(), kubeconfig=KUBECONFIG)
    with pytest.raises(Forbidden):
        cluster_reconnect(actor=actor_of(make_user(role=DEPARTMENT_ADMIN)), cluster=cluster, kubeconfig=KUBECONFIG)
