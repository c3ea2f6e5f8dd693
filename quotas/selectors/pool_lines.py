"""The lines of the Node pools page: each pool with its hardware, its state and what is in use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.http import HttpRequest
from django.urls import reverse

from portal.node_map import NodeCell
from quotas.models import Node, Pool

from .nodes import Fill, fills, node_cell, nodes_in_scope
from .pools import NO_HARDWARE, Hardware, clusters_in_scope, hardware, pools_in_scope

DRAWN = ("name", "state", "schedulable", "conflict", "gpu_count", "cpu_millicores", "pool")
MOST_DRAWN = 600
"""Nodes on the page that are drawn one by one, small pools first; of the other pools only what is free is told."""


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
    free: list[tuple[int, int]] = field(default_factory=list)
    """Of a pool too large to draw: free whole GPUs on a node, and how many nodes have so many; most free first."""

    @property
    def state(self) -> tuple[str, str]:
        """A word of `portal.states`, and the word that stands for it here."""
        machines = self.hardware
        lost = machines.nodes - machines.ready_nodes
        if not machines.nodes:
            return "paused", "Empty"
        if not machines.open_nodes and not machines.conflicts:
            return "not ready", "Unschedulable" if machines.ready_nodes else "Not ready"
        wrong = [f"{lost} not ready"] if lost else []
        wrong += [f"{machines.conflicts} in two pools"] if machines.conflicts else []
        return (
            ("in two pools" if machines.conflicts else "not ready", ", ".join(wrong)) if wrong else ("ready", "Ready")
        )

    @property
    def cpu_only(self) -> bool:
        return bool(self.hardware.nodes) and not self.hardware.gpu_milli


def pool_lines(request: HttpRequest) -> list[PoolLine]:
    """The pools that the reader may see, with what is in use where the reader may see nodes.

    Pools that are drawn are read node by node, the others from what their loops last published.
    """
    pools = list(pools_in_scope(request))
    machines = hardware(pool.pk for pool in pools)
    shown = set(clusters_in_scope(request, "node:read").values_list("pk", flat=True))
    drawn = _drawn([pool for pool in pools if pool.cluster_id in shown], machines)
    by_pool: dict[int, list[Node]] = defaultdict(list)
    nodes = list(nodes_in_scope(request).filter(pool__in=drawn).only(*DRAWN).order_by("name"))
    used = fills(node.pk for node in nodes)
    for node in nodes:
        by_pool[node.pool_id].append(node)
    lines = []
    for pool in pools:
        line = PoolLine(pool, machines.get(pool.pk, NO_HARDWARE), None)
        if pool.pk in drawn:
            _draw(line, by_pool[pool.pk], used)
        elif pool.cluster_id in shown:
            _sum_up(line)
        lines.append(line)
    return lines


def _drawn(pools: list[Pool], machines: Mapping[int, Hardware]) -> set[int]:
    """Pools (ids) whose nodes are drawn."""
    most = MOST_DRAWN
    sizes = sorted((machines.get(pool.pk, NO_HARDWARE).nodes, pool.pk) for pool in pools)
    chosen = set()
    for size, pool in sizes:
        most -= size
        if most < 0:
            break
        chosen.add(pool)
    return chosen


def _draw(line: PoolLine, nodes: list[Node], used: dict[int, Fill]) -> None:
    line.nodes = []
    for node in nodes:
        fill = used[node.pk]
        line.nodes.append(node_cell(node, fill, href=reverse("node", args=[node.pk])))
        line.used_gpu_milli += fill.gpu_milli
        line.used_cpu_millicores += fill.cpu_millicores
        if node.takes_work:
            room = _room(node, fill)
            if room > line.room_milli:
                line.room_milli, line.whole_node = room, room == node.gpu_count * 1000


def _room(node: Node, fill: Fill) -> int:
    """Whole GPUs that are free, or where there is none the largest free share of one; milli."""
    whole = (node.gpu_count - len(fill.devices)) * 1000
    return whole if whole > 0 else max((device.free_milli for device in fill.devices), default=0)


def _sum_up(line: PoolLine) -> None:
    line.nodes = []
    summary = getattr(line.pool, "summary", None)
    if summary is None:
        return
    line.used_gpu_milli = summary.allocated_gpu_milli
    line.used_cpu_millicores = summary.allocated_cpu_millicores
    slots = {int(free): number for free, number in summary.free_slots.items() if free.isdecimal() and number}
    line.free = sorted(slots.items(), reverse=True)
    largest = max(slots, default=0)
    line.room_milli = largest * 1000 if largest else int(summary.free_slots.get("share", 0))
