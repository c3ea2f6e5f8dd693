"""From Kubernetes' objects to what an observer is told."""

from __future__ import annotations

from collections.abc import Iterable

from ..found import CRON_JOB
from ..seen import (
    DEPLOYMENTS,
    JOBS,
    STATEFUL_SETS,
    ObjectState,
    PodPhase,
    Requirement,
    SeenBinding,
    SeenBudget,
    SeenNamespace,
    SeenNode,
    SeenObject,
    SeenPod,
)
from . import decode
from .finding import GPU, found_pod, is_found, owner_of, submitted_by
from .manifests import (
    BASELINE,
    DECISION,
    DEVICES,
    PART_OF,
    POD_SECURITY,
    POOL,
    PROJECT,
    SCHEDULER_NAME,
    SUB_GROUP,
    WORKLOAD,
)
from .quantities import thousandths, units
from .text import device_numbers, plain

MAX_MESSAGE = 500
FAILED = "Failed"
COMPLETED = ("Complete", "Completed", "Succeeded")
"""As a Job, a JobSet and Kubeflow's kinds say it."""
MEBIBYTE = 1024 * 1024
# A cluster may claim anything; more than this on one node is no truth, and would weigh on every cycle.
MAX_DEVICES = 256
MAX_PODS = 10_000
MAX_CONDITIONS = 20
MAX_ALLOWED = 1_000_000
# A pod whose node fell silent is in phase Unknown, and still holds its room.
PHASES = {"Pending": PodPhase.PENDING, "Succeeded": PodPhase.SUCCEEDED, "Failed": PodPhase.FAILED}


def seen_node(node: decode.Node) -> SeenNode:
    allocatable, labels = node.status.allocatable, node.metadata.labels
    return SeenNode(
        uid=node.metadata.uid,
        name=node.metadata.name,
        labels=labels,
        taints=tuple({"key": taint.key, "value": taint.value, "effect": taint.effect} for taint in node.spec.taints),
        conditions=tuple(_condition(condition) for condition in node.status.conditions[:MAX_CONDITIONS]),
        ready=any(condition.type == "Ready" and condition.status == "True" for condition in node.status.conditions),
        schedulable=not node.spec.unschedulable,
        gpu_type=labels.get("nvidia.com/gpu.product", ""),
        gpu_count=min(MAX_DEVICES, units(allocatable.get(GPU, "0"))),
        gpu_memory_bytes=_label_number(labels, "nvidia.com/gpu.memory") * MEBIBYTE,
        cpu_millicores=thousandths(allocatable.get("cpu", "0")),
        memory_bytes=units(allocatable.get("memory", "0")),
        pod_slots=min(MAX_PODS, units(allocatable.get("pods", "0"))),
    )


def _condition(condition: decode.Condition) -> dict[str, str]:
    since = condition.last_transition_time
    return {
        "type": plain(condition.type, 60),
        "status": plain(condition.status, 20),
        "reason": plain(condition.reason, 100),
        "message": plain(condition.message, 300),
        "since": since.isoformat(timespec="seconds") if since else "",
    }


def seen_pod(pod: decode.Pod) -> SeenPod:
    metadata = pod.metadata
    decision = metadata.annotations.get(DECISION, "")
    created_at = metadata.creation_timestamp
    return SeenPod(
        uid=metadata.uid,
        name=metadata.name,
        namespace=metadata.namespace,
        ours=pod.spec.scheduler_name == SCHEDULER_NAME,
        phase=PHASES.get(pod.status.phase, PodPhase.RUNNING),
        created_ms=int(created_at.timestamp() * 1000) if created_at else 0,
        node=pod.spec.node_name,
        workload=metadata.labels.get(WORKLOAD, ""),
        sub_group=metadata.labels.get(SUB_GROUP, ""),
        pool=metadata.labels.get(POOL, ""),
        deleting=metadata.deletion_timestamp is not None,
        devices=device_numbers(metadata.annotations.get(DEVICES, "")),
        decision=int(decision) if decision.isascii() and decision.isdigit() and len(decision) < 19 else None,
        gpu_milli=requested(pod.spec, GPU) * 1000,
        cpu_millicores=requested(pod.spec, "cpu"),
        memory_bytes=requested(pod.spec, "memory"),
        message=plain(_pod_message(pod.status), MAX_MESSAGE),
        labels=metadata.labels if pod.spec.scheduler_name == SCHEDULER_NAME else {},
        # Until its gates are open nobody may place it.
        found=None if pod.spec.scheduling_gates else found_pod(pod),
    )


def seen_job(job: decode.Job) -> SeenObject:
    spec = job.spec
    return seen_object(
        JOBS,
        job.metadata,
        *outcome_of(job.status),
        stopped=spec.suspend,
        pods=at_once(spec),
        done=at_once(spec) - left(job),
        found=is_found(job.metadata, spec.template),
    )


def outcome_of(status: decode.JobStatus) -> tuple[ObjectState, str]:
    """How something that runs to its end has ended, if it has, and the cluster's word on a failure."""
    for condition in reversed(status.conditions):
        if condition.status == "True" and condition.type == FAILED:
            return ObjectState.FAILED, plain(condition.message, MAX_MESSAGE)
        if condition.status == "True" and condition.type in COMPLETED:
            return ObjectState.SUCCEEDED, ""
    return ObjectState.ACTIVE, ""


