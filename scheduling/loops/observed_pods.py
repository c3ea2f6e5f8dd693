"""Pods as seen, into rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from quotas.models import Node, Pool
from scheduling.clusters.gateway import PodPhase, Seen, SeenPod
from scheduling.models import Pod, SubGroup

from .foreign import ForeignPods
from .observed_decisions import settle_gone, settle_seen
from .rows import clean, update_rows

FIELDS = ("pool", "charged_pool", "node", "phase", "message", "devices", "bound_at")


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
        ours = {}
        for pod in pods.values():
            group = groups.get((pod.workload, pod.sub_group)) if pod.ours else None
            if group:
                ours[pod.uid] = (pod, *group)
            else:
                self.foreign.remember(pod)
        changed = self._write_ours(ours) if ours else set()
        return changed | self._remove(seen.gone_pods) | (self._remove_all_but(ours) if complete else set())

    def _nodes(self) -> Any:
        return Node.objects.filter(cluster=self.cluster, removed_at=None)

    def _remove(self, uids: Iterable[str]) -> set[int]:
        for uid in uids:
            self.foreign.forget(uid)
            self._node_unknown.pop(uid, None)
        return _delete(Pod.objects.filter(uid__in=uids)) if uids else set()

    def _remove_all_but(self, uids: Iterable[str]) -> set[int]:
        return _delete(Pod.objects.filter(workload__cluster=self.cluster).exclude(uid__in=uids))

    def _write_ours(self, ours: dict[str, tuple[SeenPod, int, int]]) -> set[int]:
        """`ours`: by uid the pod and the ids of its workload and sub-group."""
        here = self._nodes().filter(name__in={pod.node for pod, *_ in ours.values()})
        nodes = {name: (pk, pool) for name, pk, pool in here.values_list("name", "pk", "pool_id")}
        pools = dict(Pool.objects.filter(cluster=self.cluster).values_list("name", "pk"))
        rows = {uid: (pk, *old) for pk, uid, *old in Pod.objects.filter(uid__in=ours).values_list("pk", "uid", *FIELDS)}
        now = timezone.now()
        new: list[Pod] = []
        updates: list[tuple[Any, ...]] = []
        changed: set[int] = set()
        for uid, (pod, workload, group) in ours.items():
            pk, _, charged, _, _, _, _, bound_at = rows.get(uid, [None] * (len(FIELDS) + 1))
            node, node_pool = nodes.get(pod.node, (None, None))
            if pod.node and node is None:
                self._node_unknown[uid] = pod
            values = {
                "pool": pools.get(pod.pool),
                # The pool whose node it was first seen on: it stays charged there, wherever the node goes.
                "charged_pool": charged or node_pool,
                "node": node,
                "phase": _phase(pod),
                "message": clean(pod.message, 500),
                "devices": clean(pod.devices, 80),
                "bound_at": (bound_at or now) if node else None,
            }
            if pk is None:
                new.append(_new_pod(pod, workload, group, values))
            elif rows[uid][1:] != tuple(values.values()):
                updates.append((pk, *values.values()))
            else:
                continue
            changed.add(workload)
        Pod.objects.bulk_create(new)
        update_rows(Pod, FIELDS, updates)
        written = [(pk, node, phase) for pk, _, _, node, phase, *_ in updates]
        written += [(pod.pk, pod.node_id, pod.phase) for pod in new]
        settle_seen(
            bound={pk: node for pk, node, _ in written if node is not None},
            stopping=[pk for pk, _, phase in written if phase >= Pod.Phase.STOPPING],
        )
        return changed


def _new_pod(pod: SeenPod, workload: int, group: int, values: dict[str, Any]) -> Pod:
    keys = {f"{name}_id": values[name] for name in ("pool", "charged_pool", "node")}
    rest = {name: values[name] for name in FIELDS[3:]}
    created = datetime.fromtimestamp(pod.created_ms / 1000, UTC)
    return Pod(uid=pod.uid, name=pod.name, workload_id=workload, sub_group_id=group, created_at=created, **keys, **rest)


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


def _sub_groups(workloads: set[str]) -> dict[tuple[str, str], tuple[int, int]]:
    """By uid of the workload and name of the sub-group: the ids of both."""
    found = SubGroup.objects.filter(workload__uid__in=valid_uids(workloads))
    return {
        (str(uid), name): (workload, group)
        for uid, name, workload, group in found.values_list("workload__uid", "name", "workload_id", "pk")
    }
