"""Which nodes lie in which pool. Callers hold the lock of the cluster."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from quotas.matching import place_of
from quotas.models import Node, Pool

_BATCH = 500


def nodes_replace(candidates: Iterable[Node], pools: Iterable[Pool]) -> None:
    """Puts every node into the pool of `pools` (its cluster's) that its labels say, and writes those that change."""
    pools = list(pools)
    changed: dict[tuple[int, int | None], list[int]] = {}
    for node in candidates:
        ids = place_of(node.labels, pools, node.pool_id).ids
        if ids != (node.pool_id, node.conflict_id):
            changed.setdefault(ids, []).append(node.pk)
    for pool, conflict in sorted(changed, key=lambda ids: (ids[0], ids[1] or 0)):
        _put(sorted(changed[pool, conflict]), pool, conflict)


def _put(nodes: Sequence[int], pool: int, conflict: int | None) -> None:
    for start in range(0, len(nodes), _BATCH):
        Node.objects.filter(pk__in=nodes[start : start + _BATCH]).update(pool_id=pool, conflict_id=conflict)
