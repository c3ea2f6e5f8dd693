"""Topology: the sets of nodes in which pods that belong together may be placed, best first.

A topology's levels go from the widest (zone) to the narrowest (rack); a domain is all nodes with the same labels down
to one level. Pods with a required level all go into one domain of it; a preferred level is tried before wider ones.
Among domains of one level the one that is filled most goes first. (KAI-Scheduler, topology.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .arithmetic import ratio
from .nodes import Nodes
from .types import Near, Topology
from .working import BOUND, Group, Job, Task


@dataclass(frozen=True, slots=True)
class Domain:
    """`path`: the values of the labels from the widest level down to its own."""

    path: tuple[str, ...]
    nodes: int
    """As a bit set."""


class Domains:
    """The domains of each topology, by level."""

    def __init__(self, nodes: Nodes, topologies: Sequence[Topology]) -> None:
        self._nodes = nodes
        self._levels: dict[int, tuple[str, ...]] = {}
        self._found: dict[tuple[int, str], list[Domain]] = {}
        for topology in topologies:
            self._levels[topology.id] = topology.levels
            parts: list[dict[tuple[str, ...], int]] = [{} for _ in topology.levels]
            for index, node in enumerate(nodes.all):
                labels = dict(node.labels)
                values = [labels.get(level) for level in topology.levels]
                if None in values or not node.ready:
                    continue
                for depth in range(len(values)):
                    path = tuple(value for value in values[: depth + 1] if value is not None)
                    parts[depth][path] = parts[depth].get(path, 0) | nodes.bit[index]
            for level, found in zip(topology.levels, parts, strict=True):
                self._found[topology.id, level] = [Domain(path, found[path]) for path in sorted(found)]

    def choices(self, group: Group, job: Job, tasks: Sequence[Task], mask: int) -> Iterator[tuple[int, list[int]]]:
        """Sets of nodes to try for the tasks, each with the parts of it to prefer, best first."""
        near = group.near
        if near is None or near.topology not in self._levels:
            yield mask, []
            return
        ranked = self._preferred(near, tasks, mask)
        for domain in self._fitting(near, group, tasks, mask):
            yield domain & mask, ranked

    def _fitting(self, near: Near, group: Group, tasks: Sequence[Task], mask: int) -> Iterator[int]:
        levels = self._levels[near.topology]
        required = levels.index(near.required) if near.required in levels else -1
        preferred = levels.index(near.preferred) if near.preferred in levels else required
        home = self._home(near, group) if required >= 0 else -1
        for depth in range(max(preferred, required), required - 1, -1):
            if depth < 0:
                break
            fitting = []
            for domain in self._found[near.topology, levels[depth]]:
                part = domain.nodes & mask & home
                if part and self.slots(tasks, part) >= len(tasks):
                    fitting.append((-self._fill(tasks, part), domain.path, part))
            for _, _, part in sorted(fitting):
                yield part
        if required < 0:
            yield mask

    def _home(self, near: Near, group: Group) -> int:
        """The required domain in which the group runs already, else everything."""
        running = [task for task in _tasks(group) if task.state == BOUND or task.kept >= 0]
        for task in running:
            node = task.kept if task.kept >= 0 else task.node
            for domain in self._found[near.topology, near.required or ""]:
                if domain.nodes & self._nodes.bit[node]:
                    return domain.nodes
        return -1

    def room(self, near: Near, tasks: Sequence[Task], mask: int) -> list[int]:
        """How many of the tasks each domain of the required level has room for."""
        found = self._found.get((near.topology, near.required or ""), [])
        return [self.slots(tasks, domain.nodes & mask) for domain in found]

    def slots(self, tasks: Sequence[Task], part: int) -> int:
        """How many of the tasks, all as large as the largest, find room on these nodes."""
        later, count, wanted = self._nodes.later, 0, len(tasks)
        devices = max(task.kind.devices if task.kind.is_whole else 0 for task in tasks)
        cpu = max(task.kind.cpu for task in tasks)
        memory = max(task.kind.memory for task in tasks)
        if devices:
            part &= later.with_whole(devices)
        while part and count < wanted:
            low = part & -part
            part ^= low
            index = low.bit_length() - 1
            room = [later.slots[index]]
            if devices:
                room.append(later.whole[index] // devices)
            if cpu:
                room.append(later.cpu[index] // cpu)
            if memory:
                room.append(later.memory[index] // memory)
            count += max(0, min(room))
        return count

    def _fill(self, tasks: Sequence[Task], part: int) -> int:
        """The largest part that the tasks would take of what is free there in any resource."""
        asked, free = [0, 0, 0], [0, 0, 0]
        for task in tasks:
            asked[0] += task.kind.amounts[0]
            asked[1] += task.kind.cpu
            asked[2] += task.kind.memory
        later = self._nodes.later
        while part:
            low = part & -part
            part ^= low
            index = low.bit_length() - 1
            free[0] += later.whole[index] * 1000
            free[1] += later.cpu[index]
            free[2] += later.memory[index]
        return max(ratio(need, have) if have > 0 else 0 for need, have in zip(asked, free, strict=True))

    def _preferred(self, near: Near, tasks: Sequence[Task], mask: int) -> list[int]:
        """Domains of the preferred level, those with the most room first."""
        if near.preferred not in self._levels[near.topology]:
            return []
        domains = [
            (-self._fill(tasks, domain.nodes & mask), domain.path, domain.nodes)
            for domain in self._found[near.topology, near.preferred]
            if domain.nodes & mask
        ]
        return [nodes for _, _, nodes in sorted(domains, reverse=True)]


def _tasks(group: Group) -> Sequence[Task]:
    return group.tasks if not group.children else [task for child in group.children for task in _tasks(child)]
