"""Who holds what: the only place that moves tasks, and keeps nodes, accounts and groups in step with it.

Every change is written down and can be taken back to a mark, so a search may try something and leave no trace.
"""

from __future__ import annotations

from .neighbours import Neighbours
from .nodes import Nodes
from .types import Amounts
from .working import BOUND, PENDING, RELEASING, RESERVED, Account, Job, Task

Change = tuple[int, Task, int, tuple[int, ...]]
"""The move, the task, and the room it is about."""
BIND, UNBIND, RESERVE, RELEASE, EVICT, RESTORE, WITHDRAW = range(7)


class Ledger:
    """Moves of tasks, with their inverse."""

    def __init__(self, nodes: Nodes) -> None:
        self.nodes = nodes
        self.changes: list[Change] = []
        """What was done, oldest first."""
        self.reserved_on: dict[int, set[Task]] = {}
        """Tasks with reserved rooms, by index of node."""
        self.neighbours: Neighbours | None = None
        """Where rules about other pods are in use."""
        self.touched: set[Account] = set()
        """Projects of which the holdings have changed; emptied by who keeps an order of them."""

    def bind(self, task: Task, node: int, devices: tuple[int, ...]) -> None:
        """A pending task takes free room at once."""
        nodes = self.nodes
        task.node, task.devices, task.state = node, devices, BOUND
        task.group.active += 1
        nodes.take(nodes.both, node, task.kind, devices, 1)
        self._charge(task, node, 1)
        self.changes.append((BIND, task, node, devices))

    def unbind(self, task: Task) -> None:
        """Inverse of `bind`."""
        nodes, node, devices = self.nodes, task.node, task.devices
        task.node, task.devices, task.state = -1, (), PENDING
        task.group.active -= 1
        nodes.take(nodes.both, node, task.kind, devices, -1)
        self._charge(task, node, -1)
        self.changes.append((UNBIND, task, node, devices))

    def reserve(self, task: Task, node: int, devices: tuple[int, ...]) -> None:
        """Keep room that is still being freed, for a pending task or one that is moved."""
        nodes = self.nodes
        task.kept, task.kept_devices = node, devices
        if task.state == PENDING:
            task.state = RESERVED
        task.group.active += 1
        nodes.take(nodes.only_later, node, task.kind, devices, 1)
        self.reserved_on.setdefault(node, set()).add(task)
        self._charge(task, node, 1)
        self.changes.append((RESERVE, task, node, devices))

    def release(self, task: Task) -> None:
        """Give up a reserved room."""
        nodes, node, devices = self.nodes, task.kept, task.kept_devices
        task.kept, task.kept_devices = -1, ()
        if task.state == RESERVED:
            task.state = PENDING
        task.group.active -= 1
        nodes.take(nodes.only_later, node, task.kind, devices, -1)
        self.reserved_on[node].discard(task)
        self._charge(task, node, -1)
        self.changes.append((RELEASE, task, node, devices))

    def evict(self, task: Task) -> None:
        """A bound task is being stopped: its unit is rid of it, its node not yet."""
        nodes = self.nodes
        task.state = RELEASING
        task.group.active -= 1
        nodes.take(nodes.only_later, task.node, task.kind, task.devices, -1)
        self._charge(task, task.node, -1)
        self.changes.append((EVICT, task, task.node, task.devices))

    def restore(self, task: Task) -> None:
        """A task that was to be stopped stays."""
        nodes = self.nodes
        task.state = BOUND
        task.group.active += 1
        nodes.take(nodes.only_later, task.node, task.kind, task.devices, 1)
        self._charge(task, task.node, 1)
        self.changes.append((RESTORE, task, task.node, task.devices))

    def withdraw(self, task: Task) -> None:
        """A task loses its reserved room to somebody else, and gets no other for itself in this cycle."""
        room = task.kept, task.kept_devices
        self.release(task)
        self.changes.pop()
        task.state = RELEASING
        self.changes.append((WITHDRAW, task, *room))

    def give_up(self, task: Task) -> None:
        """A bound task hangs while it is being stopped: its unit is rid of it, its room is not to be counted on. At the
        start of a cycle only, never taken back."""
        task.state = RELEASING
        task.group.active -= 1
        self._charge(task, task.node, -1)

    def take_back(self, task: Task) -> None:
        """Inverse of `give_up`."""
        task.state = BOUND
        task.group.active += 1
        self._charge(task, task.node, 1)

    def mark(self) -> int:
        return len(self.changes)

    def rollback(self, mark: int) -> None:
        """Take back everything since the mark."""
        changes = self.changes
        while len(changes) > mark:
            move, task, node, devices = changes.pop()
            if move == BIND:
                self.unbind(task)
            elif move == UNBIND:
                self.bind(task, node, devices)
            elif move == RESERVE:
                self.release(task)
            elif move == RELEASE:
                self.reserve(task, node, devices)
            elif move == EVICT:
                self.restore(task)
            elif move == RESTORE:
                self.evict(task)
            else:
                if task.node < 0:
                    task.state = PENDING
                self.reserve(task, node, devices)
            changes.pop()

    def _charge(self, task: Task, node: int, sign: int) -> None:
        kind = task.kind
        amounts = kind.amounts_on(self.nodes.all[node].device_memory_mib) if kind.by_memory else kind.amounts
        if self.neighbours is not None:
            self.neighbours.count(kind, node, sign)
        self.touched.add(task.job.account)
        charge(task.job, amounts, sign)


def charge(job: Job, amounts: Amounts, sign: int) -> None:
    """The unit of a workload and everything above it holds so much more or less."""
    gpu, cpu, memory = amounts
    if sign < 0:
        gpu, cpu, memory = -gpu, -cpu, -memory
    for account in job.path:
        account.version += 1
        held = account.held
        held[0] += gpu
        held[1] += cpu
        held[2] += memory
        if not job.preemptible:
            held = account.non_preemptible
            held[0] += gpu
            held[1] += cpu
            held[2] += memory
