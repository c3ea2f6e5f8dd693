"""Nodes as seen, into rows."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Q
from django.utils import timezone

from orgs.models import OrgUnit
from quotas.matching import place_of
from quotas.models import Node, Pool
from scheduling.clusters.seen import Seen, SeenNode

from .foreign import Foreign
from .rows import clean, insert_rows, update_rows

FIELDS = (
    "uid",
    "state",
    "schedulable",
    "gpu_type",
    "gpu_count",
    "gpu_memory_bytes",
    "cpu_millicores",
    "memory_bytes",
    "pod_slots",
    "labels",
    "taints",
    "conditions",
)
FOREIGN = ("foreign_gpu_milli", "foreign_cpu_millicores", "foreign_memory_bytes", "foreign_pods")


class NodeWriter:
    def __init__(self, cluster: int) -> None:
        self.cluster = cluster

    def write(self, seen: Seen) -> bool:
        """Whether anything was written."""
        here = Node.objects.filter(cluster=self.cluster, removed_at=None)
        has_written = bool(seen.nodes) and self._write_seen({node.name: node for node in seen.nodes})
        gone = Q(uid__in=seen.gone_nodes)
        if "nodes" in seen.complete:
            gone |= ~Q(name__in=[node.name for node in seen.nodes])
        if (seen.gone_nodes or "nodes" in seen.complete) and here.filter(gone).exists():
            self._lock()
            here.filter(gone).update(removed_at=timezone.now())
            has_written = True
        return has_written

    def _write_seen(self, nodes: Mapping[str, SeenNode]) -> bool:
        here = Node.objects.filter(cluster=self.cluster, removed_at=None)
        rows = {row[1]: row for row in here.filter(name__in=nodes).values_list("pk", "name", "pool_id", *FIELDS)}
        values = {name: _values(node) for name, node in nodes.items()}
        new = [name for name in nodes if name not in rows]
        changed = [name for name, (_, _, _, *old) in rows.items() if tuple(old) != values[name]]
        if not (new or changed):
            return False
        self._lock()
        pools = list(Pool.objects.filter(cluster=self.cluster))
        # Somebody may have saved a pool since the rows were read.
        lies_in = dict(here.filter(name__in=changed).values_list("name", "pool_id"))
        places = {name: place_of(nodes[name].labels, pools, lies_in.get(name)) for name in [*new, *changed]}
        nothing = (0,) * len(FOREIGN)
        now = timezone.now()
        insert_rows(
            Node,
            ("cluster", "name", "state_since", *FOREIGN, "pool", "conflict", *FIELDS),
            [(self.cluster, name, now, *nothing, *places[name].ids, *values[name]) for name in sorted(new)],
        )
        update_rows(
            Node,
            ("pool", "conflict", *FIELDS),
            [(rows[name][0], *places[name].ids, *values[name]) for name in changed],
        )
        state = FIELDS.index("state")
        turned = [rows[name][0] for name in changed if rows[name][3 + state] != values[name][state]]
        Node.objects.filter(pk__in=turned).update(state_since=now)
        return True

    def _lock(self) -> None:
        """Nodes add up to the capacities of their pools: the lock of everything that adds up."""
        OrgUnit.objects.select_for_update(no_key=True).get(pk=self.cluster)

    def write_foreign(self, sums: Mapping[str, Foreign]) -> bool:
        """Sets what pods of others take on these nodes, by name. Whether anything was written."""
        here = Node.objects.filter(cluster=self.cluster, removed_at=None, name__in=sums)
        rows = here.values_list("pk", "name", *FOREIGN)
        changed = [(pk, *sums[name]) for pk, name, *old in rows if tuple(old) != sums[name]]
        update_rows(Node, FOREIGN, changed)
        return bool(changed)


def _values(node: SeenNode) -> tuple[object, ...]:
    return (
        node.uid,
        Node.State.READY if node.ready else Node.State.NOT_READY,
        node.schedulable,
        clean(node.gpu_type, 80),
        node.gpu_count,
        node.gpu_memory_bytes,
        node.cpu_millicores,
        node.memory_bytes,
        node.pod_slots,
        node.labels,
        list(node.taints),
        list(node.conditions),
    )
