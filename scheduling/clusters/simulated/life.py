"""How the objects of a simulated cluster live: what happens to each when its time has come.

All times are absolute, in milliseconds since the epoch, so a cluster that nobody ticked for a while catches up at once.
Durations are those of the cluster; where its time runs faster (`SIMULATED_SPEED`) they take less of ours.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4
from zlib import crc32

from django.conf import settings
from django.db.models import QuerySet

from scheduling.models import SimObject

from .store import KIND, Change, objects

GRACE_MS = 500
"""How long a pod that is asked to stop takes."""
FINISHED_MS = 60_000
"""How long a job that has ended stays, with its pods."""
SILENT_MS = 300_000
"""How long pods stay as last seen on a node that has fallen silent, before they are asked to stop."""


def real_ms(simulated_ms: int) -> int:
    """How long it takes by our clock."""
    speed: float = settings.SIMULATED_SPEED
    return round(simulated_ms / speed)


def start_delay_ms(uid: str) -> int:
    """From bound to running: one to two seconds, always the same for a pod."""
    return 1000 + crc32(uid.encode()) % 1000


def tick(change: Change, now_ms: int) -> None:
    """Does what is due. Nodes before pods before jobs, so that each sees what the former have come to."""
    for item in due(change.cluster, now_ms).filter(kind=KIND.NODE):
        _advance_node(change, item, now_ms)
    for item in due(change.cluster, now_ms).filter(kind=KIND.POD):
        _advance_pod(change, item, now_ms)
    for item in due(change.cluster, now_ms).filter(kind=KIND.JOB):
        _advance_job(change, item, now_ms)


def due(cluster: int, now_ms: int) -> QuerySet[SimObject]:
    """Objects for which the time has come."""
    return objects(cluster).filter(due_ms__lte=now_ms)


def stop_pod(change: Change, pod: SimObject, now_ms: int) -> None:
    """Asks the pod to stop, unless it has been asked before or has ended by itself."""
    if "deleting_ms" in pod.status:
        return
    pod.status["deleting_ms"] = now_ms
    plan(pod, now_ms + real_ms(GRACE_MS if pod.status.get("phase") == "running" else 0))
    change.save(pod)


def plan(pod: SimObject, at_ms: int | None) -> None:
    """The next thing happens to the pod at `at_ms` (None: nothing does); while it hangs, once it is let go."""
    pod.status.pop("put_off_ms", None)
    pod.due_ms = at_ms
    if _hangs(pod):
        pod.status["put_off_ms"], pod.due_ms = at_ms, None


def planned_ms(pod: SimObject) -> int | None:
    """When the next thing was to happen, had it not hung."""
    put_off: int | None = pod.status.get("put_off_ms", pod.due_ms)
    return put_off


def _hangs(pod: SimObject) -> bool:
    """On a node that has fallen silent, or told to hang where it is now. What has no node goes through no kubelet."""
    status = pod.status
    if "node" not in status:
        return False
    stage = "stopping" if "deleting_ms" in status else "starting" if status["phase"] == "pending" else None
    return "silent" in status or (stage is not None and status.get("hangs") == stage)


def pods_on(change: Change, node: str) -> list[SimObject]:
    """The pods that were bound to the node of that name and have not ended."""
    there = objects(change.cluster, KIND.POD).filter(status__node=node)
    return [pod for pod in there if pod.status["phase"] in ("pending", "running")]


def _advance_node(change: Change, node: SimObject, now_ms: int) -> None:
    """It has been silent for so long that its pods are asked to stop: they do not hear of it before it is back."""
    for pod in pods_on(change, node.name):
        stop_pod(change, pod, now_ms)
    node.due_ms = None
    change.save(node)


def groups_of(job: SimObject) -> list[dict[str, Any]]:
    """Its groups of pods. A job of an earlier version is one group itself."""
    groups: list[dict[str, Any]] = job.spec.get("groups") or [job.spec]
    return groups


def pods_of(change: Change, job: SimObject) -> list[SimObject]:
    return list(objects(change.cluster, KIND.POD).filter(owner=job.uid))


def _advance_pod(change: Change, pod: SimObject, now_ms: int) -> None:
    status, spec = pod.status, pod.spec
    if "deleting_ms" in status:
        change.delete(pod, now_ms)
        wake_job(change, pod, now_ms)
        return
    if status["phase"] == "pending":
        status |= {"phase": "running", "started_ms": pod.due_ms}
        ends = [seconds for seconds in (spec["run_seconds"], spec["fail_after_seconds"]) if seconds is not None]
        plan(pod, status["started_ms"] + real_ms(min(ends) * 1000) if ends else None)
    else:
        failed = spec["fail_after_seconds"]
        if failed is not None and (spec["run_seconds"] is None or failed <= spec["run_seconds"]):
            status |= {"phase": "failed", "message": f"Failed after {failed} s, as it was told to."}
        else:
            status["phase"] = "succeeded"
        pod.due_ms = None
        wake_job(change, pod, now_ms)
    change.save(pod)


def wake_job(change: Change, pod: SimObject, now_ms: int) -> None:
    """Lets the pod's job look at its pods."""
    SimObject.objects.filter(cluster_id=change.cluster, kind=KIND.JOB, uid=pod.owner, deleted=False).update(
        due_ms=now_ms
    )


def _advance_job(change: Change, job: SimObject, now_ms: int) -> None:
    pods = pods_of(change, job)
    job.due_ms = None
    if job.status.get("deleting") or job.status["state"] != "active":
        for pod in pods:
            stop_pod(change, pod, now_ms)
        if not pods:
            change.delete(job, now_ms)
            return
    elif any(pod.status["phase"] == "failed" for pod in pods):
        message = next(pod.status["message"] for pod in pods if pod.status["phase"] == "failed")
        job.status |= {"state": "failed", "message": message}
        for pod in pods:
            if pod.status["phase"] in ("pending", "running"):
                stop_pod(change, pod, now_ms)
        job.due_ms = now_ms + real_ms(FINISHED_MS)
    elif sum(pod.status["phase"] == "succeeded" for pod in pods) == sum(group["pods"] for group in groups_of(job)):
        job.status["state"] = "succeeded"
        job.due_ms = now_ms + real_ms(FINISHED_MS)
    else:
        _create_missing_pods(change, job, pods, now_ms)
    change.save(job)


def _create_missing_pods(change: Change, job: SimObject, pods: list[SimObject], now_ms: int) -> None:
    taken = {pod.spec["index"] for pod in pods}
    common = {name: value for name, value in job.spec.items() if name != "groups"}
    wanted = [group for group in groups_of(job) for _ in range(group["pods"])]
    for index, group in enumerate(wanted):
        if index not in taken:
            uid = str(uuid4())
            change.save(
                SimObject(
                    cluster_id=change.cluster,
                    kind=KIND.POD,
                    uid=uid,
                    name=f"{job.name}-{index}-{uid[:5]}",
                    owner=job.uid,
                    spec={**common, **group, "workload": job.uid, "index": index, "created_ms": now_ms},
                    status={"phase": "pending"},
                )
            )
