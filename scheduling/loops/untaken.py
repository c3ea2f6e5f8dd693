"""Pods that were made for Bursar to place, and are nobody's workload: why, in rows that the explainer reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from scheduling.clusters.seen import PodPhase, Seen, SeenPod
from scheduling.models import UntakenPod

from .rows import clean, insert_rows

NO_PROJECT, NO_POOL, NOT_OWN, REFUSED = "NoProject", "NoPool", "NotItsOwner", "NotPlaced"
AGAIN_SECONDS = 5.0
"""A project or pool may be there by then."""
FIELDS = ("cluster", "uid", "namespace", "name", "reason", "message", "created_at")


class Untaken(NamedTuple):
    pod: SeenPod
    reason: str
    refused: str = ""

    def words(self) -> str:
        if self.reason == NO_PROJECT:
            return (
                f"The namespace {self.pod.namespace} belongs to no project of Bursar, so the pod has no quota. Create "
                "it in the namespace of a project, or have this one given to a project."
            )
        if self.reason == NO_POOL:
            return (
                f"There is no pool {self.pod.pool} in this cluster. Change the label bursar.dev/pool, or leave it out."
            )
        if self.reason == NOT_OWN:
            return "What it names as its owner is no object of its namespace. Name the object that made it, or none."
        return self.refused


class UntakenPods:
    """One watch's. Remembers those that wait."""

    def __init__(self, cluster: int) -> None:
        self.cluster = cluster
        self._left: dict[str, Untaken] = {}
        self._again_at = 0.0

    def is_due(self, now: float) -> bool:
        return bool(self._left) and now >= self._again_at

    def take_due(self, now: float) -> list[SeenPod]:
        """Pods that are to be looked at again, because something else may have changed."""
        if not self.is_due(now):
            return []
        self._again_at = now + AGAIN_SECONDS
        return [item.pod for item in self._left.values()]

    def write(self, left: Mapping[str, Untaken | None], seen: Seen, now: float) -> None:
        """`left`: pods by uid that were looked at now; why those are nobody's that are."""
        if "pods" in seen.complete:
            # Those of another watch are not known here.
            UntakenPod.objects.filter(cluster=self.cluster).delete()
            self._left = {}
        if not self._left:
            self._again_at = now + AGAIN_SECONDS
        waiting = {uid: item if item and _waits(item.pod) else None for uid, item in left.items()}
        waiting |= dict.fromkeys(seen.gone_pods)
        before = {uid: self._left.pop(uid) for uid in waiting if uid in self._left}
        self._left |= {uid: item for uid, item in waiting.items() if item is not None}
        gone = [uid for uid, item in before.items() if not _same(item, self._left.get(uid))]
        if gone:
            UntakenPod.objects.filter(cluster=self.cluster, uid__in=gone).delete()
        new = [uid for uid, item in waiting.items() if item is not None and not _same(item, before.get(uid))]
        insert_rows(UntakenPod, FIELDS, self._rows(new))

    def _rows(self, uids: Iterable[str]) -> list[tuple[object, ...]]:
        return [
            (
                self.cluster,
                uid,
                item.pod.namespace,
                clean(item.pod.name, 253),
                item.reason,
                clean(item.words(), 500),
                datetime.fromtimestamp(item.pod.created_ms / 1000, UTC),
            )
            for uid in uids
            for item in (self._left[uid],)
        ]


def _same(one: Untaken, other: Untaken | None) -> bool:
    return other is not None and (one.reason, one.words()) == (other.reason, other.words())


def _waits(pod: SeenPod) -> bool:
    return pod.phase is PodPhase.PENDING and not pod.node and not pod.deleting
