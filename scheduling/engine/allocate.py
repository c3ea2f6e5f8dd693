"""Start what fits into free room, in serving order; keep room that is being freed for what fits only there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set

from . import gang
from .classes import RequestClass
from .cycle import Cycle
from .order import Order
from .policy import allows
from .working import PENDING, RESERVED, Job, Task

NEVER = 1 << 30


def allocate(cycle: Cycle) -> None:
    """Those with reserved rooms first; then everybody, elastic workloads growing one pod at a time in competition."""
    reserving = {task.job.index: task.job for tasks in cycle.ledger.reserved_on.values() for task in tasks}
    promised = {job: [task for task in job.tasks if task.state == RESERVED] for _, job in sorted(reserving.items())}
    yielding = _yielding(cycle, promised)
    for job, tasks in promised.items():
        mark = cycle.ledger.mark()
        for task in tasks:
            cycle.ledger.release(task)
        if job in yielding:
            cycle.update(job)
        else:
            _start_again(cycle, job, tasks, mark)
    if yielding:
        _start(cycle, frozenset(), only=_is_inside_quota)
        for job, kept in yielding.items():
            _start_again(cycle, job, kept, cycle.ledger.mark())
    _start(cycle, frozenset())


def allocate_again(cycle: Cycle) -> None:
    """After evictions: who may start at once now, because its unit has come below a limit. Not who lost something."""
    _start(cycle, {task.job.index for task in cycle.causes}, at_once_only=True)


def _start(
    cycle: Cycle, without: Set[int], *, at_once_only: bool = False, only: Callable[[Job], bool] | None = None
) -> None:
    failed = _Failed(cycle, at_once_only)
    order = Order(cycle.accounts, cycle.waiting, cycle.ledger)
    while not failed.is_all and (job := order.pop()):
        if job.index in without or failed.covers(job) or (only is not None and not only(job)):
            continue
        mark = cycle.ledger.mark()
        is_placed = cycle.place(job, job.chunk)
        if is_placed and at_once_only and any(task.kept >= 0 for task in job.chunk):
            cycle.ledger.rollback(mark)
            failed.add(job)
        elif is_placed:
            cycle.update(job)
            failed.started(job)
            if job.chunk:
                order.push(job)
        elif allows(job, job.asked):
            failed.add(job)


class _Failed:
    """By request class: so many pods together found no room. Room only shrinks while starting, so nor do as many or
    more later. When that covers everybody who waits there is nothing left to try."""

    def __init__(self, cycle: Cycle, at_once_only: bool) -> None:
        self._smallest: dict[int, int] = {}
        """By class: the smallest chunk that waits."""
        self._sizes: dict[int, int] = {}
        """By class: the smallest chunk that failed."""
        self._shares: set[int] = set()
        """Classes of shares that failed to start at once: a share goes beside others even if it has to wait there, so
        that may change when others start."""
        self._remembers = not cycle.options.obvious
        kinds: dict[int, RequestClass] = {}
        for job in cycle.waiting if self._remembers else ():
            number, size = job.alike
            self._smallest[number] = min(size, self._smallest.get(number, NEVER))
            kinds[number] = job.chunk[0].kind
        self._open = set(self._smallest)
        """Classes of which somebody could still start."""
        if at_once_only:
            cycle.placer.later_only = False
            for number, kind in kinds.items():
                room = cycle.placer.best(kind, cycle.allowed(kind)) if number >= 0 else None
                if number >= 0 and (room is None or not room.at_once):
                    self._add(kind, 1)
        self._at_once_only = at_once_only

    @property
    def is_all(self) -> bool:
        return self._remembers and not self._open

    def covers(self, job: Job) -> bool:
        if not self._sizes:
            return False
        number, size = job.alike
        return self._sizes.get(number, NEVER) <= size

    def add(self, job: Job) -> None:
        number, size = job.alike
        if self._remembers and number >= 0:
            self._add(job.chunk[0].kind, size)

    def _add(self, kind: RequestClass, size: int) -> None:
        self._sizes[kind.index] = size
        if kind.is_share:
            self._shares.add(kind.index)
        if size <= self._smallest[kind.index]:
            self._open.discard(kind.index)

    def started(self, job: Job) -> None:
        """It may go on with what it starts next."""
        if self._at_once_only:
            for number in self._shares:
                del self._sizes[number]
                self._open.add(number)
            self._shares.clear()
        if job.chunk and self._remembers:
            number, size = job.alike
            self._smallest[number] = min(size, self._smallest.get(number, NEVER))
            if self._sizes.get(number, NEVER) > size:
                self._open.add(number)


def _start_again(cycle: Cycle, job: Job, tasks: Sequence[Task], mark: int) -> None:
    """Look for rooms anew, those that were reserved among them; if there are none, or its minimum is not there, all is
    as it was at the mark."""
    if not (tasks and cycle.place(job, tasks) and gang.is_satisfied(job.root)):
        cycle.ledger.rollback(mark)
    cycle.update(job)


def _yielding(cycle: Cycle, promised: Mapping[Job, Sequence[Task]]) -> Mapping[Job, Sequence[Task]]:
    """Workloads of which nothing runs, and whose promised rooms are beyond their quota, while somebody inside quota
    waits: were their promises kept, what runs inside a quota would be stopped for the others."""
    if not cycle.options.promises_give_way:
        return {}
    found = {job: tasks for job, tasks in promised.items() if _only_borrows(job, tasks)}
    return found if found and any(map(_is_inside_quota, cycle.waiting)) else {}


def _only_borrows(job: Job, promised: Sequence[Task]) -> bool:
    if not job.preemptible or any(task.state not in (PENDING, RESERVED) for task in job.tasks):
        return False
    asked = gang.asked(promised)
    return any(
        more and have > bound
        for account in job.path
        for more, have, bound in zip(asked, account.held, account.quota, strict=True)
    )


def _is_inside_quota(job: Job) -> bool:
    """What it would start next stays inside the quota at every level."""
    return all(
        not more or have + more <= bound
        for account in job.path
        for more, have, bound in zip(job.asked, account.held, account.quota, strict=True)
    )
