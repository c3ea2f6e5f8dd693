"""What happens when a pod of a simulated cluster is bound."""

from __future__ import annotations

from collections import Counter

from scheduling.clusters.orders import Bind
from scheduling.models import SimObject
from scheduling.quantities import MEBIBYTE, device_share_milli

from .life import plan, pods_on, real_ms, start_delay_ms, wake_job
from .store import KIND, Change, objects


def bind_pod(change: Change, bind: Bind, now_ms: int) -> str:
    """Gives the pod its node; answers why not, or nothing. A node that lacks room fails the pod, as a kubelet does."""
    pod = change.get(KIND.POD, bind.uid)
    if pod is None or "deleting_ms" in pod.status:
        return "The pod is gone."
    if "node" in pod.status:
        if pod.status["decision"] == bind.decision:
            return ""
        return f"The pod is bound to {pod.status['node']} already, by decision {pod.status['decision']}."
    node = objects(change.cluster, KIND.NODE).filter(name=bind.node).first()
    if node is None:
        return f"There is no node {bind.node}."
    pod.status |= {"node": bind.node, "devices": bind.devices, "decision": bind.decision, "bound_ms": now_ms}
    if memory := pod.spec.get("device_memory_mib"):
        pod.status["device_milli"] = device_share_milli(memory, node.spec["gpu_memory_bytes"] // MEBIBYTE)
    short = _short_of(change, node, pod)
    if short:
        pod.status |= {"phase": "failed", "message": f"{bind.node} lacks {short} for the pod."}
        wake_job(change, pod, now_ms)
    else:
        if "silent_ms" in node.status:
            pod.status["silent"] = True
        plan(pod, now_ms + real_ms(start_delay_ms(pod.uid)))
    change.save(pod)
    return ""


def _short_of(change: Change, node: SimObject, pod: SimObject) -> str:
    """What the node has not enough of for its pods and this one; nothing when all is well."""
    devices: Counter[str] = Counter()
    cpu = memory = 0
    for other in [pod, *(there for there in pods_on(change, node.name) if there.pk != pod.pk)]:
        for device in filter(None, other.status["devices"].split(",")):
            devices[device] += other.status.get("device_milli", other.spec["device_milli"])
        cpu += other.spec["cpu_millicores"]
        memory += other.spec["memory_bytes"]
    wanted = pod.spec.get("device_memory_mib", 0)
    if wanted * MEBIBYTE > node.spec["gpu_memory_bytes"]:
        return "GPU memory"
    if any(milli > 1000 or int(device) >= node.spec["gpu_count"] for device, milli in devices.items()):
        return "a free GPU"
    if len([device for device in pod.status["devices"].split(",") if device]) != pod.spec["devices"]:
        return "the GPUs"
    if cpu > node.spec["cpu_millicores"]:
        return "cores"
    return "memory" if memory > node.spec["memory_bytes"] else ""
