"""What a label would take and leave before a pool is saved with it."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field

from orgs.models import OrgUnit
from quotas.matching import place_of
from quotas.models import Node, Pool

from .nodes import Fill, fills, nodes_with_label, owners_of

MOST_LISTED = 100
"""Nodes that a preview names; the others it counts."""


@dataclass(slots=True)
class Group:
    """Nodes of one kind of hardware, or that come from or go to one pool."""

    name: str
    """A type of GPU, or the name of a pool; empty for nodes without GPUs."""
    nodes: int = 0
    gpus: int = 0

    def add(self, node: Node) -> None:
        self.nodes += 1
        self.gpus += node.gpu_count


@dataclass(slots=True)
class Preview:
    total: int = 0
    """Nodes with the label."""
    hardware: list[Group] = field(default_factory=list)
    rows: list[tuple[Node, Fill, Pool | None]] = field(default_factory=list)
    """The first of them, what is wrong first: with what is in use, and with the pool that has it already."""
    owners: dict[int, Pool] = field(default_factory=dict)
    """Node -> another pool that matches it: it cannot be saved so."""
    comes: list[Group] = field(default_factory=list)
    """Which pools lose nodes to this one."""
    goes: list[Group] = field(default_factory=list)
    """Which pools get nodes that leave this one."""
    ready_gpu_milli_more: int = 0
    """GPUs that this one gains on ready nodes; below 0: loses."""

    @property
    def leaving(self) -> int:
        """Nodes that leave this one."""
        return sum(group.nodes for group in self.goes)


def preview(cluster: OrgUnit, key: str, value: str, pool: Pool | None = None) -> Preview:
    """With this label on `pool`, or on a new one of the cluster. Six queries."""
    nodes = nodes_with_label(cluster, key, value)
    owners = owners_of(nodes, cluster, pool)
    listed = sorted(nodes, key=lambda node: node.pk not in owners)[:MOST_LISTED]
    used = fills(node.pk for node in listed)
    leaving = _leaving(cluster, key, value, pool) if pool is not None else []
    coming = [node for node in nodes if node.pool != pool and node.pk not in owners]
    return Preview(
        total=len(nodes),
        hardware=_groups((node, node.gpu_type or ("GPU" if node.gpu_count else "")) for node in nodes),
        rows=[(node, used[node.pk], owners.get(node.pk)) for node in listed],
        owners=owners,
        comes=_groups((node, node.pool.name) for node in coming),
        goes=_groups((node, place.name) for node, place in leaving),
        ready_gpu_milli_more=_ready_gpu_milli(coming) - _ready_gpu_milli(node for node, _ in leaving),
    )


def _ready_gpu_milli(nodes: Iterable[Node]) -> int:
    return sum(node.gpu_count * 1000 for node in nodes if node.state == Node.State.READY)


def _leaving(cluster: OrgUnit, key: str, value: str, pool: Pool) -> list[tuple[Node, Pool]]:
    """The present nodes of the pool that another label would lose, each with the pool it goes to."""
    pools = list(Pool.objects.filter(cluster=cluster).exclude(pk=pool.pk))
    changed = copy(pool)
    changed.label_key, changed.label_value = key, value
    found = []
    for node in Node.objects.filter(pool=pool, removed_at=None).order_by("name"):
        place = place_of(node.labels, [*pools, changed], pool.pk).pool
        if place != pool:
            found.append((node, place))
    return found


def emptied(pool: Pool) -> list[Group]:
    """Where the present nodes of the pool go when it is deleted."""
    pools = list(Pool.objects.filter(cluster=pool.cluster_id).exclude(pk=pool.pk))
    nodes = Node.objects.filter(pool=pool, removed_at=None).only("labels", "gpu_count", "pool")
    return _groups((node, place_of(node.labels, pools).pool.name) for node in nodes)


def _groups(nodes: Iterable[tuple[Node, str]]) -> list[Group]:
    """By name, the largest first."""
    found: dict[str, Group] = {}
    for node, name in nodes:
        found.setdefault(name, Group(name)).add(node)
    return sorted(found.values(), key=lambda group: (-group.nodes, group.name))
