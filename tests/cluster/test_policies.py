"""What nobody gets past in the namespaces of projects, tried on the real API server by people with rights there."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
import yaml

from scheduling.clusters.kubernetes.gateway import KubernetesGateway
from tests.cluster.access import RBAC, allows
from tests.cluster.api import Api, ApiError, Object
from tests.cluster.control_plane import ControlPlane
from tests.cluster.shipped import ADMISSION, FOLDER
from tests.cluster.test_gateway import workload
from tests.cluster.waiting import eventually

GROUP = "rbac.authorization.k8s.io"
MERGE = "application/merge-patch+json"
PODS, JOBS, CRON_JOBS, STATEFUL_SETS, DEPLOYMENTS, REPLICA_SETS = (
    "/api/v1/namespaces/{}/pods",
    "/apis/batch/v1/namespaces/{}/jobs",
    "/apis/batch/v1/namespaces/{}/cronjobs",
    "/apis/apps/v1/namespaces/{}/statefulsets",
    "/apis/apps/v1/namespaces/{}/deployments",
    "/apis/apps/v1/namespaces/{}/replicasets",
)
GPU = {"limits": {"nvidia.com/gpu": "1"}}
OURS = "bursar.dev/"


@pytest.fixture
def project(control_plane: ControlPlane, gateway: KubernetesGateway) -> str:
    """The namespace of a project, with the policies at work in it."""
    name = f"bursar-{uuid4().hex[:8]}"
    gateway.apply_namespace(name, name)
    eventually(lambda: control_plane.api.items(f"/api/v1/namespaces/{name}/serviceaccounts"))
    probe = editor(control_plane.api, name)
    eventually(lambda: refusal(probe, PODS.format(name), pod(nodeName="n")))
    eventually(lambda: refusal(probe, PODS.format(name), pod(labels={f"{OURS}workload": "p"})))
    return name


def bind(api: Api, namespace: str, person: str, *roles: str) -> Api:
    """The person, with these roles in the namespace, given by an administrator of the cluster."""
    for role in roles:
        metadata = {"name": f"{person}-{role}".replace(":", "-").replace("@", "-").replace("_", "-")}
        body = {"metadata": metadata, "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": role}}
        body["subjects"] = [{"apiGroup": GROUP, "kind": "User", "name": person}]  # type: ignore[assignment]
        api.create(f"{RBAC}/namespaces/{namespace}/rolebindings", body)
    return api.of(person)


def editor(api: Api, namespace: str) -> Api:
    """Somebody with Kubernetes' own role `edit`, not from Bursar."""
    found = bind(api, namespace, f"{uuid4().hex[:8]}@example.org", "edit")
    eventually(lambda: allows(found, namespace, "create", "", "pods"))
    return found


def pod(labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None, **spec: Any) -> Object:
    containers = [{"name": "main", "image": "busybox", "resources": spec.pop("resources", {})}]
    metadata = {"generateName": "p-", "labels": {"app": "x", **(labels or {})}, "annotations": annotations or {}}
    return {"metadata": metadata, "spec": {"containers": containers, **spec}}


def job(template: Object, annotations: dict[str, str] | None = None) -> Object:
    spec = {"template": {**template, "spec": {"restartPolicy": "Never", **template["spec"]}}}
    return {"metadata": {"generateName": "j-", "annotations": annotations or {}}, "spec": spec}


def many(template: Object) -> Object:
    """Of a StatefulSet, a Deployment or a ReplicaSet."""
    spec = {"selector": {"matchLabels": {"app": "x"}}, "template": template, "serviceName": "x"}
    return {"metadata": {"generateName": "m-"}, "spec": spec}


def refusal(api: Api, path: str, body: Object) -> str:
    """What the server says against it; nothing: it would be taken."""
    try:
        api.create(path, body, dryRun="All")
    except ApiError as error:
        return str(error)
    return ""


