"""What one watch has shown so far, and how it gets into the database."""

from __future__ import annotations

import math
import time

from django.db.models import Q

from portal.services.feed import feed_tell
from scheduling.clusters.seen import OBJECTS, Seen, SeenObject
from scheduling.models import Workload

from .observed_budgets import BudgetWriter
from .observed_found import FoundWriter
from .observed_namespaces import NamespaceWriter
from .observed_nodes import NodeWriter
from .observed_pods import PodWriter, valid_uids
from .observed_workloads import write_done, write_states


class Observed:
    """Writes the batches of one watch. Remembers what has no rows of its own: objects, and pods of others."""

    def __init__(self, cluster: int) -> None:
        self.cluster = cluster
        self.objects: dict[str, SeenObject] = {}
        """By the workload's uid."""
        self.listed = False
        """All objects have been listed: one that is not known is not there."""
        self.strays: set[int] = set()
        """Workloads (ids) that were stopped and have ended, and whose objects go on: what asked for them came late."""
        self.told = 0
        """How many numbers of the change feed are its own."""
        self._applied: dict[str, float] = {}
        """When what was not seen since was applied, by the monotonic clock."""
        self.namespaces = NamespaceWriter(cluster)
        self._nodes = NodeWriter(cluster)
        self._pods = PodWriter(cluster)
        self._budgets = BudgetWriter(cluster)
        self._found = FoundWriter(cluster)

    def is_due(self) -> bool:
        """Something is to be written although nothing new was seen."""
        return self._found.is_due()

    def write(self, seen: Seen) -> None:
        """Call as the last thing of a transaction of the observer."""
        self.namespaces.write(seen)
        has_written = self._nodes.write(seen)
        seen, found, touched = self._found.adopt(seen, self.objects)
        changed = found | self._pods.write(seen) | self._budgets.write(seen)
        self._found.sweep()
        has_written |= self._nodes.write_foreign(self._pods.foreign.changes())
        uids = self._keep_objects(seen)
        changed |= write_done(seen.objects)
        if self.listed:
            looked_at = changed | touched | self._concerned(seen, uids)
            changed |= write_states(looked_at, self.objects)
            self._find_strays(uids)
        self.told += feed_tell(cluster=self.cluster, nodes=has_written, workloads=changed)

    def _concerned(self, seen: Seen, uids: set[str]) -> set[int]:
        """Workloads (ids) whose objects changed."""
        if seen.complete.keys() & OBJECTS:
            # Among them those whose objects went while nobody looked, and pods that were listed before the objects.
            here = Workload.objects.filter(cluster=self.cluster).filter(Q(is_active=True) | Q(applied=True))
            rows = here.values_list("pk", "uid", "is_active")
            return {pk for pk, uid, is_active in rows if is_active or str(uid) not in self.objects}
        return set(Workload.objects.filter(uid__in=valid_uids(uids)).values_list("pk", flat=True))

    def _find_strays(self, uids: set[str]) -> None:
        """What was found goes on as others want it."""
        going = [uid for uid in uids if (item := self.objects.get(uid)) and item.goes_on]
        if going:
            ended = Workload.objects.filter(
                uid__in=valid_uids(going), origin="", is_active=False, desired=Workload.Desired.STOPPED
            )
            self.strays |= set(ended.values_list("pk", flat=True))

    def applied(self, item: SeenObject) -> None:
        """This was just created, or goes on: it counts as there, and so, before it is seen."""
        self._applied[item.workload] = time.monotonic()
        self.objects[item.workload] = item

    def _keep_objects(self, seen: Seen) -> set[str]:
        """uids of the workloads whose objects changed."""
        items = {item.workload: item for item in seen.objects if item.workload}
        told = set(items)
        uids = told.copy()
        if seen.complete.keys() & OBJECTS:
            uids |= set(self.objects)
            self.objects = {uid: item for uid, item in self.objects.items() if not self._is_missing(item, seen)}
            self.listed = True
        # What Bursar is no longer to place is none of its workloads any more.
        gone = {*seen.gone_objects, *(item.uid for item in seen.objects if not item.workload)}
        if gone:
            uids |= {uid for uid, item in self.objects.items() if item.uid in gone}
            self.objects = {uid: item for uid, item in self.objects.items() if item.uid not in gone}
        self.objects |= items
        self._applied = {uid: at for uid, at in self._applied.items() if uid in self.objects and uid not in told}
        return uids

    def _is_missing(self, item: SeenObject, seen: Seen) -> bool:
        """Among what was listed, though it was there when the cluster was asked."""
        asked_at = seen.complete.get(item.kind)
        return asked_at is not None and self._applied.get(item.workload, -math.inf) < asked_at