def at_once(job: decode.JobSpec) -> int:
    """How many pods it has at a time."""
    return job.parallelism if job.completions is None else min(job.parallelism, job.completions)


def left(job: decode.Job) -> int:
    """How many of these it still has."""
    completions = job.spec.completions
    return (
        at_once(job.spec) if completions is None else max(0, min(at_once(job.spec), completions - job.status.succeeded))
    )


def seen_stateful_set(found: decode.Scaled) -> SeenObject:
    return _seen_scaled(STATEFUL_SETS, found)


def seen_deployment(found: decode.Scaled) -> SeenObject:
    return _seen_scaled(DEPLOYMENTS, found)


def _seen_scaled(kind: str, item: decode.Scaled) -> SeenObject:
    pods = item.spec.replicas
    found = is_found(item.metadata, item.spec.template)
    return seen_object(kind, item.metadata, stopped=pods == 0, pods=pods, found=found)


def seen_object(
    kind: str,
    metadata: decode.Metadata,
    state: ObjectState = ObjectState.ACTIVE,
    message: str = "",
    *,
    stopped: bool = False,
    pods: int = 0,
    done: int = 0,
    found: bool = False,
) -> SeenObject:
    """What was found is a workload of its own uid, unless it belongs to something larger. A CronJob is none: each of
    its Jobs is one."""
    owner = owner_of(metadata)
    is_top = owner is None or owner.kind == CRON_JOB
    ours, is_part = metadata.labels.get(WORKLOAD, ""), PART_OF in metadata.labels
    return SeenObject(
        uid=metadata.uid,
        name=metadata.name,
        namespace=metadata.namespace,
        workload=metadata.uid if found and is_top else "" if is_part else ours,
        state=state,
        kind=kind,
        deleting=metadata.deletion_timestamp is not None,
        stopped=stopped,
        message=message,
        pods=pods,
        done=done,
        owner=owner,
        found=found,
        submitted_by=submitted_by(metadata) if found else "",
        part_of=ours if is_part else "",
        sub_group=metadata.labels.get(SUB_GROUP, "") if is_part else "",
    )


def seen_budget(budget: decode.Budget) -> SeenBudget:
    metadata, status, selector = budget.metadata, budget.status, budget.spec.selector
    # Until its controller has looked at it as it is now, the server lets nothing go.
    is_fresh = status.observed_generation >= metadata.generation
    allowed = max(0, status.disruptions_allowed) if is_fresh else 0
    wanted: tuple[Requirement, ...] | None = None
    if selector is not None:
        wanted = (
            *(Requirement(key, "In", (value,)) for key, value in sorted(selector.match_labels.items())),
            *(Requirement(item.key, item.operator, item.values) for item in selector.match_expressions),
        )
    return SeenBudget(metadata.uid, metadata.name, metadata.namespace, min(allowed, MAX_ALLOWED), wanted)


def seen_namespace(namespace: decode.Labelled) -> SeenNamespace:
    metadata = namespace.metadata
    level = metadata.labels.get(POD_SECURITY, BASELINE)
    # A word that the API server does not know is `restricted` to it.
    restricted = level not in ("privileged", BASELINE)
    return SeenNamespace(metadata.uid, metadata.name, metadata.labels.get(PROJECT, ""), restricted)


def seen_binding(binding: decode.RoleBinding) -> SeenBinding:
    metadata, ref, subjects = binding.metadata, binding.role_ref, binding.subjects
    return SeenBinding(
        uid=metadata.uid,
        name=metadata.name,
        namespace=metadata.namespace,
        people=tuple(sorted({subject.name for subject in subjects})),
        intact=(ref.kind, ref.name) == ("ClusterRole", metadata.name) and all(who.kind == "User" for who in subjects),
    )


def requested(spec: decode.PodSpec, resource: str) -> int:
    """What Kubernetes counts for the pod: containers that stay (restarting init containers among them) together, or
    what the greediest init container needs beside those that were started before it."""
    read = thousandths if resource == "cpu" else units

    def requests(container: decode.Container) -> int:
        return read(container.resources.requests.get(resource, "0"))

    staying = start = 0
    for container in spec.init_containers:
        if container.restart_policy == "Always":
            staying += requests(container)
            start = max(start, staying)
        else:
            start = max(start, staying + requests(container))
    staying += sum(requests(container) for container in spec.containers)
    return max(staying, start) + read(spec.overhead.get(resource, "0"))


def _pod_message(status: decode.PodStatus) -> str:
    """Why the pod does not run: what the cluster says of it, else of its containers."""
    if status.message or status.reason:
        return _joined((status.reason, status.message))
    for container in status.container_statuses:
        waiting, terminated = container.state.waiting, container.state.terminated
        if terminated is not None and terminated.exit_code:
            return _joined((f"exit code {terminated.exit_code}", terminated.reason, terminated.message))
        if waiting is not None and waiting.reason not in ("", "ContainerCreating", "PodInitializing"):
            return _joined((waiting.reason, waiting.message))
    return ""


def _joined(parts: Iterable[str]) -> str:
    return ": ".join(part for part in parts if part)


def _label_number(labels: dict[str, str], name: str) -> int:
    text = labels.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