def test_pods_go_where_bursar_puts_them(control_plane: ControlPlane, project: str) -> None:
    person, pods = editor(control_plane.api, project), PODS.format(project)
    assert "does not choose its node" in refusal(person, pods, pod(nodeName="gpu-0"))
    placed = "is placed by Bursar"
    init = [{"name": "first", "image": "busybox", "resources": GPU}]
    claims = [{"name": "gpu", "resourceClaimName": "gpu"}]
    for other in (
        pod(resources=GPU),
        pod(resources=GPU, schedulerName="mine"),
        pod(initContainers=init),
        pod(resources={"limits": {"nvidia.com/mig-1g.5gb": "1"}}),
        pod(resourceClaims=claims),
    ):
        assert placed in refusal(person, pods, other), other
    for taken in (pod(), pod(schedulerName="mine"), pod(resources=GPU, schedulerName="bursar")):
        assert refusal(person, pods, taken) == ""


def test_a_pod_made_by_a_controller_obeys_too(control_plane: ControlPlane, project: str) -> None:
    person = editor(control_plane.api, project)
    made = person.create(JOBS.format(project), job(pod(resources=GPU)))
    events = f"/api/v1/namespaces/{project}/events"
    selector = f"involvedObject.uid={made['metadata']['uid']}"
    told = eventually(lambda: control_plane.api.items(events, fieldSelector=selector))
    assert "is placed by Bursar" in told[0]["message"]
    assert control_plane.api.items(PODS.format(project)) == []


@pytest.mark.parametrize(
    ("path", "wrap"),
    [
        (PODS, lambda template: template),
        (JOBS, job),
        (CRON_JOBS, lambda template: {
            "metadata": {"generateName": "c-"},
            "spec": {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": job(template)["spec"]}},
        }),
        (STATEFUL_SETS, many),
        (DEPLOYMENTS, many),
        (REPLICA_SETS, many),
    ],
    ids=["pod", "job", "cronjob", "statefulset", "deployment", "replicaset"],
)  # fmt: skip
def test_labels_and_annotations_of_bursar_are_nobody_s(
    control_plane: ControlPlane, project: str, path: str, wrap: Any
) -> None:
    person, address = editor(control_plane.api, project), path.format(project)
    own = "are Bursar's own"
    for name in ("workload", "project", "sub-group"):
        assert own in refusal(person, address, wrap(pod(labels={OURS + name: "x"}))), name
    for name in ("decision", "devices", "submitted-by"):
        assert own in refusal(person, address, wrap(pod(annotations={OURS + name: "x"}))), name
    outside = wrap(pod())
    outside["metadata"]["labels"] = {f"{OURS}workload": "x"}
    assert own in refusal(person, address, outside)
    assert refusal(person, address, wrap(pod())) == ""
    wishes = wrap(pod(labels={f"{OURS}pool": "x"}, annotations={f"{OURS}min-members": "2"}))
    assert refusal(person, address, wishes) == ""
    made = person.create(address, wrap(pod()))
    there = f"{address}/{made['metadata']['name']}"
    for kind in ("labels", "annotations"):
        with pytest.raises(ApiError, match=own):
            person.patch(there, {"metadata": {kind: {f"{OURS}pool": "x"}}}, MERGE)
    person.patch(there, {"metadata": {"labels": {"mine": "x"}}}, MERGE)


def test_what_bursar_has_written_stays(control_plane: ControlPlane, gateway: KubernetesGateway, project: str) -> None:
    wanted = workload(project, submitted_by="ann@example.org")
    gateway.apply_workload(wanted)
    (found,) = control_plane.api.items(JOBS.format(project))
    person, there = editor(control_plane.api, project), f"{JOBS.format(project)}/{found['metadata']['name']}"
    with pytest.raises(ApiError, match="Labels of bursar"):
        person.patch(there, {"metadata": {"labels": {f"{OURS}workload": None}}}, MERGE)
    with pytest.raises(ApiError, match="Annotations of bursar"):
        person.patch(there, {"metadata": {"annotations": {f"{OURS}submitted-by": "eve@example.org"}}}, MERGE)
    with pytest.raises(ApiError, match="change it on its page"):
        person.patch(there, {"spec": {"parallelism": 5}}, MERGE)
    (pod_of,) = eventually(lambda: control_plane.api.items(PODS.format(project)))
    with pytest.raises(ApiError, match="Labels of bursar"):
        moved = {"metadata": {"labels": {f"{OURS}pool": "x"}}}
        person.patch(f"{PODS.format(project)}/{pod_of['metadata']['name']}", moved, MERGE)
    assert pod_of["metadata"]["annotations"][f"{OURS}submitted-by"] == "ann@example.org"


def test_namespaces_cannot_be_taken_out_of_their_projects(control_plane: ControlPlane, project: str) -> None:
    api, name = control_plane.api, f"namespacer-{uuid4().hex[:8]}"
    rule = {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["create", "patch", "update"]}
    api.create(f"{RBAC}/clusterroles", {"metadata": {"name": name}, "rules": [rule]})
    person = f"{name}@example.org"
    api.create(
        f"{RBAC}/clusterrolebindings",
        {
            "metadata": {"name": name},
            "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": name},
            "subjects": [{"apiGroup": GROUP, "kind": "User", "name": person}],
        },
    )
    someone = api.of(person)
    eventually(lambda: allows(someone, project, "patch", "", "namespaces"))
    for label in (None, "other"):
        with pytest.raises(ApiError, match="Which project a namespace belongs to"):
            someone.patch(f"/api/v1/namespaces/{project}", {"metadata": {"labels": {f"{OURS}project": label}}}, MERGE)
    with pytest.raises(ApiError, match="Which project a namespace belongs to"):
        someone.create("/api/v1/namespaces", {"metadata": {"name": name, "labels": {f"{OURS}project": "x"}}})
    someone.create("/api/v1/namespaces", {"metadata": {"name": name, "labels": {"team": "x"}}})
    # An administrator of the cluster may.
    api.patch(f"/api/v1/namespaces/{name}", {"metadata": {"labels": {f"{OURS}project": "x"}}}, MERGE)


