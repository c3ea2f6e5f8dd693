"""What Bursar writes into a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

FIELD_MANAGER = "bursar"
SCHEDULER_NAME = "bursar"
POD_SECURITY = "pod-security.kubernetes.io/enforce"
BASELINE = "baseline"
"""No host path, no host network, nothing privileged."""
MANAGED_BY = "app.kubernetes.io/managed-by"
WORKLOAD = "bursar.dev/workload"
PROJECT = "bursar.dev/project"
POOL = "bursar.dev/pool"
SUB_GROUP = "bursar.dev/sub-group"
PART_OF = "bursar.dev/part-of"
"""Of a Job that a JobSet of Bursar's makes of one group: the name of the JobSet."""
DECISION = "bursar.dev/decision"
DEVICES = "bursar.dev/devices"
TIMES_IGNORED = "batch.kubernetes.io/job-index-ignored-failure-count"
SUBMITTED_BY = "bursar.dev/submitted-by"
RUN_SECONDS = "bursar.dev/run-seconds"
WOKEN_AT = "bursar.dev/woken-at"
"""When Bursar had its controller look again for pods that are missing."""
MIN_MEMBERS = "bursar.dev/min-members"

POLICY = "/apis/policy/v1"
RBAC = "/apis/rbac.authorization.k8s.io/v1"

Manifest = dict[str, Any]


def namespace(name: str, project: str, level: str = BASELINE) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {PROJECT: project, MANAGED_BY: FIELD_MANAGER, POD_SECURITY: level}},
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


def binding(
    *, pod: str, namespace: str, uid: str, node: str, decision: int, devices: str, is_of_job: bool = False
) -> Manifest:
    """The uid is a precondition; the annotations are copied to the pod in the same write.

    `is_of_job`: how often pods of its index were stopped for others counts no more. Else their Job would wait twice as
    long each time before it makes another, up to ten minutes (`getRemainingTimePerIndex` in
    https://github.com/kubernetes/kubernetes/blob/v1.36.2/pkg/controller/job/backoff_utils.go).
    """
    annotations = {DECISION: str(decision), DEVICES: devices}
    if is_of_job:
        annotations[TIMES_IGNORED] = "0"
    return {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {
            "name": pod,
            "namespace": namespace,
            "uid": uid,
            "annotations": annotations,
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
