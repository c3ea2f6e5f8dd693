"""Which nodes lie in which pool. Callers hold the lock of the cluster."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from quotas.matching import pool_for
from quotas.models import Node, Pool

_BATCH = 500


def nodes_replace(candidates: Iterable[Node], pools: Iterable[Pool]) -> None:
    """Puts every node into the pool of `pools` (its cluster's) that its labels say, and writes those that move."""
    pools = list(pools)
    moved: dict[int, list[int]] = {}
    for node in candidates:
        pool = pool_for(node.labels, pools)
        if pool.pk != node.pool_id:
            moved.setdefault(pool.pk, []).append(node.pk)
    for pool_id in sorted(moved):
        _move(sorted(moved[pool_id]), pool_id)


def _move(nodes: Sequence[int], pool_id: int) -> None:
    for start in range(0, len(nodes), _BATCH):
        Node.objects.filter(pk__in=nodes[start : start + _BATCH]).update(pool_id=pool_id)
