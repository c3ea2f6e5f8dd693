"""What people apply to a cluster themselves for Bursar to place, on a real API server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from threading import Event
from typing import Any

import pytest

from portal.actor import SYSTEM
from portal.errors import Refused
from quotas.services.quota import quota_set
from scheduling.clusters.kubernetes.gateway import KubernetesGateway
from scheduling.loops import found_pods
from scheduling.loops.explainer import Explainer, untaken_pods
from scheduling.models import Pod, Priority, UntakenPod, Workload
from scheduling.services.workload import workload_delete, workload_resume, workload_stop
from tests.cluster.api import MERGE_PATCH, ApiError, Object
from tests.cluster.bursar import STATES, Bursar, at_work
from tests.cluster.control_plane import ControlPlane
from tests.cluster.kubelet import FakeKubelet
from tests.cluster.waiting import eventually
from tests.factories import make_pool

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

Kind = Workload.Kind
PATHS = {
    "Pod": "/api/v1/namespaces/{}/pods",
    "Job": "/apis/batch/v1/namespaces/{}/jobs",
    "CronJob": "/apis/batch/v1/namespaces/{}/cronjobs",
    "StatefulSet": "/apis/apps/v1/namespaces/{}/statefulsets",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
}
number = count(1)


@pytest.fixture
def bursar(control_plane: ControlPlane, gateway: KubernetesGateway, kubelet: FakeKubelet) -> Iterator[Bursar]:
    with at_work(control_plane.api, gateway, kubelet, f"found-{next(number)}") as made:
        made.node("a")
        yield made


def template(bursar: Bursar, gpus: int = 1, *, notes: dict[str, str] | None = None, **spec: Any) -> Object:
    asked = {"cpu": "500m", "memory": "1Gi", "nvidia.com/gpu": str(gpus)}
    containers = [{"name": "main", "image": "busybox", "resources": {"requests": asked, "limits": asked}}]
    labels = {"app": "x", "bursar.dev/pool": bursar.pool.name}
    metadata = {"labels": labels, "annotations": notes or {}}
    return {"metadata": metadata, "spec": {"schedulerName": "bursar", "containers": containers, **spec}}


def many(pods: int, made: Object) -> Object:
    """The specification of a StatefulSet or a Deployment."""
    return {"replicas": pods, "selector": {"matchLabels": {"app": "x"}}, "template": made, "serviceName": "x"}


def job(pods: int, made: Object) -> Object:
    made["spec"]["restartPolicy"] = "Never"
    return {"parallelism": pods, "completions": pods, "template": made}


def apply(bursar: Bursar, kind: str, name: str, spec: Object) -> Object:
    path = PATHS[kind].format(bursar.namespace)
    eventually(lambda: bursar.api.items(f"/api/v1/namespaces/{bursar.namespace}/serviceaccounts"))
    body = spec if kind == "Pod" else {"spec": spec}
    return bursar.api.create(path, body | {"metadata": body.get("metadata", {}) | {"name": name}})


def patch(bursar: Bursar, kind: str, name: str, body: Object) -> None:
    bursar.api.patch(f"{PATHS[kind].format(bursar.namespace)}/{name}", body, MERGE_PATCH)


def delete(bursar: Bursar, kind: str, name: str) -> None:
    bursar.api.delete(f"{PATHS[kind].format(bursar.namespace)}/{name}")


def found(bursar: Bursar, origin: str, state: int = STATES.RUNNING, seconds: float = 30) -> Workload:
    """The workload found as that object, once it is in this state."""
    rows = Workload.objects.filter(origin=origin, state=state, project=bursar.project)
    row = bursar.until(lambda: rows.first(), seconds)
    assert isinstance(row, Workload)
    return row


def phases(workload: Workload) -> list[int]:
    return sorted(workload.pods.values_list("phase", flat=True))


def ends(bursar: Bursar, pod: Pod, exit_code: int = 0) -> None:
    notes = {"bursar.dev/run-seconds": "0", "bursar.dev/exit-code": str(exit_code)}
    patch(bursar, "Pod", pod.name, {"metadata": {"annotations": notes}})


def test_a_bare_pod_is_placed_and_ends(bursar: Bursar) -> None:
    apply(bursar, "Pod", "alone", template(bursar, 2, tolerations=[{"key": "team", "operator": "Exists"}]))
    row = found(bursar, "Pod/alone")
    assert (row.kind, row.name, row.pool, row.requested_gpu_milli) == (Kind.OTHER, "alone", bursar.pool, 2000)
    (group,) = row.sub_groups.all()
    assert (group.devices, group.cpu_millicores, group.memory_bytes, group.min_members) == (2, 500, 2**30, 1)
    assert group.placement == {"tolerations": [{"key": "team", "operator": "Exists"}]}
    (pod,) = row.pods.all()
    assert (pod.phase, pod.devices) == (Pod.Phase.RUNNING, "0,1")
    assert row.events.order_by("pk")[0].code == "found"
    with pytest.raises(Refused, match="delete pod alone"):
        workload_stop(actor=SYSTEM, workload=row)
    with pytest.raises(Refused, match="delete pod alone"):
        workload_delete(actor=SYSTEM, workload=row)
    ends(bursar, pod)
    found(bursar, "Pod/alone", STATES.COMPLETED)
    delete(bursar, "Pod", "alone")
    bursar.until(lambda: not row.pods.exists())
    row.refresh_from_db()
    assert row.state == STATES.COMPLETED
    with pytest.raises(Refused, match="has ended there"):
        workload_resume(actor=SYSTEM, workload=row)


def test_a_job_is_a_gang_that_starts_together_and_ends(bursar: Bursar) -> None:
    apply(bursar, "Job", "train", job(10, template(bursar)))
    row = found(bursar, "Job/train", STATES.WAITING)
    assert (row.kind, row.pods_wanted, row.sub_groups.get().min_members) == (Kind.TRAINING, 10, 10)
    bursar.until(lambda: row.pods.count() == 10)
    assert phases(row) == [Pod.Phase.PENDING] * 10, "8 GPUs are there, and it needs 10"
    bursar.node("b", gpus=2)
    found(bursar, "Job/train")
    workload_stop(actor=SYSTEM, workload=row)
    found(bursar, "Job/train", STATES.STOPPED)
    assert bursar.api.get(f"{PATHS['Job'].format(bursar.namespace)}/train")["spec"]["suspend"]
    again = workload_resume(actor=SYSTEM, workload=row)
    assert again.pk == row.pk
    found(bursar, "Job/train")
    for pod in row.pods.filter(phase=Pod.Phase.RUNNING):
        ends(bursar, pod)
    found(bursar, "Job/train", STATES.COMPLETED)
    assert Workload.objects.filter(project=bursar.project).count() == 1


def test_each_job_of_a_cron_job_is_a_workload(bursar: Bursar) -> None:
    spec = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": job(1, template(bursar))}}
    cron = apply(bursar, "CronJob", "nightly", spec)
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "nightly", "uid": cron["metadata"]["uid"]}
    body = {"metadata": {"name": "nightly-1", "ownerReferences": [owner | {"controller": True}]}}
    bursar.api.create(PATHS["Job"].format(bursar.namespace), body | {"spec": spec["jobTemplate"]["spec"]})
    row = found(bursar, "Job/nightly-1")
    (pod,) = row.pods.all()
    ends(bursar, pod)
    found(bursar, "Job/nightly-1", STATES.COMPLETED)


def test_a_deployment_is_scaled_updated_stopped_and_goes(bursar: Bursar) -> None:
    apply(bursar, "Deployment", "web", many(2, template(bursar)))
    row = found(bursar, "Deployment/web")
    assert (row.kind, row.pods_wanted, row.sub_groups.get().min_members) == (Kind.INFERENCE, 2, 1)
    patch(bursar, "Deployment", "web", {"spec": {"replicas": 4}})
    bursar.until(lambda: phases(row) == [Pod.Phase.RUNNING] * 4)
    row.refresh_from_db()
    assert (row.pods_wanted, row.requested_gpu_milli) == (4, 4000)

    patch(bursar, "Deployment", "web", {"spec": {"template": template(bursar, 2)}})
    bursar.until(lambda: list(row.sub_groups.values_list("devices", "wanted")) == [(2, 4)], 60)
    found(bursar, "Deployment/web")
    assert phases(row) == [Pod.Phase.RUNNING] * 4

    workload_stop(actor=SYSTEM, workload=row)
    found(bursar, "Deployment/web", STATES.STOPPED)
    path = f"{PATHS['Deployment'].format(bursar.namespace)}/web"
    assert bursar.api.get(path)["spec"]["replicas"] == 0
    with pytest.raises(Refused, match="is still there"):
        workload_delete(actor=SYSTEM, workload=row)
    row = workload_resume(actor=SYSTEM, workload=row)
    found(bursar, "Deployment/web")
    assert bursar.api.get(path)["spec"]["replicas"] == 4

    patch(bursar, "Deployment", "web", {"spec": {"replicas": 0}})
    found(bursar, "Deployment/web", STATES.STOPPED)
    patch(bursar, "Deployment", "web", {"spec": {"replicas": 1}})
    assert found(bursar, "Deployment/web").pk == row.pk
    delete(bursar, "Deployment", "web")
    row = found(bursar, "Deployment/web", STATES.STOPPED)
    assert (row.state_message, row.applied) == ("It is gone from the cluster.", False)
    workload_delete(actor=SYSTEM, workload=row)


def test_a_stateful_set_and_its_pod_that_somebody_deletes(bursar: Bursar) -> None:
    apply(bursar, "StatefulSet", "db", many(2, template(bursar)) | {"podManagementPolicy": "Parallel"})
    row = found(bursar, "StatefulSet/db")
    before = set(row.pods.values_list("uid", flat=True))
    delete(bursar, "Pod", "db-0")
    bursar.until(lambda: set(row.pods.values_list("uid", flat=True)) != before and phases(row) == [3, 3])
    row.refresh_from_db()
    assert (row.state, row.pods_wanted, row.sub_groups.count()) == (STATES.RUNNING, 2, 1)
    assert Workload.objects.filter(project=bursar.project).count() == 1


def custom(bursar: Bursar, kind: str, group: str, version: str, spec: Object) -> Object:
    """An object of a kind that is made known to the server, as a controller's reference names it."""
    plural = f"{kind.lower()}s"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    versions = [{"name": version, "served": True, "storage": True, "schema": schema}]
    names = {"plural": plural, "singular": kind.lower(), "kind": kind}
    kinds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    note = {"api-approved.kubernetes.io": "unapproved, only a test"}
    body = {"group": group, "names": names, "scope": "Namespaced", "versions": versions}
    bursar.api.create(kinds, {"metadata": {"name": f"{plural}.{group}", "annotations": note}, "spec": body})
    path, made_of = f"/apis/{group}/{version}/namespaces/{bursar.namespace}/{plural}", f"{group}/{version}"

    def made() -> Object | None:
        with suppress(ApiError):
            body = {"apiVersion": made_of, "kind": kind, "metadata": {"name": "crew"}, "spec": spec}
            return bursar.api.create(path, body)
        return None

    uid = eventually(made)["metadata"]["uid"]
    return {"apiVersion": made_of, "kind": kind, "name": "crew", "uid": uid, "controller": True}


