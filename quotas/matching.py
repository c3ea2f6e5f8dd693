"""Which pool a node lies in. Pure: labels and pools in, a pool out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from quotas.models import Pool


def matches(labels: Mapping[str, str], key: str, value: str) -> bool:
    """Whether a node with these labels has this one. An empty value matches a label that is there without one."""
    return key in labels and labels[key] == value


def pool_for(labels: Mapping[str, str], pools: Iterable[Pool]) -> Pool:
    """The pool of a node with these labels, of all the pools of its cluster.

    Pools may not overlap when they are made, but labels change later: then the older pool keeps the node. Raises
    LookupError when there is no default pool among `pools`.
    """
    default: Pool | None = None
    found: Pool | None = None
    for pool in pools:
        if pool.is_default:
            default = pool
        elif matches(labels, pool.label_key, pool.label_value) and (found is None or pool.pk < found.pk):
            found = pool
    chosen = found or default
    if chosen is None:
        raise LookupError("The cluster has no default pool.")
    return chosen
