"""A distributed training of several groups of pods, as a JobSet on the real API server, with JobSet's controller."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from portal.actor import SYSTEM
from portal.services.feed import feed_tell
from quotas.models import Pool
from scheduling.clusters.kubernetes import cleaner
from scheduling.clusters.kubernetes.gateway import KubernetesGateway
from scheduling.models import Assignment, Workload
from scheduling.services.workload import workload_delete, workload_resume, workload_stop
from scheduling.services.workload_rules import PodGroup
from scheduling.services.workload_yaml import workload_submit_yaml
from tests.cluster.access import RBAC, allows
from tests.cluster.api import MERGE_PATCH, ApiError, Object
from tests.cluster.bursar import STATES, Bursar, at_work
from tests.cluster.control_plane import ControlPlane
from tests.cluster.controllers.job_sets import ACCOUNT, job_sets, job_sets_path
from tests.cluster.kubelet import FakeKubelet
from tests.cluster.test_kinds import ends, pod_path
from tests.cluster.test_policies import bind, refusal
from tests.cluster.waiting import eventually
from tests.documents import job_set
from tests.factories import make_pool

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

Kind = Workload.Kind
JOB_SETS, JOBS = "jobset.x-k8s.io/v1alpha2/jobsets", "batch/v1/jobs"
LAUNCHER = PodGroup("launcher", 1, 500, 2**30)
GROUPS = {"pods": 2, "more_groups": [LAUNCHER]}
number = count(1)


@pytest.fixture(scope="module")
def kind(controllers: None, control_plane: ControlPlane) -> Iterator[None]:
    with job_sets(control_plane):
        yield


@pytest.fixture
def bursar(
    kind: None, control_plane: ControlPlane, gateway: KubernetesGateway, kubelet: FakeKubelet
) -> Iterator[Bursar]:
    with at_work(control_plane.api, gateway, kubelet, f"sets-{next(number)}") as made:
        made.note_kinds()
        yield made


def running(bursar: Bursar, gpus: int = 8) -> Workload:
    bursar.node("a", gpus=gpus)
    return bursar.running("train", Kind.DISTRIBUTED, **GROUPS)


def test_starts_as_one_and_completes(bursar: Bursar) -> None:
    bursar.node("a", gpus=1)
    workload = bursar.submit("train", Kind.DISTRIBUTED, **GROUPS)
    bursar.until(lambda: workload.pods.count() == 3)
    bursar.until_state(workload, STATES.WAITING)
    assert not any(pod["spec"].get("nodeName") for pod in bursar.pods(workload)), "two GPUs are needed"
    bursar.node("b", gpus=1)
    bursar.until_state(workload, STATES.RUNNING)
    (made,) = bursar.objects(workload, JOB_SETS)
    assert made["metadata"]["managedFields"][0]["manager"] == "bursar"
    parts = {job["metadata"]["labels"]["bursar.dev/sub-group"]: job for job in bursar.objects(workload, JOBS)}
    assert {name: part["spec"]["completions"] for name, part in parts.items()} == {"workers": 2, "launcher": 1}
    names = sorted((pod["spec"]["hostname"], pod["spec"]["subdomain"]) for pod in bursar.pods(workload))
    name = made["metadata"]["name"]
    assert names == [(f"{name}-{each}", name) for each in ("launcher-0-0", "workers-0-0", "workers-0-1")]
    for pod in bursar.pods(workload):
        ends(bursar, pod, 0)
    bursar.until_state(workload, STATES.COMPLETED)
    assert Workload.objects.filter(project=bursar.project).count() == 1, "its Jobs are none"


def test_one_that_came_as_yaml_is_stopped_and_resumed(bursar: Bursar) -> None:
    bursar.node("a", gpus=3)
    document = job_set(leader=1, workers=2)
    parts = document["spec"]["replicatedJobs"]
    parts[0]["template"]["metadata"] = {"labels": {"team": "a"}}
    parts[1]["template"]["spec"]["activeDeadlineSeconds"] = 3600
    for part in parts:
        (main,) = part["template"]["spec"]["template"]["spec"]["containers"]
        main["resources"] = {"limits": {"cpu": "500m", "memory": "1Gi", "nvidia.com/gpu": 1}}
    workload = workload_submit_yaml(actor=SYSTEM, project=bursar.project, manifest=document, pools=[bursar.pool.name])
    bursar.until_state(workload, STATES.RUNNING)
    images = sorted(pod["spec"]["containers"][0]["image"] for pod in bursar.pods(workload))
    assert images == ["leader:1", "workers:1", "workers:1"]
    made = {job["metadata"]["labels"]["bursar.dev/sub-group"]: job for job in bursar.objects(workload, JOBS)}
    assert made["leader"]["metadata"]["labels"]["team"] == "a"
    assert [made[name]["spec"].get("activeDeadlineSeconds") for name in ("leader", "workers")] == [None, 3600]
    workload_stop(actor=SYSTEM, workload=workload)
    bursar.until_state(workload, STATES.STOPPED)
    workload_resume(actor=SYSTEM, workload=workload)
    bursar.until_state(workload, STATES.RUNNING)
    assert len(bursar.pods(workload)) == 3


def test_evicted_pods_come_back_and_failures_use_up_retries(bursar: Bursar) -> None:
    bursar.node("a")
    workload = bursar.running("train", Kind.DISTRIBUTED, retries=1, **GROUPS)
    old = bursar.pods(workload)
    for pod in old:
        body = {"metadata": {"name": pod["metadata"]["name"]}, "apiVersion": "policy/v1", "kind": "Eviction"}
        bursar.api.create(f"{pod_path(pod)}/eviction", body)
    bursar.until(lambda: all(replaced_in(bursar, workload, pod) for pod in old), seconds=40)
    bursar.until_state(workload, STATES.RUNNING)
    launcher = of_group(bursar, workload, "launcher")
    ends(bursar, launcher, 1)
    bursar.until(lambda: replaced_in(bursar, workload, launcher), seconds=60)
    bursar.until_state(workload, STATES.RUNNING)
    ends(bursar, of_group(bursar, workload, "launcher"), 1)
    bursar.until_state(workload, STATES.FAILED)
    assert "job failures" in workload.state_message


def test_pods_of_a_group_that_have_ended_and_are_gone_count(bursar: Bursar) -> None:
    workload = running(bursar)
    launcher = of_group(bursar, workload, "launcher")
    ends(bursar, launcher, 0)
    bursar.until(lambda: dict(workload.sub_groups.values_list("name", "done")) == {"workers": 0, "launcher": 1})
    bursar.api.delete(pod_path(launcher))
    bursar.until(lambda: workload.pods.count() == 2)
    bursar.until_state(workload, STATES.RUNNING)
    workers = bursar.pods(workload)
    for pod in workers:
        body = {"metadata": {"name": pod["metadata"]["name"]}, "apiVersion": "policy/v1", "kind": "Eviction"}
        bursar.api.create(f"{pod_path(pod)}/eviction", body)
    bursar.until(lambda: all(replaced_in(bursar, workload, pod) for pod in workers), seconds=40)
    bursar.until_state(workload, STATES.RUNNING)
    assert workload.stale_since is None
    for pod in bursar.pods(workload):
        ends(bursar, pod, 0)
    bursar.until_state(workload, STATES.COMPLETED)


def test_stopped_resumed_read_and_deleted(bursar: Bursar) -> None:
    workload = running(bursar)
    (made,) = bursar.objects(workload, JOB_SETS)
    text = manifest_of_key(bursar, workload)
    assert "kind: JobSet" in text
    assert "replicatedJobs:" in text
    workload_stop(actor=SYSTEM, workload=workload)
    bursar.until_state(workload, STATES.STOPPED)
    assert (workload.is_active, workload.applied, bursar.pods(workload)) == (False, True, [])
    assert workload_resume(actor=SYSTEM, workload=workload).pk == workload.pk
    bursar.until_state(workload, STATES.RUNNING)
    (kept,) = bursar.objects(workload, JOB_SETS)
    assert kept["metadata"]["uid"] == made["metadata"]["uid"]
    assert len(bursar.pods(workload)) == 3
    workload_delete(actor=SYSTEM, workload=workload)
    bursar.until(lambda: not bursar.objects(workload, JOB_SETS) and not bursar.pods(workload))
    bursar.until(lambda: not bursar.objects(workload, JOBS))
    services = f"/api/v1/namespaces/{bursar.namespace}/services"
    bursar.until(
        lambda: made["metadata"]["name"] not in [item["metadata"]["name"] for item in bursar.api.items(services)]
    )


def test_what_stands_there_goes_on_where_it_may_not_change(bursar: Bursar) -> None:
    """What ships with the kind forbids that."""
    workload = running(bursar)
    workload_stop(actor=SYSTEM, workload=workload)
    bursar.until_state(workload, STATES.STOPPED)
    spec = workload.spec
    spec.spec["env"] = {"LATER": "1"}
    spec.save()
    workload_resume(actor=SYSTEM, workload=workload)
    bursar.until_state(workload, STATES.RUNNING)
    assert "LATER" not in manifest_of_key(bursar, workload)


def test_each_of_its_jobs_is_woken(bursar: Bursar) -> None:
    workload = running(bursar)
    bursar.wake(workload)
    notes = [job["metadata"]["annotations"].keys() for job in bursar.objects(workload, JOBS)]
    assert ["bursar.dev/woken-at" in each for each in notes] == [True, True]


def test_one_that_somebody_deletes_has_failed(bursar: Bursar) -> None:
    workload = running(bursar)
    (made,) = bursar.objects(workload, JOB_SETS)
    bursar.api.delete(f"{job_sets_path(bursar.namespace)}/{made['metadata']['name']}")
    bursar.until_state(workload, STATES.FAILED)
    assert workload.state_message == "Somebody deleted its object in the cluster."
    again = workload_resume(actor=SYSTEM, workload=workload)
    assert again.pk != workload.pk
    bursar.until_state(again, STATES.RUNNING)


def test_waits_in_another_pool_under_its_label(bursar: Bursar) -> None:
    """The JobSet is found by its key, like its pods."""
    workload = bursar.submit("train", Kind.DISTRIBUTED, **GROUPS)
    bursar.until(lambda: workload.pods.count() == 3)
    other = in_another_pool(bursar, workload)
    bursar.until(lambda: labelled(bursar, workload, other.name))


def test_goes_on_in_another_pool(bursar: Bursar) -> None:
    """Its pods are made anew, under the label of that pool."""
    workload = running(bursar)
    (made,) = bursar.objects(workload, JOB_SETS)
    workload_stop(actor=SYSTEM, workload=workload)
    bursar.until_state(workload, STATES.STOPPED)
    workload_resume(actor=SYSTEM, workload=workload)
    other = in_another_pool(bursar, workload)
    bursar.until(lambda: labelled(bursar, workload, other.name) and len(bursar.pods(workload)) == 3)
    (kept,) = bursar.objects(workload, JOB_SETS)
    assert (kept["metadata"]["uid"], kept["spec"]["suspend"]) == (made["metadata"]["uid"], False)


def test_people_change_nothing_of_it_and_its_controller_only_its_jobs(bursar: Bursar) -> None:
    workload = running(bursar)
    (made,), path = bursar.objects(workload, JOB_SETS), job_sets_path(bursar.namespace)
    there, jobs = f"{path}/{made['metadata']['name']}", f"/apis/batch/v1/namespaces/{bursar.namespace}/jobs"
    rule = {"apiGroups": ["jobset.x-k8s.io", "batch"], "resources": ["jobsets", "jobs"], "verbs": ["*"]}
    person = f"{bursar.name}@example.org"
    bursar.api.create(f"{RBAC}/clusterroles", {"metadata": {"name": bursar.name}, "rules": [rule]})
    someone = bind(bursar.api, bursar.namespace, person, bursar.name)
    eventually(lambda: allows(someone, bursar.namespace, "patch", "batch", "jobs"))
    for api in (someone, bursar.api.of(ACCOUNT)):
        with pytest.raises(ApiError, match="change it on its page"):
            api.patch(there, {"spec": {"suspend": True}}, MERGE_PATCH)
        with pytest.raises(ApiError, match="Labels of bursar"):
            api.patch(there, {"metadata": {"labels": {"bursar.dev/workload": None}}}, MERGE_PATCH)
    part = f"{jobs}/{made['metadata']['name']}-workers-0"
    with pytest.raises(ApiError, match="change it on its page"):
        someone.patch(part, {"spec": {"parallelism": 1}}, MERGE_PATCH)
    for label in ("part-of", "workload"):
        with pytest.raises(ApiError, match="Labels of bursar"):
            someone.patch(part, {"metadata": {"labels": {f"bursar.dev/{label}": None}}}, MERGE_PATCH)

    def refused(job: Object, pods: Object) -> str:
        spec = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox"}]}
        template = {"metadata": job, "spec": {"template": {"metadata": pods, "spec": spec}}}
        parts = [{"name": "a", "template": template}]
        body = {"apiVersion": made["apiVersion"], "kind": "JobSet", "metadata": {"generateName": "j-"}}
        return refusal(someone, path, body | {"spec": {"replicatedJobs": parts}})

    own = "leave them out of the templates"
    assert own in refused({"labels": {"bursar.dev/part-of": "x"}}, {})
    assert own in refused({"annotations": {"bursar.dev/submitted-by": person}}, {})
    assert own in refused({}, {"labels": {"bursar.dev/workload": str(workload.uid)}})
    assert own in refused({}, {"annotations": {"bursar.dev/submitted-by": "other@example.org"}})
    mine = {"bursar.dev/submitted-by": person, "bursar.dev/min-members": "2"}
    assert refused({"labels": {"app": "x"}}, {"labels": {"bursar.dev/pool": "x"}, "annotations": mine}) == ""


def test_people_delete_what_they_submitted_only(bursar: Bursar) -> None:
    roles = [f"bursar:training:{action}" for action in ("read", "create", "update", "delete")]
    workload = running(bursar)
    (made,) = bursar.objects(workload, JOB_SETS)
    ann = bind(bursar.api, bursar.namespace, f"ann-{bursar.name}@example.org", *roles)
    eventually(lambda: allows(ann, bursar.namespace, "delete", "jobset.x-k8s.io", "jobsets"))
    there = f"{job_sets_path(bursar.namespace)}/{made['metadata']['name']}"
    assert ann.get(there)["metadata"]["uid"] == made["metadata"]["uid"]
    with pytest.raises(ApiError, match="Only who submitted it"):
        ann.delete(there)


def test_it_is_taken_out_with_what_it_makes(bursar: Bursar, control_plane: ControlPlane) -> None:
    workload = running(bursar)
    (made,) = bursar.objects(workload, JOB_SETS)
    traces = cleaner(control_plane.kubeconfig()).look().found
    inside = {trace.name: trace for trace in traces if trace.name.startswith(f"{bursar.namespace}/")}
    assert [(trace.kind, trace.made) for trace in inside.values()] == [("JobSet", True)], "its Jobs and pods go with it"
    assert list(inside) == [f"{bursar.namespace}/{made['metadata']['name']}"]


def in_another_pool(bursar: Bursar, workload: Workload) -> Pool:
    """As the assigner moves it."""
    other = make_pool(f"{bursar.name}-b", bursar.cluster, label_key="test")
    Assignment.objects.filter(workload=workload).update(pool=other)
    feed_tell(cluster=bursar.cluster.pk, workloads=[workload.pk])
    return other


def labelled(bursar: Bursar, workload: Workload, pool: str) -> bool:
    found = (*bursar.objects(workload, JOB_SETS), *bursar.pods(workload))
    return {item["metadata"]["labels"]["bursar.dev/pool"] for item in found} == {pool}


def of_group(bursar: Bursar, workload: Workload, name: str) -> Object:
    """Its pod that runs."""
    pods = [pod for pod in bursar.pods(workload) if pod["metadata"]["labels"]["bursar.dev/sub-group"] == name]
    (running,) = [pod for pod in pods if pod["status"]["phase"] == "Running"]
    return running


def replaced_in(bursar: Bursar, workload: Workload, gone: Object) -> bool:
    """Another runs as the same pod of the same group."""
    return any(
        pod["spec"]["hostname"] == gone["spec"]["hostname"]
        and pod["metadata"]["uid"] != gone["metadata"]["uid"]
        and pod["status"]["phase"] == "Running"
        for pod in bursar.pods(workload)
    )


def manifest_of_key(bursar: Bursar, workload: Workload) -> str:
    """As the page asks for it."""
    return bursar.gateway.read_manifest(bursar.key(workload))
