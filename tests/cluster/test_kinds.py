"""Each kind of workload through what happens to it in a cluster, on the real API server with its controllers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from orgs.models import ClusterInfo, ProjectInfo
from portal.actor import SYSTEM
from portal.errors import Refused
from portal.models import AuditEvent
from quotas.models import Node
from scheduling.clusters.kubernetes.gateway import KubernetesGateway
from scheduling.models import Pod, Workload
from scheduling.services.workload import workload_delete, workload_resume, workload_stop
from scheduling.services.workload_rules import PodGroup
from tests.cluster.api import MERGE_PATCH, Object
from tests.cluster.bursar import STATES, Bursar, at_work
from tests.cluster.control_plane import ControlPlane
from tests.cluster.controllers.controller import forget_kind
from tests.cluster.controllers.job_sets import KIND as JOB_SET_KIND
from tests.cluster.kubelet import FakeKubelet

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

Kind = Workload.Kind
RESOURCES = {
    Kind.WORKSPACE: "apps/v1/statefulsets",
    Kind.TRAINING: "batch/v1/jobs",
    Kind.DISTRIBUTED: "batch/v1/jobs",
    Kind.INFERENCE: "apps/v1/deployments",
}
number = count(1)


@pytest.fixture
def bursar(control_plane: ControlPlane, gateway: KubernetesGateway, kubelet: FakeKubelet) -> Iterator[Bursar]:
    with at_work(control_plane.api, gateway, kubelet, f"kinds-{next(number)}") as made:
        yield made


def pod_path(pod: Object) -> str:
    return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"


def namespace_uids(bursar: Bursar) -> set[str]:
    """Of the project's namespace; none while there is none."""
    found = bursar.api.items("/api/v1/namespaces", fieldSelector=f"metadata.name={bursar.namespace}")
    return {namespace["metadata"]["uid"] for namespace in found}


def ends(bursar: Bursar, pod: Object, exit_code: int) -> None:
    """Tells the kubelet that the pod's container has ended."""
    notes = {"bursar.dev/run-seconds": "0", "bursar.dev/exit-code": str(exit_code)}
    bursar.api.patch(pod_path(pod), {"metadata": {"annotations": notes}}, MERGE_PATCH)


def replaced(bursar: Bursar, workload: Workload, gone: Object) -> Object | None:
    """The pod that runs in the place of another."""
    for pod in bursar.pods(workload):
        if pod["metadata"]["uid"] != gone["metadata"]["uid"] and pod["status"]["phase"] == "Running":
            return pod
    return None


@pytest.mark.parametrize("kind", list(RESOURCES))
def test_submitted_stopped_resumed_and_deleted(bursar: Bursar, kind: Workload.Kind) -> None:
    bursar.node("a")
    pods = 2 if kind is Kind.DISTRIBUTED else 1
    workload = bursar.running("work", kind, pods=pods)
    (made,) = bursar.objects(workload, RESOURCES[kind])
    assert made["metadata"]["managedFields"][0]["manager"] == "bursar"
    first = bursar.pods(workload)
    assert {pod["spec"]["nodeName"] for pod in first} == {f"{bursar.name}-a"}
    services = bursar.objects(workload, "v1/services")
    assert len(services) == (kind in (Kind.WORKSPACE, Kind.DISTRIBUTED))
    bursar.wake(workload)
    assert "bursar.dev/woken-at" in bursar.objects(workload, RESOURCES[kind])[0]["metadata"]["annotations"]

    workload_stop(actor=SYSTEM, workload=workload)
    bursar.until_state(workload, STATES.STOPPED)
    assert (workload.is_active, workload.applied, bursar.pods(workload)) == (False, True, [])

    again = workload_resume(actor=SYSTEM, workload=workload)
    assert (again.pk, again.is_active) == (workload.pk, True)
    bursar.until_state(workload, STATES.RUNNING)
    (kept,) = bursar.objects(workload, RESOURCES[kind])
    assert kept["metadata"]["uid"] == made["metadata"]["uid"]
    assert len(bursar.pods(workload)) == pods
    assert kept["status"].get("failed", 0) == 0
    assert AuditEvent.objects.filter(action__in=["stop", "resume"]).count() == 2

    workload_delete(actor=SYSTEM, workload=workload)
    bursar.until(lambda: not bursar.objects(workload, RESOURCES[kind]) and not bursar.pods(workload))
    bursar.until(lambda: not bursar.objects(workload, "v1/services"))


def test_scaled_by_an_administrator_of_the_cluster(bursar: Bursar) -> None:
    bursar.node("a")
    workload = bursar.running("serve", Kind.INFERENCE)
    (made,) = bursar.objects(workload, RESOURCES[Kind.INFERENCE])
    path = f"/apis/apps/v1/namespaces/{bursar.namespace}/deployments/{made['metadata']['name']}"
    bursar.api.patch(path, {"spec": {"replicas": 3}}, MERGE_PATCH)
    bursar.until(lambda: Pod.objects.filter(workload=workload).count() == 3)
    bursar.api.patch(path, {"spec": {"replicas": 1}}, MERGE_PATCH)
    bursar.until(lambda: Pod.objects.filter(workload=workload).count() == 1)
    bursar.until_state(workload, STATES.RUNNING)


