"""Who is served next.

From the top of the tree down, among siblings that have something waiting, each with the workload it would send first:
those that are not above their fair share before others, then those that stay within quota with it, then by rank, then
by the lowest dominant share with the workload, without it, then those entitled to less, then the older unit, then the
lower id. Inside a project: priority, then who lacks its minimum, then who is exactly at it, then the older workload,
then the lower id. (KAI-Scheduler, queue order and job order.)
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import heappop, heappush, heapreplace

from .ledger import Ledger
from .shares import Key, serving_key
from .working import Account, Job

Entry = tuple[Key, int, Job]
Size = tuple[int, int, int]


class Roster:
    """Workloads by project, each list in the order inside the project (`Job.key`)."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._lists: dict[int, list[Entry]] = {}
        self._entries: dict[int, Entry] = {}
        for job in jobs:
            entry = self._entries[job.index] = (job.key, job.index, job)
            self._lists.setdefault(job.account.index, []).append(entry)
        for entries in self._lists.values():
            entries.sort()

    def __iter__(self) -> Iterator[Job]:
        for entries in self._lists.values():
            for entry in entries:
                yield entry[2]

    def of(self, account: Account) -> Sequence[Entry]:
        return self._lists.get(account.index, ())

    def set(self, job: Job, is_in: bool) -> None:
        """Put the workload in with its present key, or take it out."""
        entry = self._entries.get(job.index)
        if entry is not None:
            if is_in and entry[0] == job.key:
                return
            entries = self._lists[job.account.index]
            if entries[-1] is entry:
                entries.pop()
            elif entries[0] is entry:
                del entries[0]
            else:
                del entries[bisect_left(entries, entry)]
            del self._entries[job.index]
        if is_in:
            entry = self._entries[job.index] = (job.key, job.index, job)
            insort(self._lists.setdefault(job.account.index, []), entry)


class Order:
    """Takes workloads out of a roster in the order in which they are served. Only the keys of units that have changed
    since, or whose first workload has, are worked out anew."""

    def __init__(self, accounts: Sequence[Account], roster: Roster, ledger: Ledger) -> None:
        self._roster = roster
        self._touched = ledger.touched
        self._touched.clear()
        self._waiting: dict[int, list[Entry]] = {}
        """By project of which one was taken out: what is left, the first one last."""
        self._heaps: dict[int, list[tuple[Key, int]]] = {-1: []}
        """By parent: keys of children, the best on top; those that are no longer true are passed over."""
        self._keys: dict[int, Key | None] = {}
        self._best: dict[int, Job | None] = {}
        for account in accounts:
            if account.children:
                self._heaps[account.index] = []
        for account in reversed(accounts):
            self._refresh(account)

    def pop(self) -> Job | None:
        if self._touched:
            self._catch_up()
        top = self._top(-1)
        if top is None:
            return None
        job = self._best[top]
        if job is not None:
            self._left(job.account).pop()
            self._touched.add(job.account)
        return job

    def _catch_up(self) -> None:
        above: set[Account] = set()
        if len(self._touched) == 1:
            for account in self._touched.pop().path:
                self._refresh(account)
            return
        for leaf in self._touched:
            self._refresh(leaf)
            above.update(leaf.path[1:])
        for account in sorted(above, key=_deepest_first):
            self._refresh(account)
        self._touched.clear()

    def _left(self, account: Account) -> list[Entry]:
        left = self._waiting.get(account.index)
        if left is None:
            left = self._waiting[account.index] = list(reversed(self._roster.of(account)))
        return left

    def push(self, job: Job) -> None:
        """Put it in again, with what it starts next."""
        insort(self._left(job.account), (job.key, job.index, job), key=_descending)
        self._touched.add(job.account)

    def _refresh(self, account: Account) -> None:
        index = account.index
        if account.children:
            top = self._top(index)
            best = None if top is None else self._best[top]
        else:
            left = self._waiting.get(index)
            if left is None:
                entries = self._roster.of(account)
                best = entries[0][2] if entries else None
            else:
                best = left[-1][2] if left else None
        self._best[index] = best
        key = None if best is None else serving_key(account, best.asked)
        had = self._keys.get(index)
        if key != had:
            self._keys[index] = key
            heap = self._heaps[-1 if account.parent is None else account.parent.index]
            if not (heap and heap[0][0] is had):
                if key is not None:
                    heappush(heap, (key, index))
            elif key is None:
                heappop(heap)
            else:
                heapreplace(heap, (key, index))

    def _top(self, parent: int) -> int | None:
        heap, keys = self._heaps[parent], self._keys
        while heap:
            key, index = heap[0]
            if keys[index] is key:
                return index
            heappop(heap)
        return None


class _Reversed:
    """Sorts what is larger first."""

    __slots__ = ("entry",)

    def __init__(self, entry: Entry) -> None:
        self.entry = entry

    def __lt__(self, other: _Reversed) -> bool:
        return self.entry > other.entry


_descending: Callable[[Entry], _Reversed] = _Reversed


def _deepest_first(account: Account) -> int:
    return -account.index


class TrialOrder:
    """The serving order of a few workloads, worked out anew at each step: what they hold changes all the time."""

    def __init__(self, entries: Iterable[tuple[Key, Job]], size: Callable[[Job], Size]) -> None:
        self._size = size
        self._waiting: dict[int, list[Entry]] = {}
        self._below: dict[int, dict[int, Account]] = {}
        for key, job in entries:
            if job.account.index not in self._waiting:
                for account in job.path:
                    parent = -1 if account.parent is None else account.parent.index
                    self._below.setdefault(parent, {})[account.index] = account
            self._waiting.setdefault(job.account.index, []).append((key, job.index, job))
        for waiting in self._waiting.values():
            waiting.sort(reverse=True)

    def pop(self) -> Job | None:
        best = self._best(-1)
        if best is not None:
            self._waiting[best.account.index].pop()
        return best

    def _best(self, parent: int) -> Job | None:
        found: tuple[Key, Job] | None = None
        below = self._below.get(parent, {})
        for index, account in below.items():
            job = self._best(index) if account.children else self._first(index)
            if job is None:
                continue
            if len(below) == 1:
                return job
            key = serving_key(account, self._size(job))
            if found is None or key < found[0]:
                found = (key, job)
        return found[1] if found else None

    def _first(self, index: int) -> Job | None:
        waiting = self._waiting[index]
        return waiting[-1][2] if waiting else None
