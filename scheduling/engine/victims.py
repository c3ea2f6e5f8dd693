"""Who gives next: the reverse of the serving order.

From the top of the tree down, the side that is served best gives first, its dominant share taken as if what it gave so
far, and what it gives next, were gone; inside a project the lowest priority, then what is above its minimum, then the
newest. An elastic workload gives one pod at a time while it is above its minimum. (KAI-Scheduler, victims queue.)
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Sequence
from typing import NamedTuple

from . import gang
from .order import Entry, Roster, Size
from .shares import Key, serving_key
from .types import NOTHING
from .working import Account, Job, Task


class Batch(NamedTuple):
    """Tasks of one workload that go together."""

    job: Job
    tasks: Sequence[Task]


First = tuple[Job, Size]
Known = dict[int, tuple[int, First | None, Key | None]]
"""By unit: its version when it was worked out, what it gives first while nothing has been taken, and its key then."""


class Victims:
    """One walk through the victims of one workload."""

    def __init__(
        self,
        job: Job,
        tops: list[Account],
        roster: Roster,
        may_give: Callable[[Account], bool],
        may_go: Callable[[Job], bool] | None,
        known: Known | None,
    ) -> None:
        """`may_give`: whether a unit is asked at all, given that its parent is. `may_go`: whether a workload may (None:
        all may). `known` is kept from walk to walk; None = work everything out."""
        self._path = job.path
        self._tops = tops
        self._roster = roster
        self._may_give = may_give
        self._may_go = may_go
        self._known = known if may_go is None else None
        self._allowed: dict[int, bool] = {}
        self._cursor: dict[int, int] = {}
        """By project: how many of its workloads have not given yet."""
        self._again: dict[int, list[tuple[Entry, Size]]] = {}
        """By project: elastic workloads that have given and have more to give, the next one last."""
        self._given: dict[int, list[int]] = {}
        self._taken: dict[int, set[Task]] = {}
        self._firsts: dict[int, First | None] = {}
        self._keys: dict[int, Key] = {}
        self._only: Account | None = None
        """The only project that has anything to give, once that is known: nobody needs to be compared any more."""
        self._has_compared = False

    def next(self) -> Batch | None:
        if self._only is not None:
            first = self._work_out(self._only)
        else:
            self._has_compared = False
            first = self._first_among(self._tops)
            if first is not None and not self._has_compared:
                self._only = first[0].account
        return None if first is None else self._take(*first)

    def _take(self, job: Job, size: Size) -> Batch:
        index = job.account.index
        again = self._again.get(index)
        if again and again[-1][0][2] is job:
            again.pop()
        else:
            self._cursor[index] = self._left(job.account) - 1
        for account in job.path if self._only is None else ():
            given = self._given.setdefault(account.index, [0, 0, 0])
            given[0] += size[0]
            given[1] += size[1]
            given[2] += size[2]
            self._firsts.pop(account.index, None)
            self._keys.pop(account.index, None)
        if not job.has_surplus:
            return Batch(job, job.active)
        taken = self._taken.setdefault(job.index, set())
        tasks, more = gang.next_victims(job, taken)
        taken.update(tasks)
        if more:
            rest = [task for task in job.active if task not in taken]
            insort(self._again.setdefault(index, []), ((gang.job_key(job, taken), job.index, job), gang.asked(rest)))
        return Batch(job, tasks)

    def _first_among(self, siblings: list[Account]) -> First | None:
        """Of the sides that have something to give, what the best served one gives."""
        giving: list[tuple[Account, First, Key | None]] = []
        known: Known = self._known or {}
        for account in siblings:
            was = known.get(account.index)
            if was is not None and was[0] == account.version and self._is_untouched(account):
                first, key = was[1], was[2]
                self._has_compared |= bool(account.children)
            else:
                first, key = self._first(account), None
            if first is not None:
                giving.append((account, first, key))
        if len(giving) == 1:
            return giving[0][1] if self._is_asked(giving[0][0]) else None
        self._has_compared = True
        found: First | None = None
        best: Key | None = None
        for account, first, key in giving:
            if key is None:
                key = self._key(account)
            if (best is None or key > best) and self._is_asked(account):
                found, best = first, key
        return found

    def _is_untouched(self, account: Account) -> bool:
        """It has not given yet, and is not one of the workload's own."""
        return account.index not in self._given and account not in self._path

    def _is_asked(self, account: Account) -> bool:
        allowed = self._allowed.get(account.index)
        if allowed is None:
            allowed = self._allowed[account.index] = self._may_give(account)
        return allowed

    def _key(self, account: Account) -> Key:
        key = self._keys.get(account.index)
        if key is None:
            first = self._firsts[account.index]
            size = NOTHING if first is None else first[1]
            given = self._given.get(account.index, NOTHING)
            gone = (given[0] + size[0], given[1] + size[1], given[2] + size[2])
            key = self._keys[account.index] = serving_key(account, NOTHING, gone)
        return key

    def _first(self, account: Account) -> First | None:
        """What a unit gives first."""
        index = account.index
        if index in self._firsts:
            return self._firsts[index]
        known = self._known
        first = self._firsts[index] = self._work_out(account)
        if known is not None and self._is_untouched(account):
            known[index] = (account.version, first, None if first is None else self._key(account))
        return first

    def _work_out(self, account: Account) -> First | None:
        if account.children:
            return self._first_among(account.children)
        entries, left = self._roster.of(account), self._left(account)
        if self._may_go is not None:
            while left and not self._may_go(entries[left - 1][2]):
                left -= 1
            self._cursor[account.index] = left
        again = self._again.get(account.index)
        if again and (not left or again[-1][0] > entries[left - 1]):
            return again[-1][0][2], again[-1][1]
        return (entries[left - 1][2], entries[left - 1][2].size) if left else None

    def _left(self, account: Account) -> int:
        left = self._cursor.get(account.index)
        return len(self._roster.of(account)) if left is None else left


def where(task: Task) -> int:
    """The node whose room a task would give up."""
    return task.kept if task.kept >= 0 else task.node