def test_rolling_update_takes_the_room_that_there_was(bursar: Bursar) -> None:
    bursar.node("a", gpus=2)
    workload = bursar.running("serve", Kind.INFERENCE, pods=2)
    (made,) = bursar.objects(workload, RESOURCES[Kind.INFERENCE])
    path = f"/apis/apps/v1/namespaces/{bursar.namespace}/deployments/{made['metadata']['name']}"
    old = {pod["metadata"]["uid"] for pod in bursar.pods(workload)}
    containers = [{"name": "main", "image": "busybox:2"}]
    bursar.api.patch(path, {"spec": {"template": {"spec": {"containers": containers}}}})

    def is_new() -> bool:
        pods = [pod for pod in bursar.pods(workload) if pod["status"]["phase"] == "Running"]
        return len(pods) == 2 and not old & {pod["metadata"]["uid"] for pod in pods}

    bursar.until(is_new)
    bursar.until_state(workload, STATES.RUNNING)


def test_retries_are_used_up_by_failures_and_not_by_evictions(bursar: Bursar) -> None:
    bursar.node("a")
    workload = bursar.running("train", pods=2, retries=1)
    failed, evicted = bursar.pods(workload)
    ends(bursar, failed, 1)
    body = {"metadata": {"name": evicted["metadata"]["name"]}, "apiVersion": "policy/v1", "kind": "Eviction"}
    bursar.api.create(f"{pod_path(evicted)}/eviction", body)
    bursar.until(lambda: workload.pods.filter(phase=Pod.Phase.FAILED).exists())
    # The Job controller backs off for about 10 s before it replaces a pod.
    bursar.until(lambda: all(replaced(bursar, workload, pod) for pod in (failed, evicted)))
    bursar.until_state(workload, STATES.RUNNING)
    resource = RESOURCES[Kind.TRAINING]
    bursar.until(lambda: bursar.objects(workload, resource)[0]["status"].get("failed") == 1)
    for pod in bursar.pods(workload):
        ends(bursar, pod, 1)
    bursar.until_state(workload, STATES.FAILED)
    assert "backoff limit" in workload.state_message


def test_a_gang_starts_again_soon_however_often_it_is_evicted(bursar: Bursar) -> None:
    bursar.node("a")
    workload = bursar.running("gang", pods=4)
    for _ in range(3):
        old = bursar.pods(workload)
        for pod in old:
            body = {"metadata": {"name": pod["metadata"]["name"]}, "apiVersion": "policy/v1", "kind": "Eviction"}
            bursar.api.create(f"{pod_path(pod)}/eviction", body)
        # Each waits about 10 s, as after one failure; together they would wait 80, and at the third time 40.
        bursar.until(lambda old=old: runs_anew(bursar, workload, old), seconds=30)
        bursar.until_state(workload, STATES.RUNNING)


def runs_anew(bursar: Bursar, workload: Workload, old: list[Object]) -> bool:
    running = [pod for pod in bursar.pods(workload) if pod["status"]["phase"] == "Running"]
    return len({pod["metadata"]["uid"] for pod in running} - {pod["metadata"]["uid"] for pod in old}) == len(old)


def test_a_gang_of_which_some_have_ended_and_are_gone_starts_again(bursar: Bursar) -> None:
    bursar.node("a")
    workload = bursar.running("gang", pods=3)
    first, *others = bursar.pods(workload)
    ends(bursar, first, 0)
    bursar.until(lambda: workload.sub_groups.get().done == 1)
    # As with its node, or by an eviction that comes when it has just ended.
    bursar.api.delete(pod_path(first))
    bursar.until(lambda: workload.pods.count() == 2)
    bursar.until_state(workload, STATES.RUNNING)
    for pod in others:
        body = {"metadata": {"name": pod["metadata"]["name"]}, "apiVersion": "policy/v1", "kind": "Eviction"}
        bursar.api.create(f"{pod_path(pod)}/eviction", body)
    bursar.until(lambda: all(replaced(bursar, workload, pod) for pod in others), seconds=40)
    bursar.until_state(workload, STATES.RUNNING)
    assert workload.stale_since is None
    for pod in bursar.pods(workload):
        ends(bursar, pod, 0)
    bursar.until_state(workload, STATES.COMPLETED)


@pytest.mark.parametrize("kind", [Kind.WORKSPACE, Kind.INFERENCE])
def test_pod_deleted_by_hand_and_failed_pod_are_replaced(bursar: Bursar, kind: Workload.Kind) -> None:
    bursar.node("a")
    workload = bursar.running("serve", kind)
    (first,) = bursar.pods(workload)
    bursar.api.delete(pod_path(first))
    second = bursar.until(lambda: replaced(bursar, workload, first))
    ends(bursar, second, 1)
    bursar.until(lambda: replaced(bursar, workload, second))
    bursar.until_state(workload, STATES.RUNNING)


