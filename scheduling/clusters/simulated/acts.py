"""What an operator of a simulated cluster does to its nodes and pods by hand. Each answers why not, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

from scheduling.models import SimObject

from .life import SILENT_MS, plan, planned_ms, pods_on, real_ms, stop_pod, wake_job
from .store import KIND, Change


def find_node(change: Change, name: str) -> SimObject | None:
    """Also one that has vanished."""
    return SimObject.objects.filter(cluster_id=change.cluster, kind=KIND.NODE, name=name).first()


def node_fail(change: Change, node: SimObject, now_ms: int) -> str:
    """It falls silent: its pods stay as last seen; asked to stop after five minutes, they do not hear of it."""
    if node.deleted or "silent_ms" in node.status:
        return f"{node.name} is away already. Let it return first."
    node.status["silent_ms"] = now_ms
    node.due_ms = now_ms + real_ms(SILENT_MS)
    change.save(node)
    for pod in pods_on(change, node.name):
        at_ms = planned_ms(pod)
        pod.status["silent"] = True
        plan(pod, at_ms)
        change.save(pod)
    return ""


def node_vanish(change: Change, node: SimObject, now_ms: int) -> str:
    """It is taken out of the cluster, and its pods with it."""
    if node.deleted:
        return f"{node.name} has vanished already. Let it return first."
    for pod in pods_on(change, node.name):
        change.delete(pod, now_ms)
        wake_job(change, pod, now_ms)
    # Without a time of deletion: its row is kept, for it may return.
    node.deleted, node.due_ms = True, None
    change.save(node)
    return ""


def node_return(change: Change, node: SimObject, now_ms: int) -> str:
    """It answers again, or joins anew. What became due on it meanwhile happens now."""
    if node.deleted:
        node.deleted, node.uid, node.status = False, str(uuid4()), {}
    elif "silent_ms" not in node.status:
        return f"{node.name} is there already."
    node.status.pop("silent_ms", None)
    node.due_ms = None
    change.save(node)
    for pod in pods_on(change, node.name):
        at_ms = planned_ms(pod)
        pod.status.pop("silent", None)
        plan(pod, at_ms)
        change.save(pod)
    return ""


def node_cordon(change: Change, node: SimObject, now_ms: int) -> str:
    """It takes nothing new; what runs there goes on."""
    return _schedulable(change, node, False)


def node_uncordon(change: Change, node: SimObject, now_ms: int) -> str:
    return _schedulable(change, node, True)


def _schedulable(change: Change, node: SimObject, schedulable: bool) -> str:
    if node.deleted:
        return f"{node.name} has vanished. Let it return first."
    node.status["schedulable"] = schedulable
    change.save(node)
    return ""


def node_label(change: Change, node: SimObject, labels: Mapping[str, str | None]) -> str:
    """Sets these labels; None takes one away."""
    if node.deleted:
        return f"{node.name} has vanished. Let it return first."
    both = node.spec["labels"] | labels
    node.spec["labels"] = {key: value for key, value in both.items() if value is not None}
    change.save(node)
    return ""


def pod_fail(change: Change, pod: SimObject, now_ms: int) -> str:
    """It ends with an error, and its job with it."""
    if "node" not in pod.status or pod.status["phase"] not in ("pending", "running") or "deleting_ms" in pod.status:
        return f"{pod.name} is on no node, or ends already. Only what starts or runs can fail."
    if "silent" in pod.status:
        return f"Nobody hears of {pod.name}: its node is away. Let the node return first."
    pod.status |= {"phase": "failed", "message": "Failed by hand."}
    plan(pod, None)
    change.save(pod)
    wake_job(change, pod, now_ms)
    return ""


def pod_hang(change: Change, pod: SimObject, now_ms: int) -> str:
    """It does not come out of where it is: what has not started stays so, what runs does not end when stopped."""
    status = pod.status
    if status["phase"] not in ("pending", "running"):
        return f"{pod.name} has ended. Only what waits, starts or runs can hang."
    at_ms = planned_ms(pod)
    starts = status["phase"] == "pending" and "deleting_ms" not in status
    status["hangs"] = "starting" if starts else "stopping"
    plan(pod, at_ms)
    change.save(pod)
    return ""


def pod_release(change: Change, pod: SimObject, now_ms: int) -> str:
    """It hangs no longer. What became due meanwhile happens now."""
    if "hangs" not in pod.status:
        return f"{pod.name} does not hang."
    at_ms = planned_ms(pod)
    del pod.status["hangs"]
    plan(pod, at_ms)
    change.save(pod)
    return ""


def pod_delete(change: Change, pod: SimObject, now_ms: int) -> str:
    """Somebody deletes it in the cluster, past Bursar; its job makes another."""
    if "deleting_ms" in pod.status:
        return f"{pod.name} is being deleted already."
    stop_pod(change, pod, now_ms)
    return ""
