"""The nodes of a pool as a picture of what is free."""

from __future__ import annotations

from django.urls import reverse

from portal.node_map import Device, NodeCell
from quotas.models import Node, Pool
from scheduling.answers import node_fills
from scheduling.models import Workload


def node_cells(pool: Pool, workload: Workload | None) -> list[NodeCell]:
    """Framed: the nodes the workload runs on; without one those with a free GPU. Nothing for pools without GPUs."""
    nodes = list(Node.objects.filter(pool=pool, removed_at=None, gpu_count__gt=0).order_by("name"))
    if not nodes:
        return []
    fills = node_fills([node.pk for node in nodes])
    own = set(workload.pods.values_list("node_id", flat=True)) if workload else set()
    cells = []
    for node in nodes:
        used = {fill.device: fill for fill in fills.get(node.pk, ())}
        devices = tuple(
            Device(fill.used_milli - fill.over_milli, fill.over_milli) if (fill := used.get(number)) else Device()
            for number in range(node.gpu_count)
        )
        ready = node.takes_work
        free = ready and any(not device.used for device in devices)
        framed = node.pk in own if workload else free
        href = reverse("node", args=[node.pk])
        cells.append(NodeCell(name=node.name, devices=devices, ready=ready, framed=framed, href=href))
    return cells
