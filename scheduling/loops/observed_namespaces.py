"""Namespaces of projects that went, or were given to another project, in the cluster."""

from __future__ import annotations

import math
import time

import structlog

from orgs.models import ProjectInfo
from scheduling.clusters.seen import Seen, SeenNamespace

LOST = "Its namespace was deleted in the cluster, or given to another project."
log = structlog.get_logger()


class NamespaceWriter:
    """One watch's. A project whose namespace is lost is not ready: the reconciler makes it anew, or says what to do."""

    def __init__(self, cluster: int) -> None:
        self.cluster = cluster
        self._there: dict[str, SeenNamespace] = {}
        """By uid."""
        self._applied: dict[str, float] = {}
        """When what was not seen since was applied, by name and the monotonic clock."""

    def applied(self, name: str) -> None:
        """The project has it, before it is seen."""
        self._applied[name] = time.monotonic()

    def write(self, seen: Seen) -> None:
        lost = {self._there.pop(uid).name for uid in seen.gone_namespaces if uid in self._there}
        lost |= {item.name for item in seen.namespaces if self._is_given_away(item)}
        self._there |= {item.uid: item for item in seen.namespaces}
        if "namespaces" in seen.complete:
            self._there = {item.uid: item for item in seen.namespaces}
            lost |= self._missing(seen.complete["namespaces"])
        for item in seen.namespaces:
            self._applied.pop(item.name, None)
        here = ProjectInfo.objects.filter(cluster=self.cluster)
        for restricted in (True, False):
            names = {item.name for item in seen.namespaces if item.restricted is restricted}
            if names:
                here.filter(namespace__in=names).exclude(restricted=restricted).update(restricted=restricted)
        if lost:
            ready = ProjectInfo.objects.filter(cluster=self.cluster, phase=ProjectInfo.Phase.READY, namespace__in=lost)
            if ready.update(phase=ProjectInfo.Phase.CREATING, phase_message=LOST):
                log.warning("namespaces_lost", cluster=self.cluster, namespaces=sorted(lost))

    def _is_given_away(self, item: SeenNamespace) -> bool:
        before = self._there.get(item.uid)
        return before is not None and before.project != item.project

    def _missing(self, asked_at: float) -> set[str]:
        """Names that projects have and the cluster has not, though they were applied before it was asked."""
        ready = ProjectInfo.objects.filter(cluster=self.cluster, phase=ProjectInfo.Phase.READY)
        names = set(ready.values_list("namespace", flat=True)) - {item.name for item in self._there.values()}
        return {name for name in names if self._applied.get(name, -math.inf) < asked_at}
