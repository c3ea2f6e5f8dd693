"""A trial: some victims are stopped, and everybody looks for room.

Whoever was stopped looks for another room, too, in serving order with the workload itself, and stays where it was if
that is where it finds one. (KAI-Scheduler, scenario simulation.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from . import gang
from .cycle import Cycle
from .order import TrialOrder
from .shares import serving_key
from .victims import Batch
from .working import BOUND, RELEASING, Account, Job, Task, fork


class Solution(NamedTuple):
    """What it takes: the tasks that find no other room, and those that move."""

    stopped: list[Batch]
    moved: list[Batch]


class Trial:
    """Trials for one workload."""

    def __init__(self, cycle: Cycle, job: Job) -> None:
        self._cycle = cycle
        self._job = job

    def run(self, chunk: Sequence[Task], batches: Sequence[Batch]) -> Solution | None:
        """Left in place if the chunk finds room; otherwise everything is as it was."""
        ledger = self._cycle.ledger
        mark = ledger.mark()
        for batch in batches:
            for task in batch.tasks:
                if task.state == BOUND:
                    ledger.evict(task)
                else:
                    ledger.withdraw(task)
        if self._replace(chunk, batches):
            return _solution(batches)
        ledger.rollback(mark)
        return None

    def _replace(self, chunk: Sequence[Task], batches: Sequence[Batch]) -> bool:
        """Rooms for the chunk and for who was stopped. False where the chunk finds none."""
        cycle = self._cycle
        if not cycle.options.obvious and self._comes_first(chunk, batches):
            if not cycle.place(self._job, chunk, later_only=True):
                return False
            kinds = {task.kind.index: task.kind for batch in batches for task in batch.tasks}
            if not any(cycle.placer.room(kind, cycle.allowed(kind)) for kind in kinds.values()):
                return True
            return self._in_turn([], {batch.job.index: batch.job for batch in batches}) is None
        return self._in_turn(chunk, {batch.job.index: batch.job for batch in batches}) is not False

    def _comes_first(self, chunk: Sequence[Task], batches: Sequence[Batch]) -> bool:
        """Whether the workload is served before everybody who was stopped, whoever else waits: it is the first of its
        project, and on each side where they branch off it comes before all of them."""
        mine = self._job
        first = self._cycle.waiting.of(mine.account)
        if self._cycle.options.trial_with_everybody or not first or first[0][2] is not mine:
            return False
        asked = gang.asked(chunk)
        seen: set[tuple[int, Sequence[int]]] = set()
        for batch in batches:
            if batch.job.account is mine.account or batch.job.has_surplus or len(batch.job.leaves) > 1:
                return False
            size = batch.job.size
            if (batch.job.account.index, size) not in seen:
                seen.add((batch.job.account.index, size))
                own, other = fork(mine.path, batch.job.path)
                if not serving_key(own, asked) < serving_key(other, size):
                    return False
        return True

    def _in_turn(self, chunk: Sequence[Task], victims: dict[int, Job]) -> bool | None:
        """In serving order, with the next few waiting workloads of the projects involved, which take no room but come
        before others. False where the chunk finds none; None where it was not looked for."""
        cycle, mine = self._cycle, self._job
        looking = {
            index: [task for task in gang.next_chunk(job, moved=True) if task.state == RELEASING]
            for index, job in victims.items()
        }
        sizes = {index: gang.asked(tasks) for index, tasks in looking.items()}
        sizes[mine.index] = gang.asked(chunk)
        entries = [(gang.job_key(job), job) for job in victims.values()]
        if chunk:
            entries.append((mine.key, mine))
        for account in self._involved(victims):
            others = 0
            for key, index, other in cycle.waiting.of(account):
                if index not in sizes:
                    entries.append((key, other))
                    others += 1
                    if others == cycle.options.trial_depth:
                        break
        order = TrialOrder(entries, lambda job: sizes.get(job.index, job.asked))
        is_in = None if not chunk else False
        while job := order.pop():
            if job is mine:
                if not cycle.place(mine, chunk, later_only=True):
                    return False
                is_in = True
            elif job.index in looking:
                tasks = looking.pop(job.index)
                if tasks:
                    cycle.place(job, tasks, later_only=True)
            if is_in is not False and not looking:
                break
        return is_in

    def _involved(self, victims: dict[int, Job]) -> list[Account]:
        if self._cycle.options.trial_with_everybody:
            return [account for account in self._cycle.accounts if not account.children]
        found = {self._job.account.index: self._job.account}
        for job in victims.values():
            found[job.account.index] = job.account
        return list(found.values())


def _solution(batches: Iterable[Batch]) -> Solution:
    stopped, moved = [], []
    for batch in batches:
        gone = [task for task in batch.tasks if task.state == RELEASING and task.kept < 0]
        if len(gone) == len(batch.tasks):
            stopped.append(batch)
            continue
        elsewhere = [task for task in batch.tasks if task.state == RELEASING and task.kept >= 0]
        if gone:
            stopped.append(Batch(batch.job, gone))
        if elsewhere:
            moved.append(Batch(batch.job, elsewhere))
    return Solution(stopped, moved)
