"""What workloads become in a cluster."""

from __future__ import annotations

from typing import NamedTuple

from ..found import DEPLOYMENT, JOB, POD, REPLICA_SET, STATEFUL_SET
from ..gateway import GatewayError
from ..orders import PodGroup, WorkloadKey, WorkloadObject
from ..seen import DEPLOYMENTS, JOBS, REPLICA_SETS, STATEFUL_SETS
from .calls import pod_path
from .manifests import (
    FIELD_MANAGER,
    MANAGED_BY,
    POOL,
    PROJECT,
    RUN_SECONDS,
    SCHEDULER_NAME,
    SUB_GROUP,
    SUBMITTED_BY,
    WORKLOAD,
    Manifest,
)

WHOLE_DEVICE = 1000
MAX_NAME = 52
"""The label with which a StatefulSet tells its pods' versions apart adds eleven characters."""
MASTER_PORT = 29500
"""Where the processes of a distributed training meet, as PyTorch has it."""


class Form(NamedTuple):
    """A kind of object."""

    api: str
    """Group and version."""
    kind: str
    resource: str
    seen_as: str
    """As `Seen.complete` has it."""
    has_service: bool
    """Its pods find each other by name."""

    @property
    def runs_to_completion(self) -> bool:
        return self.kind == "Job"

    def path(self, key: WorkloadKey) -> str:
        return f"/apis/{self.api}/namespaces/{key.namespace}/{self.resource}/{object_name(key)}"

    def pause(self, *, is_paused: bool, pods: int) -> Manifest:
        """The part of the specification by which it runs with so many pods, or is stopped and keeps all else."""
        return {"suspend": is_paused} if self.runs_to_completion else {"replicas": 0 if is_paused else pods}


FORMS = {
    "workspace": Form("apps/v1", "StatefulSet", "statefulsets", STATEFUL_SETS, has_service=True),
    "training": Form("batch/v1", "Job", "jobs", JOBS, has_service=False),
    "distributed training": Form("batch/v1", "Job", "jobs", JOBS, has_service=True),
    "inference": Form("apps/v1", "Deployment", "deployments", DEPLOYMENTS, has_service=False),
}
"""By kind of workload."""


FOUND_FORMS = {
    JOB: FORMS["training"],
    STATEFUL_SET: FORMS["workspace"],
    DEPLOYMENT: FORMS["inference"],
    REPLICA_SET: Form("apps/v1", REPLICA_SET, "replicasets", REPLICA_SETS, has_service=False),
}
"""By kind of what was found."""


def form_of(key: WorkloadKey) -> Form:
    """Raises GatewayError for what was found and is of a kind that Bursar does not read."""
    if not key.found:
        return FORMS[key.kind]
    if key.found not in FOUND_FORMS:
        raise GatewayError(f"Bursar does not read objects of the kind {key.found}: look at it with kubectl.")
    return FOUND_FORMS[key.found]


def object_path(key: WorkloadKey) -> str:
    """Raises as `form_of`."""
    return pod_path(key.namespace, key.name) if key.found == POD else form_of(key).path(key)


def object_name(key: WorkloadKey) -> str:
    """Unlike the workload's own name never used twice: an ended workload's object may still be there."""
    if key.found:
        return key.name
    end = f"-{key.uid[:8]}"
    return key.name[: MAX_NAME - len(end)].rstrip("-.") + end


def workload_manifest(workload: WorkloadObject) -> Manifest:
    """Raises GatewayError for what Kubernetes cannot run."""
    if len(workload.groups) > 1:
        raise GatewayError("Several groups of pods cannot run in a Kubernetes cluster yet: submit one group.")
    (group,) = workload.groups
    form = form_of(workload.key)
    given = workload.manifest
    spec = given.get("spec", {}) | {"template": _template(workload, group, form)}
    spec |= form.pause(is_paused=False, pods=group.pods)
    return {
        "apiVersion": form.api,
        "kind": form.kind,
        "metadata": {
            "name": object_name(workload.key),
            "namespace": workload.namespace,
            **_metadata(workload, group, given.get("metadata", {})),
        },
        "spec": spec | _OF_KIND[form.kind](workload, group),
    }


def service_manifest(workload: WorkloadObject, owner_uid: str) -> Manifest:
    """Gives each pod a name of its own in the cluster's DNS. It goes with the object, whose uid is `owner_uid`."""
    (group,) = workload.groups
    name, form = object_name(workload.key), form_of(workload.key)
    owner = {"apiVersion": form.api, "kind": form.kind, "name": name, "uid": owner_uid}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": name,
            "namespace": workload.namespace,
            "ownerReferences": [owner],
            **_metadata(workload, group),
        },
        # The processes look for each other before they are ready.
        "spec": {"clusterIP": "None", "selector": {WORKLOAD: workload.uid}, "publishNotReadyAddresses": True},
    }


def service_path(key: WorkloadKey) -> str:
    return f"/api/v1/namespaces/{key.namespace}/services/{object_name(key)}"


