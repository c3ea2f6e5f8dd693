"""The gateway against a real API server: what it does is read back by other code than its own."""

from __future__ import annotations

import time
from dataclasses import replace
from uuid import uuid4

import pytest
import yaml

from scheduling.clusters.gateway import GatewayError
from scheduling.clusters.kubernetes.gateway import KubernetesGateway
from scheduling.clusters.kubernetes.rights import RIGHTS
from scheduling.clusters.orders import Bind, Eviction, Outcome, PodGroup, PoolLabel, WorkloadObject
from tests.cluster.api import ApiError, Object
from tests.cluster.bursar import gateway_for
from tests.cluster.control_plane import ControlPlane
from tests.cluster.kubelet import FakeKubelet
from tests.cluster.waiting import eventually

JOBS = "/apis/batch/v1/namespaces/{}/jobs"
PODS = "/api/v1/namespaces/{}/pods"


def workload(namespace: str, pods: int = 1, **changes: object) -> WorkloadObject:
    plain = WorkloadObject(
        uid=str(uuid4()),
        name="train",
        namespace=namespace,
        project="vision",
        pool="default",
        kind="training",
        image="busybox",
        command=("sleep", "1"),
        env={},
        groups=(PodGroup("main", pods, devices=1, device_milli=1000, cpu_millicores=500, memory_bytes=2**30),),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def pods_of(control_plane: ControlPlane, wanted: WorkloadObject) -> list[Object]:
    selector = f"bursar.dev/workload={wanted.uid}"
    return control_plane.api.items(PODS.format(wanted.namespace), labelSelector=selector)


def bind_of(pod: Object, node: str, decision: int) -> Bind:
    metadata = pod["metadata"]
    return Bind(decision, metadata["namespace"], metadata["name"], metadata["uid"], node, devices="0")


def bound_pod(control_plane: ControlPlane, gateway: KubernetesGateway, wanted: WorkloadObject, node: str) -> Object:
    """The running pod of a new workload."""
    gateway.apply_workload(wanted)
    (pod,) = eventually(lambda: pods_of(control_plane, wanted))
    (result,) = gateway.bind([bind_of(pod, node, 1)], lambda: True)
    assert result.outcome is Outcome.CONFIRMED
    eventually(lambda: pods_of(control_plane, wanted)[0]["status"]["phase"] == "Running")
    return pods_of(control_plane, wanted)[0]


def test_check_tells_the_version(gateway: KubernetesGateway) -> None:
    assert gateway.check().startswith("v1.")


def test_check_names_every_right_that_is_missing_and_no_other(control_plane: ControlPlane) -> None:
    rules = [
        {"apiGroups": [""], "resources": ["nodes", "pods"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [""], "resources": ["pods/binding", "namespaces"], "verbs": ["create", "get", "patch"]},
        {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["get", "list", "watch", "create"]},
    ]
    weak = gateway_for(control_plane.service_account_kubeconfig("weak", rules))
    with pytest.raises(GatewayError) as caught:
        weak.require_rights()
    granted = {f"{verb} {part}" for rule in rules for part in rule["resources"] for verb in rule["verbs"]}
    missing = dict.fromkeys(str(right) for right in RIGHTS if str(right) not in granted)
    assert {"patch pods", "create pods/eviction", "delete jobs", "bypass policies"} <= set(missing)
    assert str(caught.value) == (
        f"The kubeconfig's account may not {', '.join(missing)}."
        " Apply deploy/kubernetes/bursar.yaml in the cluster: it grants what Bursar needs."
    )


def test_right_in_one_namespace_is_not_one_in_the_cluster(control_plane: ControlPlane) -> None:
    limited = control_plane.service_account_kubeconfig("limited", [])
    control_plane.api.create(
        "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
        {
            "metadata": {"name": "limited"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "namespace": "default", "name": "limited"}],
        },
    )
    with pytest.raises(GatewayError, match=r"may not get nodes, .*delete jobs"):
        gateway_for(limited).require_rights()


def test_check_goes_past_the_proxies_of_the_environment(
    gateway: KubernetesGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://192.0.2.1:3128")
    assert gateway.check().startswith("v1.")


def test_check_says_when_the_token_is_wrong(control_plane: ControlPlane) -> None:
    config = yaml.safe_load(control_plane.kubeconfig())
    config["users"][0]["user"] = {"token": "wrong"}
    with pytest.raises(GatewayError, match="give the cluster a new kubeconfig"):
        gateway_for(yaml.safe_dump(config)).check()


def test_namespace_is_created_once_and_belongs_to_its_project(
    control_plane: ControlPlane, gateway: KubernetesGateway
) -> None:
    for _ in range(2):
        gateway.apply_namespace("bursar-owned", "owned")
    metadata = control_plane.api.get("/api/v1/namespaces/bursar-owned")["metadata"]
    assert metadata["labels"]["bursar.dev/project"] == "owned"
    assert {entry["manager"] for entry in metadata["managedFields"]} == {"bursar"}
    with pytest.raises(GatewayError, match="belongs to the project owned"):
        gateway.apply_namespace("bursar-owned", "other")


def test_namespace_that_was_there_is_taken_when_the_cluster_s_administrator_gives_it(
    control_plane: ControlPlane, gateway: KubernetesGateway
) -> None:
    with pytest.raises(GatewayError, match=r"There is no namespace adopted: .* kubectl label namespace adopted"):
        gateway.apply_namespace("adopted", "physics", adopted=True)
    made = control_plane.api.create("/api/v1/namespaces", {"metadata": {"name": "adopted", "labels": {"team": "x"}}})
    for adopted in (True, False):
        with pytest.raises(GatewayError, match=r"by: kubectl label namespace adopted bursar\.dev/project=physics"):
            gateway.apply_namespace("adopted", "physics", adopted=adopted)
    labels = {"bursar.dev/project": "physics"}
    control_plane.api.patch("/api/v1/namespaces/adopted", {"metadata": {"labels": labels}})
    gateway.apply_namespace("adopted", "physics", adopted=True)
    found = control_plane.api.get("/api/v1/namespaces/adopted")["metadata"]["labels"]
    assert found == made["metadata"]["labels"] | labels


@pytest.mark.parametrize("name", ["default", "kube-system", "bursar-system"])
def test_namespace_of_the_cluster_itself_is_refused(gateway: KubernetesGateway, name: str) -> None:
    with pytest.raises(GatewayError, match="choose another"):
        gateway.apply_namespace(name, "mine")


def test_workload_becomes_one_job_however_often_it_is_applied(
    control_plane: ControlPlane, gateway: KubernetesGateway, namespace: str
) -> None:
    wanted = workload(namespace, pods=3)
    gateway.apply_workload(wanted)
    gateway.apply_workload(wanted)
    # The pool of a workload may change while its Job is there; the Job's pods cannot.
    gateway.apply_workload(replace(wanted, pool="other"))
    (job,) = control_plane.api.items(JOBS.format(namespace))
    assert job["metadata"]["labels"]["bursar.dev/pool"] == "default"
    eventually(lambda: len(pods_of(control_plane, wanted)) == 3)
    pods = pods_of(control_plane, wanted)
    assert {pod["spec"]["schedulerName"] for pod in pods} == {"bursar"}
    assert {pod["metadata"]["labels"]["bursar.dev/pool"] for pod in pods} == {"default"}


def test_invalid_workload_is_an_error_with_the_cluster_s_reason(gateway: KubernetesGateway, namespace: str) -> None:
    with pytest.raises(GatewayError, match="image"):
        gateway.apply_workload(workload(namespace, image=""))


def test_bind_puts_the_pod_on_its_node_with_the_decision(
    control_plane: ControlPlane, gateway: KubernetesGateway, kubelet: FakeKubelet, namespace: str
) -> None:
    kubelet.add_node("binds")
    wanted = workload(namespace)
    pod = bound_pod(control_plane, gateway, wanted, "binds")
    assert pod["spec"]["nodeName"] == "binds"
    assert pod["metadata"]["annotations"]["bursar.dev/decision"] == "1"
    seen = gateway.read_pod(namespace, pod["metadata"]["name"], pod["metadata"]["uid"])
    assert seen is not None
    assert (seen.node, seen.decision, seen.devices, seen.workload) == ("binds", 1, "0", wanted.uid)


def test_label_follows_the_pool_and_what_is_gone_needs_none(
    control_plane: ControlPlane, gateway: KubernetesGateway, namespace: str
) -> None:
    wanted = workload(namespace)
    gateway.apply_workload(wanted)
    pod = eventually(lambda: pods_of(control_plane, wanted))[0]["metadata"]
    label = PoolLabel(wanted.key, "second", ((pod["name"], pod["uid"]), ("gone", "uid-1")))
    gateway.label_pool(label)
    gateway.label_pool(replace(label, pool="third", pods=((pod["name"], "uid-of-another"),)))
    (found,) = pods_of(control_plane, wanted)
    assert found["metadata"]["labels"]["bursar.dev/pool"] == "second"
    (job,) = control_plane.api.items(JOBS.format(namespace), labelSelector=f"bursar.dev/workload={wanted.uid}")
    assert job["metadata"]["labels"]["bursar.dev/pool"] == "third"
    gateway.apply_workload(wanted)


def test_bind_again_is_done_already_and_another_one_is_refused(
    control_plane: ControlPlane, gateway: KubernetesGateway, kubelet: FakeKubelet, namespace: str
) -> None:
    kubelet.add_node("binds-twice")
    pod = bound_pod(control_plane, gateway, workload(namespace), "binds-twice")
    again, other = bind_of(pod, "binds-twice", 1), bind_of(pod, "elsewhere", 2)
    recreated = replace(again, uid=str(uuid4()))
    gone = replace(again, pod="gone")
    results = gateway.bind([again, other, recreated, gone], lambda: True)
    assert [result.outcome for result in results] == [Outcome.CONFIRMED, *[Outcome.FAILED] * 3]
    assert "already assigned" in results[1].message


@pytest.mark.parametrize("runs", [True, False])
def test_eviction_of_a_pod_that_was_replaced_is_done_at_once_and_leaves_the_new_one(
    control_plane: ControlPlane, gateway: KubernetesGateway, kubelet: FakeKubelet, namespace: str, runs: bool
) -> None:
    node = f"replaces-{runs}".lower()
    if runs:
        kubelet.add_node(node)
    spec = {"nodeName": node, "containers": [{"name": "main", "image": "busybox"}]}
    pod = control_plane.api.create(PODS.format(namespace), {"metadata": {"name": "again"}, "spec": spec})
    path = f"{PODS.format(namespace)}/again"
    if runs:
        eventually(lambda: control_plane.api.get(path)["status"]["phase"] == "Running")
    began = time.monotonic()
    (result,) = gateway.evict([Eviction(1, namespace, "again", str(uuid4()))], lambda: True)
    assert (result.outcome, time.monotonic() - began < 2) == (Outcome.CONFIRMED, True)
    metadata = control_plane.api.get(path)["metadata"]
    assert (metadata["uid"], "deletionTimestamp" in metadata) == (pod["metadata"]["uid"], False)


def test_deleted_workload_takes_its_pods_along_and_can_come_back(
    control_plane: ControlPlane, gateway: KubernetesGateway, kubelet: FakeKubelet, namespace: str
) -> None:
    kubelet.add_node("deletes")
    wanted = workload(namespace)
    first = bound_pod(control_plane, gateway, wanted, "deletes")
    for _ in range(2):
        gateway.delete_workload(wanted.key)
    eventually(lambda: not pods_of(control_plane, wanted) and not control_plane.api.items(JOBS.format(namespace)))
    gateway.delete_workload(wanted.key)
    gateway.apply_workload(wanted)
    (second,) = eventually(lambda: pods_of(control_plane, wanted))
    assert second["metadata"]["uid"] != first["metadata"]["uid"]


def test_workload_does_not_start_again_while_its_pods_still_stop(
    control_plane: ControlPlane, gateway: KubernetesGateway, namespace: str
) -> None:
    with FakeKubelet(control_plane.api, termination_seconds=1) as slow:
        slow.add_node("stops-slowly")
        wanted = workload(namespace)
        bound_pod(control_plane, gateway, wanted, "stops-slowly")
        gateway.delete_workload(wanted.key)
        with pytest.raises(GatewayError, match="still being stopped"):
            gateway.apply_workload(wanted)
        eventually(lambda: not pods_of(control_plane, wanted))


def test_gone_api_server_leaves_orders_unsent_and_a_new_one_takes_them() -> None:
    with ControlPlane() as control_plane:
        gateway = gateway_for(control_plane.kubeconfig())
        orders = [Bind(n, "default", f"absent-{n}", str(uuid4()), "n") for n in range(20)]
        gateway.bind(orders[:1], lambda: True)
        control_plane.stop_api_server()
        outcomes = {result.outcome for result in gateway.bind(orders, lambda: True)}
        assert Outcome.NOT_SENT in outcomes
        assert outcomes <= {Outcome.NOT_SENT, Outcome.UNKNOWN}
        with pytest.raises(GatewayError, match="cannot be reached"):
            gateway.check()
        control_plane.start_api_server()
        eventually(lambda: all(r.outcome is Outcome.FAILED for r in gateway.bind(orders, lambda: True)), seconds=40)
        with pytest.raises(ApiError, match="404"):
            control_plane.api.get("/api/v1/namespaces/default/pods/absent-0")
        gateway.close()
