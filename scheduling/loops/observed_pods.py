"""Pods as seen, into rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.utils import timezone

from quotas.models import Node, Pool
from scheduling.clusters.seen import PodPhase, Seen, SeenPod
from scheduling.models import Pod, SubGroup
from scheduling.quantities import MEBIBYTE, device_share_milli

from .foreign import ForeignPods
from .observed_decisions import follow_node, settle_gone, settle_seen
from .rows import clean, insert_rows, update_rows

NEW_FIELDS = ("uid", "name", "workload", "sub_group", "created_at")
FIELDS = ("pool", "charged_pool", "node", "phase", "message", "devices", "device_milli", "bound_at")


class Owner(NamedTuple):
    """What a pod belongs to, and what part of a GPU its pods ask for."""

    workload: int
    sub_group: int
    device_milli: int
    gpu_memory_mib: int

    def share_milli(self, gpu_memory_bytes: int) -> int:
        """Of each GPU of a node whose GPUs have so much memory; 0 while there is no node to tell by."""
        if not self.gpu_memory_mib:
            return self.device_milli
        return device_share_milli(self.gpu_memory_mib, gpu_memory_bytes // MEBIBYTE)


class PodWriter:
    """Writes our pods; those of others it leaves to `foreign`."""

    def __init__(self, cluster: int) -> None:
        self.cluster = cluster
        self.foreign = ForeignPods()
        self._node_unknown: dict[str, SeenPod] = {}
        """Seen before their nodes were."""

    def write(self, seen: Seen) -> set[int]:
        """Ids of the workloads whose pods changed. Nodes of the same batch have been written before."""
        complete = "pods" in seen.complete
        if complete:
            self.foreign.restart(self._nodes().values_list("name", flat=True))
        pods = {pod.uid: pod for pod in seen.pods}
        if seen.nodes:
            pods = self._node_unknown | pods
            self._node_unknown = {}
        groups = _sub_groups({pod.workload for pod in pods.values() if pod.ours})
        ours: dict[str, tuple[SeenPod, Owner]] = {}
        for pod in pods.values():
            group = groups.get((pod.workload, pod.sub_group)) if pod.ours else None
            if group:
                ours[pod.uid] = (pod, group)
            else:
                self.foreign.remember(pod)
        changed = self._follow_nodes([node.name for node in seen.nodes]) if seen.nodes else set()
        changed |= self._write_ours(ours) if ours else set()
        return changed | self._remove(seen.gone_pods) | (self._remove_all_but(ours) if complete else set())

    def _nodes(self) -> Any:
        return Node.objects.filter(cluster=self.cluster, removed_at=None)

    def _follow_nodes(self, names: list[str]) -> set[int]:
        """Nodes that were gone are back, in rows of their own: their pods never left them, and what is on its way to
        them arrives, for a bind names its node."""
        gone = Node.objects.filter(cluster=self.cluster, name__in=names, removed_at__isnull=False)
        left = dict(gone.values_list("pk", "name"))
        if not left:
            return set()
        back = dict(self._nodes().filter(name__in=left.values()).values_list("name", "pk"))
        follow_node({old: back[name] for old, name in left.items()})
        rows = list(Pod.objects.filter(node__in=left).values_list("pk", "workload_id", "node_id"))
        update_rows(Pod, ("node",), [(pk, back[left[node]]) for pk, _, node in rows])
        return {workload for _, workload, _ in rows}

    def _remove(self, uids: Iterable[str]) -> set[int]:
        for uid in uids:
            self.foreign.forget(uid)
            self._node_unknown.pop(uid, None)
        return _delete(Pod.objects.filter(uid__in=uids)) if uids else set()

    def _remove_all_but(self, uids: Iterable[str]) -> set[int]:
        return _delete(Pod.objects.filter(workload__cluster=self.cluster).exclude(uid__in=uids))

    def _write_ours(self, ours: dict[str, tuple[SeenPod, Owner]]) -> set[int]:
        """`ours`: by uid the pod and what it belongs to."""
        here = self._nodes().filter(name__in={pod.node for pod, _ in ours.values()})
        nodes = {
            name: (pk, pool, memory)
            for name, pk, pool, memory in here.values_list("name", "pk", "pool_id", "gpu_memory_bytes")
        }
        pools = dict(Pool.objects.filter(cluster=self.cluster).values_list("name", "pk"))
        rows = {uid: (pk, *old) for pk, uid, *old in Pod.objects.filter(uid__in=ours).values_list("pk", "uid", *FIELDS)}
        now = timezone.now()
        new: list[tuple[Any, ...]] = []
        updates: list[tuple[Any, ...]] = []
        changed: set[int] = set()
        for uid, (pod, owner) in ours.items():
            pk, _, charged, *_, bound_at = rows.get(uid, [None] * (len(FIELDS) + 1))
            node, node_pool, gpu_memory = nodes.get(pod.node, (None, None, 0))
            if pod.node and node is None:
                self._node_unknown[uid] = pod
            values = {
                "pool": pools.get(pod.pool),
                # The pool whose node it was first seen on: it stays charged there, wherever the node goes.
                "charged_pool": charged or node_pool,
                "node": node,
                "phase": int(_phase(pod)),
                "message": clean(pod.message, 500),
                "devices": clean(pod.devices, 80),
                "device_milli": owner.share_milli(gpu_memory),
                "bound_at": (bound_at or now) if node else None,
            }
            if pk is None:
                created = datetime.fromtimestamp(pod.created_ms / 1000, UTC)
                new.append((pod.uid, clean(pod.name, 253), owner.workload, owner.sub_group, created, *values.values()))
            elif rows[uid][1:] != tuple(values.values()):
                updates.append((pk, *values.values()))
            else:
                continue
            changed.add(owner.workload)
        insert_rows(Pod, (*NEW_FIELDS, *FIELDS), new)
        update_rows(Pod, FIELDS, updates)
        # What is new, no loop has decided anything about.
        settle_seen(
            bound={pk: node for pk, _, _, node, *_ in updates if node is not None},
            stopping=[pk for pk, _, _, _, phase, *_ in updates if phase >= Pod.Phase.STOPPING],
        )
        return changed


def _delete(pods: Any) -> set[int]:
    """Ids of the workloads they belonged to."""
    rows = list(pods.order_by("pk").values_list("pk", "workload_id"))
    if rows:
        ids = [pk for pk, _ in rows]
        settle_gone(ids)
        Pod.objects.filter(pk__in=ids).delete()
    return {workload for _, workload in rows}


def _phase(pod: SeenPod) -> int:
    if pod.phase is PodPhase.SUCCEEDED:
        return Pod.Phase.SUCCEEDED
    if pod.phase is PodPhase.FAILED:
        return Pod.Phase.FAILED
    if pod.deleting:
        return Pod.Phase.STOPPING
    if pod.phase is PodPhase.RUNNING:
        return Pod.Phase.RUNNING
    return Pod.Phase.STARTING if pod.node else Pod.Phase.PENDING


def valid_uids(texts: Iterable[str]) -> list[UUID]:
    """Labels may hold anything."""
    uids = []
    for text in texts:
        try:
            uids.append(UUID(text))
        except ValueError:
            continue
    return uids


def _sub_groups(workloads: set[str]) -> dict[tuple[str, str], Owner]:
    """By uid of the workload and name of the sub-group."""
    found = SubGroup.objects.filter(workload__uid__in=valid_uids(workloads))
    return {
        (str(uid), name): Owner(*owner)
        for uid, name, *owner in found.values_list(
            "workload__uid", "name", "workload_id", "pk", "device_milli", "gpu_memory_mib"
        )
    }