def _job(workload: WorkloadObject, group: PodGroup) -> Manifest:
    return {
        "parallelism": group.pods,
        "completions": group.pods,
        "completionMode": "Indexed",
        "backoffLimit": workload.retries,
        # With a limit for each index the controller also waits for each by itself before it replaces its pod: else a
        # gang of five that was evicted waits as after five failures in a row, for minutes.
        "backoffLimitPerIndex": workload.retries,
        # A pod that was stopped for others is started again and does not count as failed.
        "podFailurePolicy": {
            "rules": [
                {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            ]
        },
    }


def _stateful_set(workload: WorkloadObject, group: PodGroup) -> Manifest:
    return {
        "serviceName": object_name(workload.key),
        "podManagementPolicy": "Parallel",
        "selector": {"matchLabels": {WORKLOAD: workload.uid}},
    }


def _deployment(workload: WorkloadObject, group: PodGroup) -> Manifest:
    return {
        "selector": {"matchLabels": {WORKLOAD: workload.uid}},
        # A new version takes the room of the old one: there is no other for it.
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
    }


_OF_KIND = {"Job": _job, "StatefulSet": _stateful_set, "Deployment": _deployment}


def _metadata(workload: WorkloadObject, group: PodGroup, given: Manifest | None = None) -> Manifest:
    """Bursar's own, laid over what is `given`."""
    labels = {
        MANAGED_BY: FIELD_MANAGER,
        WORKLOAD: workload.uid,
        PROJECT: workload.project,
        POOL: workload.pool,
        SUB_GROUP: group.name,
    }
    own = {"labels": labels, "annotations": {SUBMITTED_BY: workload.submitted_by} if workload.submitted_by else {}}
    found = {name: (given or {}).get(name, {}) | values for name, values in own.items()}
    return {name: values for name, values in found.items() if values}


def _template(workload: WorkloadObject, group: PodGroup, form: Form) -> Manifest:
    """One way for what was typed into a form and for what came as YAML: what Bursar has to say is laid over both."""
    given = workload.manifest.get("template") or {"spec": _pods(workload, group)}
    metadata = _metadata(workload, group, given.get("metadata"))
    spec: Manifest = given["spec"] | {
        "schedulerName": SCHEDULER_NAME,
        "restartPolicy": "Never" if form.runs_to_completion else "Always",
        # The work of researchers has no business with the API server.
        "automountServiceAccountToken": False,
    }
    if form.has_service and form.runs_to_completion:
        spec["subdomain"] = object_name(workload.key)
        spec["containers"] = [_with(_meeting(workload, group), container) for container in spec["containers"]]
    if workload.node_labels:
        spec["nodeSelector"] = dict(sorted(workload.node_labels.items()))
    if workload.tolerations:
        spec["tolerations"] = [
            {name: value for name, value in toleration.items() if value} for toleration in workload.tolerations
        ]
    if (run_seconds := workload.extra.get("run_seconds")) is not None:
        metadata["annotations"] = metadata.get("annotations", {}) | {RUN_SECONDS: str(run_seconds)}
    return {"metadata": metadata, "spec": spec}


def _pods(workload: WorkloadObject, group: PodGroup) -> Manifest:
    """Of what was typed into a form: no more allowed than its namespace lets in."""
    container = _container(workload, group)
    if not workload.restricted:
        return {"containers": [container]}
    return {
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            container | {"securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}
        ],
    }


def _with(variables: list[Manifest], container: Manifest) -> Manifest:
    """The container with these variables of the environment, where it has none of the same name."""
    given = container.get("env", [])
    names = {variable["name"] for variable in given}
    return container | {"env": [variable for variable in variables if variable["name"] not in names] + given}


def _container(workload: WorkloadObject, group: PodGroup) -> Manifest:
    requests = {"cpu": f"{group.cpu_millicores}m", "memory": str(group.memory_bytes)}
    limits = {"memory": str(group.memory_bytes)}
    if group.devices:
        if group.device_milli != WHOLE_DEVICE or group.device_memory_mib:
            raise GatewayError("Parts of a GPU cannot run in a Kubernetes cluster: ask for whole GPUs.")
        limits["nvidia.com/gpu"] = requests["nvidia.com/gpu"] = str(group.devices)
    container: Manifest = {
        "name": "main",
        "image": workload.image,
        "env": [{"name": name, "value": value} for name, value in sorted(workload.env.items())],
        "resources": {"requests": requests, "limits": limits},
    }
    if workload.command:
        container["command"] = list(workload.command)
    return container


def _meeting(workload: WorkloadObject, group: PodGroup) -> list[Manifest]:
    """How the pods of a distributed training find their first one, and which of them each is."""
    name = object_name(workload.key)
    index = {"fieldRef": {"fieldPath": "metadata.annotations['batch.kubernetes.io/job-completion-index']"}}
    return [
        {"name": "MASTER_ADDR", "value": f"{name}-0.{name}"},
        {"name": "MASTER_PORT", "value": str(MASTER_PORT)},
        {"name": "NODE_RANK", "valueFrom": index},
        {"name": "NNODES", "value": str(group.pods)},
    ]
