"""The lines of the Node pools page: each pool with its hardware, its state and what is in use."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from portal.node_map import NodeCell
from quotas.models import Node, Pool

from .nodes import Fill, fills, node_cell, nodes_in_scope
from .pools import NO_HARDWARE, Hardware, clusters_in_scope, hardware, pools_in_scope

DRAWN = ("name", "state", "schedulable", "gpu_count", "cpu_millicores", "pool")


@dataclass(slots=True)
class PoolLine:
    pool: Pool
    hardware: Hardware
    nodes: list[NodeCell] | None
    """For the node map; None: not for this reader."""
    used_gpu_milli: int = 0
    used_cpu_millicores: int = 0
    room_milli: int = 0
    """GPUs free together on one node that takes work; less than 1,000: of one GPU."""
    whole_node: bool = False
    """That room is all of a node."""

    @property
    def state(self) -> tuple[str, str]:
        """A word of `portal.states`, and the word that stands for it here."""
        machines = self.hardware
        lost = machines.nodes - machines.ready_nodes
        if not machines.nodes:
            return "paused", "Empty"
        if machines.cordoned == machines.ready_nodes:
            return "not ready", "Unschedulable" if machines.ready_nodes else "Not ready"
        return ("not ready", f"{lost} not ready") if lost else ("ready", "Ready")

    @property
    def cpu_only(self) -> bool:
        return bool(self.hardware.nodes) and not self.hardware.gpu_milli


def pool_lines(request: HttpRequest) -> list[PoolLine]:
    """The pools that the reader may see, with the nodes of those clusters whose nodes the reader may see."""
    pools = list(pools_in_scope(request))
    machines = hardware(pool.pk for pool in pools)
    by_pool: dict[int, list[Node]] = defaultdict(list)
    nodes = list(nodes_in_scope(request).filter(pool__in=pools).only(*DRAWN).order_by("name"))
    used = fills(node.pk for node in nodes)
    for node in nodes:
        by_pool[node.pool_id].append(node)
    shown = set(clusters_in_scope(request, "node:read").values_list("pk", flat=True))
    return [
        _line(pool, machines.get(pool.pk, NO_HARDWARE), by_pool[pool.pk], used)
        if pool.cluster_id in shown
        else PoolLine(pool, machines.get(pool.pk, NO_HARDWARE), None)
        for pool in pools
    ]


def _line(pool: Pool, machines: Hardware, nodes: list[Node], used: dict[int, Fill]) -> PoolLine:
    line = PoolLine(pool, machines, [])
    cells = []
    for node in nodes:
        fill = used[node.pk]
        cells.append(node_cell(node, fill, href=reverse("node", args=[node.pk])))
        line.used_gpu_milli += fill.gpu_milli
        line.used_cpu_millicores += fill.cpu_millicores
        if node.state == Node.State.READY and node.schedulable:
            room = _room(node, fill)
            if room > line.room_milli:
                line.room_milli, line.whole_node = room, room == node.gpu_count * 1000
    line.nodes = cells
    return line


def _room(node: Node, fill: Fill) -> int:
    """Whole GPUs that are free, or where there is none the largest free share of one; milli."""
    whole = (node.gpu_count - len(fill.devices)) * 1000
    return whole if whole > 0 else max((device.free_milli for device in fill.devices), default=0)