def test_unknown_kinds_by_their_references_with_a_minimum_by_annotation(
    bursar: Bursar, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = custom(bursar, "Crew", "example.org", "v1", {})
    made = template(bursar, 4, notes={"bursar.dev/min-members": "2"})
    made["metadata"]["ownerReferences"] = [owner]
    apply(bursar, "Pod", "crew-0", made)
    row = found(bursar, "Crew/crew", STATES.WAITING)
    assert (row.kind, row.priority, row.pods_wanted) == (Kind.OTHER, Priority.MEDIUM, 2)
    bursar.until(lambda: row.pods.exists())
    assert phases(row) == [Pod.Phase.PENDING], "two start together"
    apply(bursar, "Pod", "crew-1", made)
    found(bursar, "Crew/crew")
    assert phases(row) == [Pod.Phase.RUNNING] * 2
    bursar.api.delete(f"/apis/example.org/v1/namespaces/{bursar.namespace}/crews/crew")
    for name in ("crew-0", "crew-1"):
        with suppress(ApiError):
            delete(bursar, "Pod", name)
    bursar.until(lambda: not row.pods.exists())
    row.refresh_from_db()
    assert row.state == STATES.WAITING, "its operator may make others"
    monkeypatch.setattr(found_pods, "EMPTY_SECONDS", 1)
    found(bursar, "Crew/crew", STATES.STOPPED)


def test_quota_holds_and_priority_decides(bursar: Bursar) -> None:
    path = "/apis/scheduling.k8s.io/v1/priorityclasses"
    bursar.api.create(path, {"metadata": {"name": f"{bursar.name}-high"}, "value": 80})
    quota_set(actor=SYSTEM, unit=bursar.project, pool=bursar.pool, gpu_milli=1000, over_quota=False)
    apply(bursar, "Deployment", "first", many(1, template(bursar)))
    first = found(bursar, "Deployment/first")
    apply(bursar, "Pod", "second", template(bursar))
    second = found(bursar, "Pod/second", STATES.WAITING)
    bursar.until(lambda: second.__class__.objects.filter(pk=second.pk, waiting__wait_class__code="over_quota_off"))
    apply(bursar, "Pod", "third", template(bursar, priorityClassName=f"{bursar.name}-high"))
    third = found(bursar, "Pod/third")
    assert (third.priority, first.priority) == (Priority.HIGH, Priority.MEDIUM)
    found(bursar, "Deployment/first", STATES.WAITING)


def test_pods_that_are_nobody_s_are_told_why(bursar: Bursar, namespace: str, gateway: KubernetesGateway) -> None:
    path = PATHS["Pod"].format(namespace)
    bursar.api.create(path, {"metadata": {"name": "lost"}, "spec": template(bursar)["spec"]})
    part = template(bursar)
    part["spec"]["containers"][0]["resources"]["requests"] = {"nvidia.com/mig-1g.5gb": "1"}
    part["spec"]["containers"][0]["resources"]["limits"] = {"nvidia.com/mig-1g.5gb": "1"}
    apply(bursar, "Pod", "part", part)
    nowhere = template(bursar)
    nowhere["metadata"]["labels"]["bursar.dev/pool"] = "nowhere"
    apply(bursar, "Pod", "nowhere", nowhere)
    rows = UntakenPod.objects.filter(namespace__in=[namespace, bursar.namespace])
    bursar.until(lambda: rows.count() == 3)
    said = {name: (reason, message) for name, reason, message in rows.values_list("name", "reason", "message")}
    assert said["lost"][0] == "NoProject"
    assert namespace in said["lost"][1]
    assert said["part"] == (
        "NotPlaced",
        "Clusters hand out whole GPUs: ask for nvidia.com/gpu instead of nvidia.com/mig-1g.5gb.",
    )
    assert said["nowhere"][0] == "NoPool"
    assert not Workload.objects.filter(project=bursar.project).exists()

    explainer = Explainer(bursar.cluster.pk)
    eventually(lambda: {row.name for row, *_ in untaken_pods(bursar.cluster.pk)} >= said.keys())
    explainer.look(gateway, bursar._tenure, Event())
    conditions = bursar.api.get(f"{path}/lost")["status"]["conditions"]
    (told,) = [condition for condition in conditions if condition["type"] == "PodScheduled"]
    assert (told["reason"], told["message"]) == said["lost"]
    # A pool of that name comes, and somebody makes do without a share.
    make_pool("nowhere", bursar.cluster, label_key="test")
    found(bursar, "Pod/nowhere", STATES.WAITING)
    delete(bursar, "Pod", "part")
    bursar.until(lambda: rows.count() == 1)


def test_ended_and_gone_while_nobody_looked(bursar: Bursar) -> None:
    apply(bursar, "Job", "train", job(1, template(bursar)))
    apply(bursar, "Deployment", "web", many(1, template(bursar)))
    train, web = found(bursar, "Job/train"), found(bursar, "Deployment/web")
    bursar.end()
    ends(bursar, train.pods.get())
    delete(bursar, "Deployment", "web")
    eventually(lambda: bursar.api.get(f"{PATHS['Job'].format(bursar.namespace)}/train")["status"].get("succeeded"))
    bursar.watch()
    found(bursar, "Job/train", STATES.COMPLETED)
    found(bursar, "Deployment/web", STATES.STOPPED)
    assert Workload.objects.filter(project=bursar.project).count() == 2
    assert not web.pods.exclude(phase=Pod.Phase.STOPPING).exists()
