"""The control plane and the stand-in for kubelets that the other cluster tests rest on."""

import pytest
import yaml

from tests.cluster.api import ApiError, Object
from tests.cluster.control_plane import ControlPlane
from tests.cluster.kubelet import FakeKubelet
from tests.cluster.waiting import eventually

PODS = "/api/v1/namespaces/{}/pods"


def pod(name: str, node: str, annotations: dict[str, str] | None = None) -> Object:
    return {
        "metadata": {"name": name, "annotations": annotations or {}},
        "spec": {
            "nodeName": node,
            "containers": [{"name": "main", "image": "busybox", "resources": {"limits": {"nvidia.com/gpu": "1"}}}],
        },
    }


def test_new_node_offers_its_gpus_without_a_taint(control_plane: ControlPlane, kubelet: FakeKubelet) -> None:
    kubelet.add_node("fresh", gpus=4, labels={"gpu": "a100"})
    node = control_plane.api.get("/api/v1/nodes/fresh")
    assert node["status"]["allocatable"]["nvidia.com/gpu"] == "4"
    assert node["metadata"]["labels"]["gpu"] == "a100"
    assert "taints" not in node["spec"]


@pytest.mark.parametrize(("exit_code", "phase"), [("0", "Succeeded"), ("3", "Failed")])
def test_pod_runs_for_its_time_and_ends(
    control_plane: ControlPlane, kubelet: FakeKubelet, namespace: str, exit_code: str, phase: str
) -> None:
    node = f"runs-{exit_code}"
    kubelet.add_node(node)
    annotations = {"bursar.dev/run-seconds": "0.5", "bursar.dev/exit-code": exit_code}
    control_plane.api.create(PODS.format(namespace), pod("short", node, annotations))
    path = f"{PODS.format(namespace)}/short"
    eventually(lambda: control_plane.api.get(path)["status"]["phase"] == "Running")
    eventually(lambda: control_plane.api.get(path)["status"]["phase"] == phase)
    assert control_plane.api.get(path)["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == int(
        exit_code
    )


def test_evicted_pod_of_a_job_is_gone_and_has_failed(
    control_plane: ControlPlane, kubelet: FakeKubelet, namespace: str
) -> None:
    kubelet.add_node("evicts")
    template = {"spec": pod("unused", "evicts")["spec"] | {"restartPolicy": "Never"}}
    jobs, pods = f"/apis/batch/v1/namespaces/{namespace}/jobs", PODS.format(namespace)
    control_plane.api.create(jobs, {"metadata": {"name": "job"}, "spec": {"template": template}})
    eventually(lambda: [found for found in control_plane.api.items(pods) if found["status"]["phase"] == "Running"])
    (running,) = control_plane.api.items(pods)
    name = running["metadata"]["name"]
    control_plane.api.create(f"{pods}/{name}/eviction", {"metadata": {"name": name, "namespace": namespace}})
    eventually(lambda: control_plane.api.get(f"{jobs}/job")["status"].get("failed") == 1)
    eventually(lambda: name not in {found["metadata"]["name"] for found in control_plane.api.items(pods)})


def test_service_account_may_do_what_its_rules_say_and_no_more(control_plane: ControlPlane) -> None:
    rules = [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}]
    config = yaml.safe_load(control_plane.service_account_kubeconfig("reader", rules))
    token = {"spec": {"token": config["users"][0]["user"]["token"]}}
    review = control_plane.api.create("/apis/authentication.k8s.io/v1/tokenreviews", token)
    assert review["status"]["user"]["username"] == "system:serviceaccount:default:reader"
    allowed = {}
    for verb in ("list", "delete"):
        spec = {"user": review["status"]["user"]["username"], "resourceAttributes": {"resource": "nodes", "verb": verb}}
        answer = control_plane.api.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", {"spec": spec})
        allowed[verb] = answer["status"]["allowed"]
    assert allowed == {"list": True, "delete": False}


def test_api_server_comes_back_with_its_data_after_a_kill() -> None:
    with ControlPlane() as control_plane, FakeKubelet(control_plane.api) as kubelet:
        kubelet.add_node("survivor")
        control_plane.stop_api_server()
        with pytest.raises(Exception, match="Connection refused"):
            control_plane.api.get("/api/v1/nodes/survivor")
        control_plane.start_api_server()
        uid = control_plane.api.get("/api/v1/nodes/survivor")["metadata"]["uid"]
        assert uid
        kubelet.add_node("second")
        control_plane.api.create("/api/v1/namespaces/default/pods", pod("after", "second"))
        path = "/api/v1/namespaces/default/pods/after"
        eventually(lambda: control_plane.api.get(path)["status"]["phase"] == "Running")
    folder = control_plane.folder
    assert not folder.exists()


def test_nothing_is_left_when_a_start_fails() -> None:
    broken = ControlPlane(api_server_flags=["--no-such-flag"])
    with pytest.raises(RuntimeError, match="unknown flag: --no-such-flag"), broken:
        raise AssertionError("started")
    assert not broken.folder.exists()


def test_error_status_is_an_error_of_the_tests_too(control_plane: ControlPlane) -> None:
    with pytest.raises(ApiError, match="404"):
        control_plane.api.get("/api/v1/nodes/nowhere")