def test_drained_node_is_left_and_a_cordoned_one_not_taken(bursar: Bursar) -> None:
    drained = bursar.node("a", gpus=1)
    workload = bursar.running("serve", Kind.WORKSPACE)
    (pod,) = bursar.pods(workload)
    bursar.api.patch(f"/api/v1/nodes/{drained}", {"spec": {"unschedulable": True}}, MERGE_PATCH)
    other = bursar.node("b", gpus=1)
    body = {"metadata": {"name": pod["metadata"]["name"]}, "apiVersion": "policy/v1", "kind": "Eviction"}
    bursar.api.create(f"{pod_path(pod)}/eviction", body)
    moved = bursar.until(lambda: replaced(bursar, workload, pod))
    assert moved["spec"]["nodeName"] == other
    waits = bursar.submit("waits")
    bursar.until(lambda: bursar.pods(waits))
    bursar.until(lambda: workload.pods.filter(phase=Pod.Phase.RUNNING).exists())
    bursar.until_state(waits, STATES.WAITING)
    bursar.api.patch(f"/api/v1/nodes/{drained}", {"spec": {"unschedulable": None}}, MERGE_PATCH)
    bursar.until_state(waits, STATES.RUNNING)


def test_tainted_node_takes_only_what_tolerates_it(bursar: Bursar) -> None:
    tainted = bursar.node("a")
    taints = [{"key": "team", "value": "x", "effect": "NoSchedule"}]
    bursar.api.patch(f"/api/v1/nodes/{tainted}", {"spec": {"taints": taints}}, MERGE_PATCH)
    bursar.until(lambda: bursar.pool.nodes.filter(taints__0__key="team").exists())
    waits = bursar.submit("waits")
    tolerates = bursar.submit("tolerates", tolerations=[{"key": "team", "operator": "Exists"}])
    bursar.until_state(tolerates, STATES.RUNNING)
    waits.refresh_from_db()
    assert waits.state == STATES.WAITING


def test_node_lost_and_back(bursar: Bursar) -> None:
    node = bursar.node("a", gpus=2)
    workload = bursar.running("train")
    bursar.kubelet.set_ready(node, is_ready=False)
    bursar.until(lambda: bursar.pool.nodes.filter(state=Node.State.NOT_READY).exists())
    waits = bursar.submit("waits")
    bursar.until(lambda: waits.pods.exists())
    bursar.until_state(waits, STATES.WAITING)
    workload.refresh_from_db()
    assert workload.state == STATES.RUNNING, "nobody has said that its pod is gone"
    bursar.kubelet.set_ready(node, is_ready=True)
    bursar.until_state(waits, STATES.RUNNING)


def test_namespace_deleted_under_us_is_made_anew_at_once(bursar: Bursar) -> None:
    bursar.node("a")
    workload = bursar.running("notebook", Kind.WORKSPACE)
    (gone,) = namespace_uids(bursar)
    bursar.api.delete(f"/api/v1/namespaces/{bursar.namespace}")
    bursar.until_state(workload, STATES.FAILED)
    assert workload.state_message == "Somebody deleted its object in the cluster."
    bursar.until(lambda: namespace_uids(bursar) - {gone}, seconds=60)
    again = workload_resume(actor=SYSTEM, workload=workload)
    assert again.pk != workload.pk
    bursar.until_state(again, STATES.RUNNING, seconds=60)
    assert ProjectInfo.objects.get(pk=bursar.project.pk).phase == ProjectInfo.Phase.READY


def test_ended_and_stopped_while_nobody_looked(bursar: Bursar) -> None:
    bursar.node("a")
    ended, stays = bursar.running("ended"), bursar.running("stays", Kind.WORKSPACE)
    bursar.end()
    (pod,) = bursar.pods(ended)
    ends(bursar, pod, 0)
    workload_stop(actor=SYSTEM, workload=stays)
    bursar.watch()
    bursar.until_state(ended, STATES.COMPLETED)
    bursar.until_state(stays, STATES.STOPPED)


def test_several_groups_are_refused_where_the_kind_is_missing(bursar: Bursar) -> None:
    forget_kind(bursar.api, JOB_SET_KIND)
    groups = {"pods": 2, "more_groups": [PodGroup("launcher", 1, 500, 2**30)]}
    assert "job sets" not in bursar.note_kinds()
    with pytest.raises(Refused, match="has no JobSets"):
        bursar.submit("train", Kind.DISTRIBUTED, **groups)
    # It had them when somebody submitted it.
    ClusterInfo.objects.filter(pk=bursar.cluster.pk).update(watched={"job sets": 0})
    workload = bursar.submit("train", Kind.DISTRIBUTED, **groups)
    bursar.until(lambda: Workload.objects.filter(pk=workload.pk).exclude(state_message="").exists())
    workload.refresh_from_db()
    assert "knows no JobSets" in workload.state_message
    assert bursar.project.project_info.phase == ProjectInfo.Phase.READY
