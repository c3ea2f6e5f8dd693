"""Rooms for the pods of one workload together, or for none of them."""

from __future__ import annotations

from collections.abc import Sequence

from . import gang
from .ledger import BIND, Change
from .placement import Room
from .policy import allows
from .state import State
from .types import PodState
from .working import BOUND, RELEASING, Group, Job, Task


class Rooms:
    """Places tasks on the nodes of a state."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.ledger = state.ledger
        self.nodes = state.nodes
        self.placer = state.placer
        self.domains = state.domains
        self._reserved_some = False
        self._newest: Change | None = None
        """The change that took a room at once; as long as it is the ledger's last, these two are true:"""
        self._newest_mask = 0
        """The nodes on which that room was looked for."""
        self._newest_room: Room | None = None

    def place(self, job: Job, tasks: Sequence[Task], *, later_only: bool = False) -> bool:
        """Find rooms for all the tasks together, and take them; otherwise nothing has changed.

        A room that is not free yet is reserved; where the minimum of a sub-group cannot start at once nothing of the
        workload starts: all is reserved. `later_only`: everything is only reserved.
        """
        if not allows(job, gang.asked(tasks)):
            return False
        mark = self.ledger.mark()
        self.placer.later_only = later_only
        self._reserved_some = False
        if job.has_near:
            is_placed = self._place_in(job.root, job, tasks, self.nodes.ready, (), later_only)
        else:
            is_placed = self._place_each(tasks, self.nodes.ready, (), later_only)
        if not is_placed:
            self.ledger.rollback(mark)
            return False
        if not later_only and (self._reserved_some or len(tasks) < len(job.tasks)):
            self.hold_together(job)
        return True

    def _place_in(
        self, group: Group, job: Job, tasks: Sequence[Task], mask: int, ranked: Sequence[int], later_only: bool
    ) -> bool:
        """The tasks of a group or set, inside one of the sets of nodes that its topology allows."""
        for part, order in self.domains.choices(group, job, tasks, mask):
            mark = self.ledger.mark()
            if self._place_children(group, job, tasks, part, order or ranked, later_only):
                return True
            self.ledger.rollback(mark)
        return False

    def _place_children(
        self, group: Group, job: Job, tasks: Sequence[Task], mask: int, ranked: Sequence[int], later_only: bool
    ) -> bool:
        if not group.children:
            return self._place_each(tasks, mask, ranked, later_only)
        for child in group.children:
            mine = [task for task in tasks if gang.is_inside(task.group, child)]
            if mine and not self._place_in(child, job, mine, mask, ranked, later_only):
                return False
        return True

    def _place_each(self, tasks: Sequence[Task], mask: int, ranked: Sequence[int], later_only: bool) -> bool:
        placer, ledger = self.placer, self.ledger
        kind, room = tasks[0].kind, None
        if len(tasks) > 1 and any(task.kind is not kind for task in tasks):
            tasks = sorted(tasks, key=_largest_first)
        is_plain = not ranked and not later_only
        newest = self._newest
        if is_plain and newest is not None and ledger.changes and ledger.changes[-1] is newest:
            # What was started last took the best room there was, so the best may be beside it.
            kind = newest[1].kind
            room = self._newest_room if mask == self._newest_mask else None
        for task in tasks:
            if task.kind is not kind or ledger.neighbours is not None:
                kind, room = task.kind, None
            if room is not None:
                room = placer.beside(kind, room)
            if room is None:
                room = placer.room(kind, mask & self._state.allowed(kind), ranked)
                if room is None:
                    return False
            node, devices, at_once = room
            if kind.by_memory and not allows(task.job, kind.amounts_on(self.nodes.all[node].device_memory_mib)):
                return False
            if at_once and not later_only:
                ledger.bind(task, node, devices)
            elif not (task.state == RELEASING and node == task.node and self._stay(task, devices)):
                ledger.reserve(task, node, devices)
                self._reserved_some = True
        if is_plain and ledger.changes[-1][0] == BIND:
            self._newest, self._newest_mask, self._newest_room = ledger.changes[-1], mask, room
        return True

    def _stay(self, task: Task, devices: tuple[int, ...]) -> bool:
        """A task that was to be stopped keeps its room; who was promised its devices gets those it was to move to. A
        share of a device that others were promised goes to the other device instead."""
        ledger, free = self.ledger, self.nodes.later.devices[task.node]
        share = task.kind.shares[self.nodes.kind[task.node]] if task.kind.is_share else self.nodes.unit[task.node]
        lost = [device for device in task.devices if free[device] < share]
        if task.kind.is_share:
            if devices != task.devices:
                return False
            lost = []
        swap = dict(zip(lost, (device for device in devices if device not in task.devices), strict=False))
        moved = sorted(
            (
                other
                for other in ledger.reserved_on.get(task.node, ())
                if not swap.keys().isdisjoint(other.kept_devices)
            ),
            key=lambda other: other.pod.id,
        )
        rooms = [tuple(sorted(swap.get(device, device) for device in other.kept_devices)) for other in moved]
        for other in moved:
            ledger.release(other)
        ledger.restore(task)
        for other, room in zip(moved, rooms, strict=True):
            ledger.reserve(other, task.node, room)
        return True

    def hold_together(self, job: Job) -> None:
        """Where a sub-group's minimum would start only in part, what starts in this cycle is reserved instead."""
        ledger = self.ledger
        for group in job.leaves:
            reserved = any(task.kept >= 0 for task in group.tasks)
            if reserved and sum(task.state == BOUND for task in group.tasks) < group.minimum:
                break
        else:
            return
        for task in job.tasks:
            if task.state == BOUND and task.pod.state is PodState.PENDING:
                node, devices = task.node, task.devices
                ledger.unbind(task)
                ledger.reserve(task, node, devices)


def _largest_first(task: Task) -> tuple[int, int, int]:
    gpu, cpu, memory = task.kind.amounts
    return -gpu, -cpu, -memory
