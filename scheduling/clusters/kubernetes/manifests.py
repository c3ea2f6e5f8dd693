"""What Bursar writes into a cluster."""

from __future__ import annotations

from typing import Any

from ..gateway import GatewayError, PodGroup, WorkloadObject

FIELD_MANAGER = "bursar"
SCHEDULER_NAME = "bursar"
MANAGED_BY = "app.kubernetes.io/managed-by"
WORKLOAD = "bursar.dev/workload"
PROJECT = "bursar.dev/project"
POOL = "bursar.dev/pool"
SUB_GROUP = "bursar.dev/sub-group"
DECISION = "bursar.dev/decision"
DEVICES = "bursar.dev/devices"
RUN_SECONDS = "bursar.dev/run-seconds"

WHOLE_DEVICE = 1000
MAX_NAME = 63

Manifest = dict[str, Any]


def job_name(name: str, uid: str) -> str:
    """Unlike the workload's own name never used twice: an ended workload's Job may still be there."""
    end = f"-{uid[:8]}"
    return name[: MAX_NAME - len(end)].rstrip("-.") + end


def namespace(name: str, project: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {PROJECT: project, MANAGED_BY: FIELD_MANAGER}},
    }


def job(workload: WorkloadObject) -> Manifest:
    """The Job of a workload. Raises GatewayError for what Kubernetes cannot run."""
    if len(workload.groups) > 1:
        raise GatewayError("Several groups of pods cannot run in a Kubernetes cluster yet: submit one group.")
    (group,) = workload.groups
    labels = {
        MANAGED_BY: FIELD_MANAGER,
        WORKLOAD: workload.uid,
        PROJECT: workload.project,
        POOL: workload.pool,
        SUB_GROUP: group.name,
    }
    template: Manifest = {
        "metadata": {"labels": labels},
        "spec": {
            "schedulerName": SCHEDULER_NAME,
            "restartPolicy": "Never",
            # The work of researchers has no business with the API server.
            "automountServiceAccountToken": False,
            "containers": [_container(workload, group)],
        },
    }
    if workload.node_labels:
        template["spec"]["nodeSelector"] = dict(sorted(workload.node_labels.items()))
    if workload.tolerations:
        template["spec"]["tolerations"] = [
            {name: value for name, value in toleration.items() if value} for toleration in workload.tolerations
        ]
    if (run_seconds := workload.extra.get("run_seconds")) is not None:
        template["metadata"]["annotations"] = {RUN_SECONDS: str(run_seconds)}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job_name(workload.name, workload.uid),
            "namespace": workload.namespace,
            "labels": labels,
        },
        "spec": {
            "parallelism": group.pods,
            "completions": group.pods,
            "completionMode": "Indexed",
            "backoffLimit": 0,
            # A pod that was stopped for others is started again and does not count as failed.
            "podFailurePolicy": {
                "rules": [
                    {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                ]
            },
            "template": template,
        },
    }


def binding(*, pod: str, namespace: str, uid: str, node: str, decision: int, devices: str) -> Manifest:
    """The uid is a precondition; the annotations are copied to the pod in the same write."""
    return {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {
            "name": pod,
            "namespace": namespace,
            "uid": uid,
            "annotations": {DECISION: str(decision), DEVICES: devices},
        },
        "target": {"apiVersion": "v1", "kind": "Node", "name": node},
    }


def eviction(*, pod: str, namespace: str, uid: str) -> Manifest:
    return {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": namespace},
        "deleteOptions": {"preconditions": {"uid": uid}},
    }


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
