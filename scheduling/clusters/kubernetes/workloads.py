"""What workloads become in a cluster."""

from __future__ import annotations

from collections.abc import Sequence

from ..found import DEPLOYMENT, JOB, STATEFUL_SET
from ..gateway import GatewayError
from ..orders import PodGroup, WorkloadKey, WorkloadObject
from .forms import Form, form_of, object_name
from .manifests import (
    FIELD_MANAGER,
    MANAGED_BY,
    PART_OF,
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
DISTRIBUTED = "distributed training"
MASTER_PORT = 29500
"""Where the processes of a distributed training meet, as PyTorch has it."""


def workload_manifest(workload: WorkloadObject) -> Manifest:
    """Raises GatewayError for what Kubernetes cannot run."""
    form, given = form_of(workload.key), workload.manifest
    alone = workload.groups[0] if len(workload.groups) == 1 else None
    made = _of_group(workload, alone, form) if alone else _job_set(workload, form)
    pods = sum(group.pods for group in workload.groups)
    return {
        "apiVersion": form.api,
        "kind": form.kind,
        "metadata": {
            "name": object_name(workload.key),
            "namespace": workload.namespace,
            **_metadata(workload, alone, given.get("metadata", {})),
        },
        "spec": given.get("spec", {}) | form.pause(is_paused=False, pods=pods) | made,
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


def _of_group(workload: WorkloadObject, group: PodGroup, form: Form) -> Manifest:
    """The specification of an object that makes the pods of one group."""
    return {"template": _template(workload, group, form), **_OF_KIND[form.kind](workload, group)}


def _job_set(workload: WorkloadObject, form: Form) -> Manifest:
    """A Job for each group. They start, stop and go together; it has completed when all have, and fails with one."""
    return {
        "network": {"enableDNSHostnames": True, "subdomain": object_name(workload.key)},
        "replicatedJobs": [
            {
                "name": group.name,
                "replicas": 1,
                "template": {
                    "metadata": _part_metadata(workload, group),
                    "spec": _given(workload, group).get("spec", {})
                    | {"template": _template(workload, group, form), **_job(workload, group)},
                },
            }
            for group in workload.groups
        ],
    }


def _given(workload: WorkloadObject, group: PodGroup) -> Manifest:
    """What was submitted for the group: of one of several it stands with its name."""
    groups = workload.manifest.get("groups", ())
    return next((given for given in groups if given["name"] == group.name), workload.manifest)


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


_OF_KIND = {JOB: _job, STATEFUL_SET: _stateful_set, DEPLOYMENT: _deployment}


def _metadata(workload: WorkloadObject, group: PodGroup | None, given: Manifest | None = None) -> Manifest:
    """Bursar's own, laid over what is `given`. `group`: none of what makes several."""
    labels = {
        MANAGED_BY: FIELD_MANAGER,
        WORKLOAD: workload.uid,
        PROJECT: workload.project,
        POOL: workload.pool,
    }
    if group:
        labels[SUB_GROUP] = group.name
    own = {"labels": labels, "annotations": {SUBMITTED_BY: workload.submitted_by} if workload.submitted_by else {}}
    found = {name: (given or {}).get(name, {}) | values for name, values in own.items()}
    return {name: values for name, values in found.items() if values}


def _part_metadata(workload: WorkloadObject, group: PodGroup) -> Manifest:
    """Of the Job that a JobSet makes of a group. It cannot change with the pool, so it does not name it."""
    metadata = _metadata(workload, group, _given(workload, group).get("metadata"))
    labels = {name: value for name, value in metadata["labels"].items() if name != POOL}
    return metadata | {"labels": labels | {PART_OF: object_name(workload.key)}}


def _template(workload: WorkloadObject, group: PodGroup, form: Form) -> Manifest:
    """One way for what was typed into a form and for what came as YAML: what Bursar has to say is laid over both."""
    given = _given(workload, group).get("template") or {"spec": _pods(workload, group)}
    metadata = _metadata(workload, group, given.get("metadata"))
    spec: Manifest = given["spec"] | {
        "schedulerName": SCHEDULER_NAME,
        "restartPolicy": "Never" if form.runs_to_completion else "Always",
        # The work of researchers has no business with the API server.
        "automountServiceAccountToken": False,
    }
    if workload.kind == DISTRIBUTED:
        if form.has_service:
            spec["subdomain"] = object_name(workload.key)
        spec["containers"] = [_with(_meeting(workload, group), container) for container in spec["containers"]]
    if workload.node_labels:
        spec["nodeSelector"] = dict(sorted(workload.node_labels.items()))
    if workload.tolerations:
        spec["tolerations"] = [
            {name: value for name, value in toleration.items() if value != ""} for toleration in workload.tolerations
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
    name, groups = object_name(workload.key), workload.groups
    first, which = f"{name}-0", _index()
    if len(groups) > 1:
        first, which = f"{name}-{groups[0].name}-0-0", _group_and_rank(groups, group)
    return [
        {"name": "MASTER_ADDR", "value": f"{first}.{name}"},
        {"name": "MASTER_PORT", "value": str(MASTER_PORT)},
        *which,
        {"name": "NNODES", "value": str(sum(each.pods for each in groups))},
    ]


def _index() -> list[Manifest]:
    path = "metadata.annotations['batch.kubernetes.io/job-completion-index']"
    return [{"name": "NODE_RANK", "valueFrom": {"fieldRef": {"fieldPath": path}}}]


def _group_and_rank(groups: Sequence[PodGroup], group: PodGroup) -> list[Manifest]:
    """A pod's rank is that of the first of its group and its index in the group, which Kubernetes cannot add up: a
    `NODE_RANK` would be wrong in all groups but the first, so there is none."""
    first = sum(each.pods for each in groups[: groups.index(group)])
    return [{"name": "POD_GROUP", "value": group.name}, {"name": "FIRST_NODE_RANK", "value": str(first)}]
