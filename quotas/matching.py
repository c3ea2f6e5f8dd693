"""Which pool a node lies in. Pure: labels and pools in, a pool out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from quotas.models import Pool


class Place(NamedTuple):
    """Where a node lies."""

    pool: Pool
    conflict: Pool | None = None
    """Another pool that matches it as well: such a node takes nothing new."""

    @property
    def ids(self) -> tuple[int, int | None]:
        return self.pool.pk, self.conflict.pk if self.conflict else None


def matches(labels: Mapping[str, str], key: str, value: str) -> bool:
    """Whether a node with these labels has this one. An empty value matches a label that is there without one."""
    return key in labels and labels[key] == value


def place_of(labels: Mapping[str, str], pools: Iterable[Pool], now: int | None = None) -> Place:
    """Where a node with these labels lies, of all the pools of its cluster; `now`: the pool (id) in which it lies.

    Pools may not overlap when they are saved, but labels change later: then the node stays where it is, or goes to the
    oldest of those that match it. Raises LookupError when there is no default pool among `pools`.
    """
    default: Pool | None = None
    matching: list[Pool] = []
    for pool in pools:
        if pool.is_default:
            default = pool
        elif matches(labels, pool.label_key, pool.label_value):
            matching.append(pool)
    if matching:
        chosen, *others = sorted(matching, key=lambda pool: (pool.pk != now, pool.pk))
        return Place(chosen, others[0] if others else None)
    if default is None:
        raise LookupError("The cluster has no default pool.")
    return Place(default)
