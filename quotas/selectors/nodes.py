"""Reads of nodes: which a person may see, who matches a label, what is in use on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest

from orgs.access import NotVisible
from orgs.models import OrgUnit
from portal.errors import Refused
from portal.node_map import Device, NodeCell
from quotas import hooks, rules
from quotas.hooks import DeviceFill
from quotas.matching import matches
from quotas.models import Node, Pool

from .pools import clusters_in_scope


def nodes_with_label(cluster: OrgUnit, key: str, value: str) -> list[Node]:
    """The cluster's present nodes with this label, by name, each with its pool.

    The database narrows them by the text of the labels, which hold nothing that JSON escapes; what is left is compared
    here. JSON paths of the databases would read keys that look like numbers as places in a list. What is no label, no
    node has: a database may refuse to look for it.
    """
    try:
        rules.label_key(key)
        rules.label_value(value)
    except Refused:
        return []
    nodes = Node.objects.filter(cluster=cluster, removed_at=None).annotate(text=Cast("labels", TextField()))
    found = nodes.filter(text__contains=f'"{key}": "{value}"').defer("taints", "conditions")
    return [node for node in found.select_related("pool").order_by("name") if matches(node.labels, key, value)]


def owners_of(nodes: Iterable[Node], cluster: OrgUnit, pool: Pool | None) -> dict[int, Pool]:
    """Node -> the pool of the cluster that matches it, of those that do and are not `pool`; the default pool left out.

    By labels and not by where it lies: a node in conflict lies in one of the pools that match it.
    """
    others = [one for one in Pool.objects.filter(cluster=cluster, is_default=False) if one != pool]
    owners = {}
    for node in nodes:
        found = [one for one in others if matches(node.labels, one.label_key, one.label_value)]
        if found:
            owners[node.pk] = min(found, key=lambda one: (one.pk != node.pool_id, one.pk))
    return owners


def nodes_in_scope(request: HttpRequest) -> QuerySet[Node]:
    """Present nodes of the clusters in which the reader may see nodes of any unit of the scope."""
    return Node.objects.filter(cluster__in=clusters_in_scope(request, "node:read"), removed_at=None)


def conflicts_in_scope(request: HttpRequest, most: int) -> list[Node]:
    """Of those nodes the first by name that two pools match, each with both pools and its labels."""
    found = nodes_in_scope(request).exclude(conflict=None).select_related("pool", "conflict")
    return list(found.order_by("name")[:most])


def node_for(request: HttpRequest, pk: int) -> Node:
    """The node, a removed one too, if the reader may see nodes of its cluster. NotVisible if not."""
    clusters = clusters_in_scope(request, "node:read")
    node = Node.objects.filter(cluster__in=clusters, pk=pk).select_related("pool", "conflict", "cluster").first()
    if node is None:
        raise NotVisible("There is no such node, or you may not see it.")
    return node


@dataclass(slots=True)
class Fill:
    """What is in use on a node."""

    devices: tuple[DeviceFill, ...] = ()
    cpu_millicores: int = 0

    @property
    def gpu_milli(self) -> int:
        return sum(device.used_milli for device in self.devices)


def fills(nodes: Iterable[int]) -> dict[int, Fill]:
    """Node -> what is in use there; one for each of `nodes`."""
    ids = list(nodes)
    devices, cores = hooks.node_fills(ids), hooks.node_cpu_used(ids)
    return {pk: Fill(devices.get(pk, ()), cores.get(pk, 0)) for pk in ids}


def node_cell(node: Node, fill: Fill, *, href: str = "", framed: bool = False) -> NodeCell:
    """The node as the node map draws it."""
    used = {device.device: device for device in fill.devices}
    return NodeCell(
        name=node.name,
        devices=tuple(_device(used.get(number)) for number in range(node.gpu_count)),
        cpu_used=fill.cpu_millicores,
        cpu_total=node.cpu_millicores,
        ready=node.state == Node.State.READY,
        note="two pools match it" if node.conflict_id else "",
        framed=framed,
        href=href,
    )


def _device(fill: DeviceFill | None) -> Device:
    return Device(fill.inside_milli, fill.over_milli) if fill else Device()
