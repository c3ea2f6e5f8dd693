"""Rows of a simulated cluster in the form in which every gateway tells of its objects."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from scheduling.clusters.seen import JOBS, ObjectState, PodPhase, Seen, SeenNode, SeenObject, SeenPod
from scheduling.models import SimObject

from .store import KIND

EVERYTHING = ("nodes", "pods", JOBS)
PULLING = "ImagePullBackOff: Back-off pulling image."
"""What Kubernetes says of the usual cause for a pod that hangs before it starts."""


def seen(items: Iterable[SimObject], asked_at: float | None = None) -> Seen:
    """`asked_at`: there was nothing else in the cluster at that time, by the monotonic clock."""
    there: dict[int, list[SimObject]] = {KIND.NODE: [], KIND.JOB: [], KIND.POD: []}
    gone: dict[int, list[str]] = {KIND.NODE: [], KIND.JOB: [], KIND.POD: []}
    for item in items:
        if item.deleted:
            gone[item.kind].append(item.uid)
        else:
            there[item.kind].append(item)
    return Seen(
        nodes=tuple(seen_node(item) for item in there[KIND.NODE]),
        pods=tuple(seen_pod(item) for item in there[KIND.POD]),
        objects=tuple(seen_object(item) for item in there[KIND.JOB]),
        gone_nodes=tuple(gone[KIND.NODE]),
        gone_pods=tuple(gone[KIND.POD]),
        gone_objects=tuple(gone[KIND.JOB]),
        complete={} if asked_at is None else dict.fromkeys(EVERYTHING, asked_at),
    )


def seen_node(node: SimObject) -> SeenNode:
    silent_ms = node.status.get("silent_ms")
    return SeenNode(
        uid=node.uid,
        name=node.name,
        ready=silent_ms is None,
        schedulable=node.status.get("schedulable", True),
        conditions=() if silent_ms is None else (_silence(silent_ms),),
        **node.spec,
    )


def _silence(since_ms: int) -> dict[str, str]:
    """What Kubernetes says of a node of which it no longer hears."""
    return {
        "type": "Ready",
        "status": "Unknown",
        "reason": "NodeStatusUnknown",
        "message": "Kubelet stopped posting node status.",
        "since": datetime.fromtimestamp(since_ms / 1000, UTC).isoformat(timespec="seconds"),
    }


def seen_pod(pod: SimObject) -> SeenPod:
    spec, status = pod.spec, pod.status
    hangs = "node" in status and status["phase"] == "pending" and status.get("hangs") == "starting"
    return SeenPod(
        uid=pod.uid,
        name=pod.name,
        namespace=spec["namespace"],
        ours=True,
        phase=PodPhase[status["phase"].upper()],
        created_ms=spec["created_ms"],
        node=status.get("node", ""),
        workload=spec["workload"],
        sub_group=spec["sub_group"],
        pool=spec["pool"],
        deleting="deleting_ms" in status,
        devices=status.get("devices", ""),
        decision=status.get("decision"),
        gpu_milli=spec["devices"] * status.get("device_milli", spec["device_milli"]),
        cpu_millicores=spec["cpu_millicores"],
        memory_bytes=spec["memory_bytes"],
        message=PULLING if hangs else status.get("message", ""),
    )


def seen_object(job: SimObject) -> SeenObject:
    return SeenObject(
        uid=job.uid,
        name=job.name,
        namespace=job.spec["namespace"],
        workload=job.uid,
        state=ObjectState[job.status["state"].upper()],
        kind=JOBS,
        deleting=job.status.get("deleting", False),
        message=job.status.get("message", ""),
    )
