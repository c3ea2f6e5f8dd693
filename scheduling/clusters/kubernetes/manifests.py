"""What Bursar writes into a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from ..gateway import GatewayError, PodGroup, WorkloadObject

FIELD_MANAGER = "bursar"
SCHEDULER_NAME = "bursar"
POD_SECURITY = "pod-security.kubernetes.io/enforce"
"""Baseline: no host path, no host network, nothing privileged."""
MANAGED_BY = "app.kubernetes.io/managed-by"
WORKLOAD = "bursar.dev/workload"
PROJECT = "bursar.dev/project"
POOL = "bursar.dev/pool"
SUB_GROUP = "bursar.dev/sub-group"
DECISION = "bursar.dev/decision"
DEVICES = "bursar.dev/devices"
SUBMITTED_BY = "bursar.dev/submitted-by"
RUN_SECONDS = "bursar.dev/run-seconds"

POLICY = "/apis/policy/v1"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
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
        "metadata": {"name": name, "labels": {PROJECT: project, MANAGED_BY: FIELD_MANAGER, POD_SECURITY: "baseline"}},
    }


def role_binding(*, namespace: str, role: str, people: Sequence[str]) -> Manifest:
    """People by their addresses, and to a role of the same name."""
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": role, "namespace": namespace, "labels": {MANAGED_BY: FIELD_MANAGER}},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": group, "kind": "User", "name": person} for person in people],
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
    metadata: Manifest = {"labels": labels}
    if workload.submitted_by:
        metadata["annotations"] = {SUBMITTED_BY: workload.submitted_by}
    template: Manifest = {
        "metadata": dict(metadata),
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
        notes = metadata.get("annotations", {})
        template["metadata"]["annotations"] = {**notes, RUN_SECONDS: str(run_seconds)}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job_name(workload.name, workload.uid),
            "namespace": workload.namespace,
            **metadata,
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


def disruption(*, uid: str, message: str) -> Manifest:
    """The condition that an eviction leaves, as kube-scheduler writes it before it deletes a pod."""
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "PreemptionByScheduler",
        "message": message,
        "lastTransitionTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return {"metadata": {"uid": uid}, "status": {"conditions": [condition]}}


def delete_options(*, uid: str, grace_seconds: int) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {"uid": uid},
        "gracePeriodSeconds": grace_seconds,
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
