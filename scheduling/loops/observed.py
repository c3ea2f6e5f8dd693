"""What one watch has shown so far, and how it gets into the database."""

from __future__ import annotations

import time
from dataclasses import replace

from portal.services.feed import feed_tell
from scheduling.clusters.gateway import OBJECTS, ObjectState, Seen, SeenObject, WorkloadKey
from scheduling.models import Workload

from .observed_budgets import BudgetWriter
from .observed_nodes import NodeWriter
from .observed_pods import PodWriter, valid_uids
from .observed_workloads import write_states

APPLIED_SECONDS = 30.0
"""How long a listing may lag behind what was applied."""


class Observed:
    """Writes the batches of one watch. Remembers what has no rows of its own: objects, and pods of others."""

    def __init__(self, cluster: int) -> None:
        self.cluster = cluster
        self.objects: dict[str, SeenObject] = {}
        """By the workload's uid."""
        self.listed = False
        """All objects have been listed: one that is not known is not there."""
        self._applied: dict[str, float] = {}
        self._nodes = NodeWriter(cluster)
        self._pods = PodWriter(cluster)
        self._budgets = BudgetWriter(cluster)

    def write(self, seen: Seen) -> None:
        """Call as the last thing of a transaction of the observer."""
        has_written = self._nodes.write(seen)
        changed = self._pods.write(seen) | self._budgets.write(seen)
        has_written |= self._nodes.write_foreign(self._pods.foreign.changes())
        uids = self._keep_objects(seen)
        if self.listed:
            looked_at = changed | self._concerned(seen, uids)
            changed |= write_states(looked_at, self.objects)
        feed_tell(cluster=self.cluster, nodes=has_written, workloads=changed)

    def _concerned(self, seen: Seen, uids: set[str]) -> set[int]:
        """Workloads (ids) whose objects changed."""
        if seen.complete & OBJECTS:
            # Among them those whose objects went while nobody looked, and pods that were listed before the objects.
            return set(Workload.objects.filter(cluster=self.cluster, is_active=True).values_list("pk", flat=True))
        return set(Workload.objects.filter(uid__in=valid_uids(uids)).values_list("pk", flat=True))

    def applied(self, workload: WorkloadKey) -> None:
        """The workload's object was just created, or goes on: it counts as there, and so, before it is seen."""
        uid = workload.uid
        self._applied[uid] = time.monotonic()
        made = SeenObject("", workload.name, workload.namespace, uid, ObjectState.ACTIVE)
        self.objects[uid] = replace(self.objects.get(uid, made), stopped=False)

    def _keep_objects(self, seen: Seen) -> set[str]:
        """uids of the workloads whose objects changed."""
        uids = {item.workload for item in seen.objects}
        listed = seen.complete & OBJECTS
        if listed:
            recent = time.monotonic() - APPLIED_SECONDS
            self._applied = {uid: at for uid, at in self._applied.items() if at > recent}
            kept = {uid for uid, item in self.objects.items() if item.kind and item.kind not in listed}
            kept |= set(self._applied)
            uids |= set(self.objects)
            self.objects = {uid: item for uid, item in self.objects.items() if uid in kept}
            self.listed = True
        gone = set(seen.gone_objects)
        if gone:
            uids |= {uid for uid, item in self.objects.items() if item.uid in gone}
            self.objects = {uid: item for uid, item in self.objects.items() if item.uid not in gone}
        self.objects |= {item.workload: item for item in seen.objects}
        return uids