def test_people_change_and_delete_what_they_submitted_and_managers_everything(
    control_plane: ControlPlane, gateway: KubernetesGateway, project: str
) -> None:
    api, jobs = control_plane.api, JOBS.format(project)
    roles = [f"bursar:training:{action}" for action in ("read", "create", "update", "delete")]
    ann = bind(api, project, "ann@example.org", *roles)
    bob = bind(api, project, "bob@example.org", *roles)
    boss = bind(api, project, "boss@example.org", *roles, "bursar:project:update")
    eventually(lambda: allows(boss, project, "manage", "bursar.dev", "workloads"))
    told = eventually(lambda: refusal(ann, jobs, job(pod())))
    assert "give it the annotation bursar.dev/submitted-by: ann@example.org" in told
    mine = {f"{OURS}submitted-by": "ann@example.org"}
    # Two policies say so; the server tells of one.
    assert re.search("are Bursar's own|submitted-by: bob@example", refusal(bob, jobs, job(pod(), mine)))
    made = ann.create(jobs, job(pod(), mine))
    there = f"{jobs}/{made['metadata']['name']}"
    for act in (
        lambda: bob.patch(there, {"spec": {"suspend": True}}, MERGE),
        lambda: bob.delete(there),
    ):
        with pytest.raises(ApiError, match="Only who submitted it"):
            act()
    ann.patch(there, {"spec": {"suspend": True}}, MERGE)
    ann.delete(there)
    second = ann.create(jobs, job(pod(), mine))
    boss.delete(f"{jobs}/{second['metadata']['name']}")
    boss.create(jobs, job(pod()))

    ours = workload(project, submitted_by="bob@example.org")
    gateway.apply_workload(ours)
    (found,) = api.items(jobs, labelSelector=f"{OURS}workload={ours.uid}")
    with pytest.raises(ApiError, match="Only who submitted it"):
        ann.delete(f"{jobs}/{found['metadata']['name']}")
    bob.delete(f"{jobs}/{found['metadata']['name']}")


