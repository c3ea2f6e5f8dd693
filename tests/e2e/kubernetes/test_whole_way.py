"""The whole way on a real API server: connect, pool, projects, quotas, submit, run, reclaim, stop, disconnect."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.apps import apps
from django.core.management import call_command
from playwright.sync_api import Page, expect

from orgs.models import ClusterInfo
from portal.models import AuditEvent
from scheduling.models import Decision
from tests.cluster.api import Api, Object
from tests.cluster.control_plane import ControlPlane
from tests.cluster.kubelet import FakeKubelet
from tests.cluster.waiting import eventually
from tests.factories import ADMIN, make_account, make_user

from .administrator import Administrator

pytestmark = [
    pytest.mark.browser,
    pytest.mark.cluster,
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def kubelet(control_plane: ControlPlane) -> Iterator[FakeKubelet]:
    with FakeKubelet(control_plane.api, termination_seconds=1) as running:
        running.add_node("gpu-0", gpus=8, labels={"gpu": "a100"})
        running.add_node("gpu-1", gpus=8, labels={"gpu": "h100"})
        running.add_node("cpu-0", gpus=0)
        yield running


@pytest.fixture
def administrator(page: Page, live_server: Any) -> Administrator:
    make_account()
    user = make_user(role=ADMIN)
    person = Administrator(page, live_server.url)
    person.sign_in(user.email)
    return person


def pods_of(api: Api, project: str, workload: str) -> list[Object]:
    pods = api.items(f"/api/v1/namespaces/bursar-{project}/pods")
    return [pod for pod in pods if pod["metadata"]["name"].startswith(f"{workload}-")]


def others(pods: list[Object], than: Object) -> list[Object]:
    return [pod for pod in pods if pod["metadata"]["uid"] != than["metadata"]["uid"]]


def namespaces(api: Api) -> set[str]:
    return {namespace["metadata"]["name"] for namespace in api.items("/api/v1/namespaces")}


def job_of(api: Api, project: str, workload: str) -> Object | None:
    jobs = api.items(f"/apis/batch/v1/namespaces/bursar-{project}/jobs")
    return next((job for job in jobs if job["metadata"]["name"].startswith(f"{workload}-")), None)


def is_going(job: Object | None) -> bool:
    return job is None or "deletionTimestamp" in job["metadata"]


def is_suspended(job: Object | None) -> bool:
    return job is not None and job["spec"]["suspend"]


def expect_running_where_the_api_server_says(administrator: Administrator, api: Api, project: str, name: str) -> Object:
    """Gives the pod, as the API server has it."""
    administrator.expect_state("Running")
    (pod,) = pods_of(api, project, name)
    assert administrator.nodes_of_pods() == [pod["spec"]["nodeName"]] == ["gpu-0"]
    assert pod["status"]["phase"] == "Running"
    decision = Decision.objects.get(pk=int(pod["metadata"]["annotations"]["bursar.dev/decision"]))
    assert (decision.pod_uid, decision.epoch > 0) == (pod["metadata"]["uid"], True)
    return pod


def test_whole_way(
    administrator: Administrator,
    control_plane: ControlPlane,
    kubeconfig: str,
    kubelet: FakeKubelet,
    worker: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    api = control_plane.api
    token = yaml.safe_load(kubeconfig)["users"][0]["user"]["token"]
    insecure = kubeconfig.replace("cluster:\n", "cluster:\n    insecure-skip-tls-verify: true\n", 1)

    administrator.connect_cluster("north", kubeconfig, refused=insecure)
    administrator.expect_cluster("north", "Connected", control_plane.address, "v1.")
    administrator.open("Node pools")
    expect(administrator.page.get_by_role("heading", level=1)).to_contain_text("16 GPUs on 3 nodes in 1 pool")
    administrator.create_pool("a100", "gpu", "a100", nodes=1)
    for project in ("vision", "speech"):
        administrator.create_project(project)
    eventually(lambda: {"bursar-vision", "bursar-speech"} <= namespaces(api))
    administrator.open("Access")
    rules = administrator.page.get_by_role("table", name="Rules")
    # The page renews itself every 20 s.
    expect(rules).to_contain_text("In force in north", timeout=45_000)
    administrator.set_quota("vision", "a100", 2)
    administrator.set_quota("speech", "a100", 6)

    administrator.submit("inside", "vision", "a100", gpus=2)
    inside = expect_running_where_the_api_server_says(administrator, api, "vision", "inside")
    administrator.submit("borrows", "vision", "a100", gpus=4)
    borrower = expect_running_where_the_api_server_says(administrator, api, "vision", "borrows")

    administrator.submit("owner", "speech", "a100", gpus=6)
    expect_running_where_the_api_server_says(administrator, api, "speech", "owner")
    assert [pod["metadata"]["uid"] for pod in pods_of(api, "vision", "inside")] == [inside["metadata"]["uid"]]
    # The Job controller waits about 10 s before it replaces a pod, which stays as failed until then.
    (replacement,) = eventually(lambda: others(pods_of(api, "vision", "borrows"), borrower), seconds=30)
    assert "nodeName" not in replacement["spec"]
    job = job_of(api, "vision", "borrows")
    assert job is not None
    assert (job["status"].get("failed", 0), job["status"].get("conditions", [])) == (0, [])
    administrator.open_workload("borrows")
    administrator.expect_workload("Taken back for owner", "1 pod stopped")
    administrator.expect_state("Waiting")
    assert AuditEvent.objects.filter(action="reclaim").count() == 1

    administrator.open_workload("owner")
    stop(administrator)
    eventually(lambda: is_suspended(job_of(api, "speech", "owner")) and not pods_of(api, "speech", "owner"))
    administrator.expect_state("Stopped")
    administrator.open_workload("borrows")
    expect_running_where_the_api_server_says(administrator, api, "vision", "borrows")

    apply_deployment(api, "bursar-speech", "assistant", pool="a100")
    administrator.expect_listed("assistant", "Deployment")
    administrator.open_workload("assistant")
    administrator.expect_workload("Deployment assistant in namespace bursar-speech")
    expect_running_where_the_api_server_says(administrator, api, "speech", "assistant")
    administrator.open_workload("assistant")
    stop(administrator)
    eventually(lambda: not pods_of(api, "speech", "assistant"))
    administrator.expect_state("Stopped")
    administrator.page.get_by_role("button", name="Resume").click()
    expect_running_where_the_api_server_says(administrator, api, "speech", "assistant")

    administrator.open("Settings")
    control_plane.stop_api_server()
    administrator.expect_cluster("north", "Not connected", "cannot be reached")
    administrator.open_health("north")
    administrator.expect_health("Cluster north has not been connected for")
    expect(administrator.page.get_by_text("Cluster north was last connected")).to_be_visible()
    control_plane.start_api_server()
    administrator.expect_health("Cluster north has been connected for")
    administrator.replace_credentials(kubeconfig)
    administrator.expect_health("Cluster north has been connected for", "all that are needed")
    assert_no_page_or_row_holds(token, administrator)
    disconnect(administrator, "north")
    eventually(lambda: not ClusterInfo.objects.exists(), seconds=60)
    for name in ("inside", "borrows"):
        assert not is_going(job_of(api, "vision", name))
        (pod,) = pods_of(api, "vision", name)
        assert pod["status"]["phase"] == "Running"
    clean(control_plane, tmp_path)
    # The controllers, which lost their API server too, come back to work after up to half a minute.
    eventually(lambda: not api.items("/api/v1/namespaces/bursar-vision/pods"), seconds=60)
    assert "bursar.dev/project" not in api.get("/api/v1/namespaces/bursar-vision")["metadata"]["labels"]

    logs = worker.read_text(), caplog.text
    assert not any(token in log for log in logs)
    assert [log.count("Traceback") for log in logs] == [0, 0]


def apply_deployment(api: Api, namespace: str, name: str, pool: str) -> None:
    """As somebody with kubectl does, for Bursar to place."""
    asked = {"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": "1"}
    containers = [{"name": "main", "image": "busybox", "resources": {"requests": asked, "limits": asked}}]
    labels = {"app": name}
    template = {
        "metadata": {"labels": labels | {"bursar.dev/pool": pool}},
        "spec": {"schedulerName": "bursar", "containers": containers},
    }
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    api.create(f"/apis/apps/v1/namespaces/{namespace}/deployments", {"metadata": {"name": name}, "spec": spec})


def clean(control_plane: ControlPlane, folder: Path) -> None:
    file, told = folder / "administrator.kubeconfig", StringIO()
    file.write_text(control_plane.kubeconfig())
    call_command("cluster_clean", str(file), "--yes", stdout=told)
    assert "Job bursar-vision/inside" in told.getvalue()


def stop(administrator: Administrator) -> None:
    administrator.page.get_by_role("button", name="Stop", exact=True).click()
    administrator.page.get_by_role("dialog").get_by_role("button", name="Stop workload").click()


def disconnect(administrator: Administrator, name: str) -> None:
    administrator.visit("/settings/")
    administrator.cluster_row(name).get_by_role("link", name=f"Disconnect {name}").click()
    dialog = administrator.page.get_by_role("dialog", name=f"Disconnect cluster {name}?")
    dialog.get_by_label(f"Type {name} to confirm").fill(name)
    administrator.look()
    dialog.get_by_role("button", name="Disconnect cluster").click()
    expect(administrator.cluster_row(name)).to_have_count(0)


def assert_no_page_or_row_holds(token: str, administrator: Administrator) -> None:
    """Also the encrypted credentials are for no page."""
    info = ClusterInfo.objects.get()
    administrator.visit(
        f"/admin/orgs/clusterinfo/{info.pk}/change/", "/admin/orgs/clusterinfo/", "/admin/portal/auditevent/"
    )
    assert len(administrator.shown) > 30
    for secret in (token, info.credentials):
        assert secret
        assert not any(secret in shown for shown in administrator.shown)
    for model in apps.get_models():
        assert token not in repr(list(model._default_manager.values())), model
