"""Start what fits into free room, in serving order; keep room that is being freed for what fits only there."""

from __future__ import annotations

from collections.abc import Set

from . import gang
from .cycle import Cycle
from .order import Order
from .policy import allows
from .working import RESERVED, Job

NEVER = 1 << 30


def allocate(cycle: Cycle) -> None:
    """Those with reserved rooms first; then everybody, elastic workloads growing one pod at a time in competition."""
    reserving = {task.job.index: task.job for tasks in cycle.ledger.reserved_on.values() for task in tasks}
    for _, job in sorted(reserving.items()):
        _start_in_reserved(cycle, job)
    _start(cycle, frozenset())


def allocate_again(cycle: Cycle) -> None:
    """After evictions: who may start at once now, because its unit has come below a limit. Not who lost something."""
    _start(cycle, {task.job.index for task in cycle.causes}, at_once_only=True)


def _start(cycle: Cycle, without: Set[int], *, at_once_only: bool = False) -> None:
    failed = _Failed(cycle)
    order = Order(cycle.accounts, cycle.waiting, cycle.ledger)
    while not failed.is_all and (job := order.pop()):
        if job.index in without or failed.covers(job):
            continue
        mark = cycle.ledger.mark()
        is_placed = cycle.place(job, job.chunk)
        if is_placed and at_once_only and any(task.kept >= 0 for task in job.chunk):
            cycle.ledger.rollback(mark)
        elif is_placed:
            cycle.update(job)
            if job.chunk:
                order.push(job)
        elif allows(job, job.asked):
            failed.add(job)


class _Failed:
    """By request class: so many pods together found no room. Room only shrinks while starting, so nor do as many or
    more later. When that covers everybody who waits there is nothing left to try."""

    def __init__(self, cycle: Cycle) -> None:
        self.is_all = False
        self._smallest: dict[int, int] = {}
        """By class: the smallest chunk that waits, as long as it could find room."""
        self._sizes: dict[int, int] = {}
        self._remembers = not cycle.options.obvious
        if self._remembers:
            for job in cycle.waiting:
                kind, size = _class_and_size(job)
                self._smallest[kind] = min(size, self._smallest.get(kind, NEVER))

    def covers(self, job: Job) -> bool:
        if not self._remembers:
            return False
        kind, size = _class_and_size(job)
        return self._sizes.get(kind, NEVER) <= size

    def add(self, job: Job) -> None:
        kind, size = _class_and_size(job)
        if self._remembers and kind >= 0:
            self._sizes[kind] = size
            if size <= self._smallest.get(kind, NEVER):
                self._smallest.pop(kind, None)
                self.is_all = not self._smallest


def _class_and_size(job: Job) -> tuple[int, int]:
    """The request class of the chunk, where it has one only and nothing else bears on its rooms (otherwise -1), and
    its size."""
    chunk = job.chunk
    kind = chunk[0].kind
    if job.has_near or kind.rules_pods:
        return -1, 0
    for task in chunk:
        if task.kind is not kind:
            return -1, 0
    return kind.index, len(chunk)


def _start_in_reserved(cycle: Cycle, job: Job) -> None:
    """Look for rooms anew, the reserved ones among them; if there are none, or its minimum is not there, keep those."""
    kept = [task for task in job.tasks if task.state == RESERVED]
    mark = cycle.ledger.mark()
    for task in kept:
        cycle.ledger.release(task)
    if not (kept and cycle.place(job, kept) and gang.is_satisfied(job.root)):
        cycle.ledger.rollback(mark)
    cycle.update(job)