def test_newer_clusters_write_down_who_submits(control_plane: ControlPlane, project: str) -> None:
    documents = list(yaml.safe_load_all((FOLDER / "submitted-by.yaml").read_text()))
    kinds = {"MutatingAdmissionPolicy": "ies", "MutatingAdmissionPolicyBinding": "ybindings"}
    paths = [f"{ADMISSION}/mutatingadmissionpolic{kinds[document['kind']]}" for document in documents]
    for path, document in zip(paths, documents, strict=True):
        control_plane.api.create(path, document)
    try:
        roles = [f"bursar:training:{action}" for action in ("read", "create", "update", "delete")]
        kim = bind(control_plane.api, project, "kim@example.org", *roles)
        jobs = JOBS.format(project)
        eventually(lambda: not refusal(kim, jobs, job(pod())))
        made = kim.create(jobs, job(pod()))
        assert made["metadata"]["annotations"] == {f"{OURS}submitted-by": "kim@example.org"}
        kim.delete(f"{jobs}/{made['metadata']['name']}")
    finally:
        for path, document in zip(paths, documents, strict=True):
            control_plane.api.delete(f"{path}/{document['metadata']['name']}")


def test_other_namespaces_are_left_alone(control_plane: ControlPlane, project: str, namespace: str) -> None:
    person = editor(control_plane.api, namespace)
    free = pod(nodeName="n", resources=GPU, labels={f"{OURS}pool": "x"})
    assert refusal(person, PODS.format(namespace), free) == ""


def test_bursar_s_account_gives_the_shipped_roles_in_namespaces_of_projects_and_nothing_else(
    control_plane: ControlPlane, project: str, namespace: str
) -> None:
    bursar = control_plane.api.of("system:serviceaccount:bursar-system:bursar")

    def binding(role: str) -> Object:
        subject = {"apiGroup": GROUP, "kind": "User", "name": "ann@example.org"}
        ref = {"apiGroup": GROUP, "kind": "ClusterRole", "name": role}
        return {"metadata": {"name": role}, "roleRef": ref, "subjects": [subject]}

    def refused(where: str, body: Object) -> str:
        return refusal(bursar, f"{RBAC}/namespaces/{where}/rolebindings", body)

    assert refused(project, binding("bursar:work:read")) == ""
    for role in ("cluster-admin", "admin", "edit", "view"):
        assert "attempting to grant RBAC permissions not currently held" in refused(project, binding(role)), role
    assert "only in namespaces of projects" in refused(namespace, binding("bursar:work:read"))
    assert "only its own bindings" in refused(project, binding("bursar:work:read") | {"metadata": {"name": "other"}})
    asks = [
        *((verb, "", "secrets") for verb in ("get", "list", "watch", "create")),
        *(("impersonate", "", kind) for kind in ("users", "groups", "serviceaccounts")),
        *((verb, GROUP, "clusterroles") for verb in ("escalate", "create", "update", "patch", "bind")),
        *((verb, GROUP, "clusterrolebindings") for verb in ("create", "patch")),
        *((verb, GROUP, "roles") for verb in ("bind", "create")),
        *((verb, "", "nodes") for verb in ("patch", "delete")),
        ("delete", "", "namespaces"),
        ("create", "", "serviceaccounts/token"),
        ("create", "", "pods/exec"),
        ("create", "", "pods"),
        *((verb, "admissionregistration.k8s.io", "validatingadmissionpolicies") for verb in ("create", "delete")),
    ]
    assert [ask for ask in asks if allows(bursar, project, *ask)] == []
