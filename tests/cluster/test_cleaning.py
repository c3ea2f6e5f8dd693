"""Disconnecting leaves a cluster as it is; a command takes out what Bursar wrote there, on the real API server."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from orgs.models import ClusterInfo
from orgs.services.cluster import cluster_disconnect
from orgs.services.unit import units_remove
from portal.models import AuditEvent
from scheduling.clusters.kubernetes.gateway import KubernetesGateway
from scheduling.models import Workload
from tests.cluster.api import MERGE_PATCH, ApiError, Object
from tests.cluster.bursar import Bursar, at_work
from tests.cluster.control_plane import ControlPlane
from tests.cluster.kubelet import FakeKubelet
from tests.cluster.waiting import eventually
from tests.factories import actor_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

RBAC = "/apis/rbac.authorization.k8s.io/v1"
KINDS = {
    Workload.Kind.WORKSPACE: "apps/v1/statefulsets",
    Workload.Kind.TRAINING: "batch/v1/jobs",
    Workload.Kind.INFERENCE: "apps/v1/deployments",
}


@pytest.fixture
def bursar(control_plane: ControlPlane, gateway: KubernetesGateway, kubelet: FakeKubelet) -> Iterator[Bursar]:
    with at_work(control_plane.api, gateway, kubelet, "cleaned") as made:
        yield made


def adopted(bursar: Bursar, namespace: str) -> str:
    """A namespace that was given to a project, and in it a pod of others on which Bursar wrote; the pod's path."""
    path = f"/api/v1/namespaces/{namespace}"
    bursar.api.patch(path, {"metadata": {"labels": {"bursar.dev/project": "other", "team": "vision"}}}, MERGE_PATCH)
    labels, notes = {"bursar.dev/pool": "default", "app": "own"}, {"bursar.dev/decision": "1", "note": "own"}
    spec = {"schedulerName": "bursar", "containers": [{"name": "main", "image": "busybox"}]}
    metadata = {"name": "own", "labels": labels, "annotations": notes}
    bursar.api.create(f"{path}/pods", {"metadata": metadata, "spec": spec})
    return f"{path}/pods/own"


def labels_of(bursar: Bursar, path: str) -> Object:
    metadata = bursar.api.get(path)["metadata"]
    return {**metadata.get("labels", {}), **metadata.get("annotations", {})}


def is_gone(bursar: Bursar, path: str) -> bool:
    try:
        bursar.api.get(path)
    except ApiError as error:
        return error.status == 404
    return False


def until_gone(bursar: Bursar, workload: Workload, resource: str) -> None:
    eventually(lambda: not bursar.objects(workload, resource) and not bursar.pods(workload))


def test_cluster_is_left_as_it_is_and_then_cleaned(
    control_plane: ControlPlane, bursar: Bursar, namespace: str, tmp_path: Path
) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(control_plane.kubeconfig())

    def clean(*arguments: str) -> str:
        told = StringIO()
        call_command("cluster_clean", str(file), *arguments, stdout=told)
        return told.getvalue()

    bursar.node("a")
    work = {resource: bursar.running(f"w-{kind}", kind) for kind, resource in KINDS.items()}
    home, binding = f"/api/v1/namespaces/{bursar.namespace}", "bursar:project:read"
    bursar.gateway.apply_binding(bursar.namespace, binding, ["ann@example.org"])
    pod = adopted(bursar, namespace)
    ClusterInfo.objects.update(identity=bursar.gateway.identity())
    with pytest.raises(CommandError, match=rf"This is {bursar.cluster.name}, which is connected\. Disconnect it"):
        clean()

    cluster_disconnect(actor=actor_of(), cluster=bursar.cluster)
    assert units_remove() == 1
    assert not ClusterInfo.objects.exists()
    told = clean()
    for resource, workload in work.items():
        (item,) = bursar.objects(workload, resource)
        assert f"{bursar.namespace}/{item['metadata']['name']}\n" in told
        assert bursar.pods(workload)
    assert f"RoleBinding {bursar.namespace}/{binding}\n" in told
    assert f"Pod {namespace}/own: bursar.dev/pool, bursar.dev/decision\n" in told
    assert f"Namespace {namespace}: bursar.dev/project\n" in told
    assert "Nothing was changed." in told
    assert {"bursar.dev/pool", "bursar.dev/decision"} <= labels_of(bursar, pod).keys()

    assert "Done for" in clean("--yes")
    for resource, workload in work.items():
        until_gone(bursar, workload, resource)
    assert is_gone(bursar, f"{RBAC}/namespaces/{bursar.namespace}/rolebindings/{binding}")
    assert {"app", "note"} == labels_of(bursar, pod).keys()
    assert labels_of(bursar, f"/api/v1/namespaces/{namespace}").keys() == {"team", "kubernetes.io/metadata.name"}
    assert labels_of(bursar, home).keys() == {"kubernetes.io/metadata.name"}
    assert AuditEvent.objects.get(action="clean").entity_name == control_plane.address


def test_namespaces_that_bursar_made_go_when_that_is_asked_for(
    control_plane: ControlPlane, gateway: KubernetesGateway, tmp_path: Path
) -> None:
    gateway.apply_namespace("bursar-cleaned-too", "cleaned-too")
    file, path = tmp_path / "kubeconfig", "/api/v1/namespaces/bursar-cleaned-too"
    file.write_text(control_plane.kubeconfig())
    told = StringIO()
    call_command("cluster_clean", str(file), "--with-namespaces", "--yes", stdout=told)
    assert "Namespace bursar-cleaned-too\n" in told.getvalue()
    eventually(lambda: control_plane.api.get(path)["metadata"].get("deletionTimestamp"))


def test_account_that_may_not_see_everything_says_so(control_plane: ControlPlane, tmp_path: Path) -> None:
    file, told = tmp_path / "kubeconfig", StringIO()
    rules = [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "list"]}]
    file.write_text(control_plane.service_account_kubeconfig("cleans-little", rules))
    with pytest.raises(SystemExit):
        call_command("cluster_clean", str(file), stdout=StringIO(), stderr=told)
    assert "Not looked at: pods:" in told.getvalue()
    file.write_text("nonsense")
    with pytest.raises(CommandError, match="not a kubeconfig"):
        call_command("cluster_clean", str(file))
