"""Take back what other projects hold above their entitlement.

A workload may reclaim while its project stays within its fair share with it. The other side is judged at the level
below the common ancestor of both, before the victim goes: it must hold more than it is entitled to, or, where the
reclaiming side stays within its quota, more than its quota. A gang that straddles the line goes whole. Afterwards the
reclaiming side may not be better served than the side that gave. (KAI-Scheduler, reclaim.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .arithmetic import RESOURCES, UNLIMITED, Numbers, ratio
from .cycle import Cycle
from .decisions import EvictCode
from .displace import displace
from .gang import asked as asked_of
from .policy import stays_non_preemptible
from .promises import by_unit, less, promised_tasks
from .runtime import is_protected, keeps_protected_minimum
from .shares import exceeds, within
from .simulation import Solution
from .types import NOTHING
from .victims import Batch
from .working import Account, Job, Task, fork

_INFINITE = 1 << 200
_ONE = ratio(1, 1)


def reclaim(cycle: Cycle) -> None:
    displace(cycle, Reclaim(cycle))


class Reclaim:
    code = EvictCode.RECLAIM
    most_victims = 1 << 60

    def __init__(self, cycle: Cycle) -> None:
        self._cycle = cycle
        self._sides: dict[int, _Side] = {}
        """Of the last solution that was looked at, by the victims' projects."""
        self._promised: dict[int, list[int]] = {}
        """What earlier cycles promised, by index of the unit: that cannot go, so nothing else goes for it."""
        if cycle.options.promises_give_way:
            earlier = (task for task in promised_tasks(cycle) if task.pod.reserved_node is not None)
            self._promised = by_unit(cycle, earlier)
        self._protects = bool(cycle.snapshot.min_runtime_ms) or any(
            account.unit.reclaim_min_runtime_ms for account in cycle.accounts
        )

    def has_claim(self, job: Job) -> bool:
        """Its project stays within its fair share with it, and within quota where it may not be stopped again."""
        account = job.account
        return within(account.held, job.asked, account.fair) and (
            job.preemptible or stays_non_preemptible(account, job.asked)
        )

    def may_give(self, job: Job) -> Callable[[Account], bool]:
        """Another project; of the sides that branch off from the way up only those that could give."""
        in_quota = {mine.parent: within(mine.held, job.asked, mine.quota) for mine in job.path}

        def may(account: Account) -> bool:
            if account in job.path:
                return account is not job.account
            if account.parent not in in_quota:
                return True
            return _could_give(account, self._runs(account), job.asked, in_quota[account.parent])

        return may

    def _runs(self, account: Account) -> Sequence[int]:
        """Of what it holds."""
        promised = self._promised.get(account.index)
        return account.held if promised is None else less(account.held, promised)

    def may_go(self, job: Job) -> Callable[[Job], bool] | None:
        return (lambda other: not is_protected(self._cycle, other, job)) if self._protects else None

    def accepts(self, job: Job, chunk: Sequence[Task], solution: Solution) -> bool:
        if self._protects and not keeps_protected_minimum(self._cycle, solution, job):
            return False
        asked = asked_of(chunk)
        sizes = [asked_of(batch.tasks) for batch in solution.stopped]
        stopped = self._stopped_below(solution, sizes)
        sides: dict[int, _Side] = {}
        for batch, size in zip(solution.stopped, sizes, strict=True):
            leaf = batch.job.account
            side = sides.get(leaf.index)
            if side is None:
                mine, theirs = fork(job.path, leaf.path)
                side = next((known for known in sides.values() if known.theirs is theirs), None)
                side = sides[leaf.index] = side or _Side(mine, theirs, self._runs(theirs), stopped)
            if not side.gives(size):
                return False
        self._sides = sides
        taken = [sum(column) for column in zip(asked, *sizes, strict=True)]
        involved = [resource for resource in (0, 1, 2) if taken[resource]]
        if not all(side.stays_fair(involved) for side in sides.values()):
            return False
        return job.preemptible or all(stays_non_preemptible(account, NOTHING) for account in job.path)

    def _stopped_below(self, solution: Solution, sizes: Sequence[Sequence[int]]) -> dict[int, list[int]]:
        """What units lost, by index."""
        leaves: dict[int, tuple[Account, list[int]]] = {}
        for batch, (gpu, cpu, memory) in zip(solution.stopped, sizes, strict=True):
            account = batch.job.account
            known = leaves.get(account.index)
            if known is None:
                leaves[account.index] = (account, [gpu, cpu, memory])
            else:
                known[1][0] += gpu
                known[1][1] += cpu
                known[1][2] += memory
        found: dict[int, list[int]] = {}
        for leaf, lost in leaves.values():
            for account in leaf.path:
                own = found.setdefault(account.index, [0, 0, 0])
                for resource in (0, 1, 2):
                    own[resource] += lost[resource]
        return found

    def meter(self, job: Job) -> Callable[[Batch], bool]:
        sides: dict[int, _Side] = {}

        def could_take(batch: Batch) -> bool:
            leaf = batch.job.account
            side = sides.get(leaf.index)
            if side is None:
                mine, theirs = fork(job.path, leaf.path)
                side = next((known for known in sides.values() if known.theirs is theirs), None)
                side = sides[leaf.index] = side or _Side(mine, theirs, self._runs(theirs), {}, job.asked)
            return side.gives(asked_of(batch.tasks))

        return could_take

    def numbers(self, job: Job, victim: Job) -> Numbers:
        side = self._sides.get(victim.account.index)
        return {} if side is None else side.numbers(job.asked)


def _could_give(account: Account, runs: Sequence[int], asked: Sequence[int], in_quota: bool) -> bool:
    """More than it is entitled to; to who stays in quota, more than its quota of something asked for, or all of it."""
    if not in_quota:
        return exceeds(runs, account.entitled)
    lacks = False
    for held, quota, wanted in zip(runs, account.quota, asked, strict=True):
        if wanted and quota < UNLIMITED:
            if held > quota:
                return True
            lacks |= held < quota
    return not lacks


class _Side:
    """A unit that gives, beside the one it gives to, as both stood before anything stopped."""

    def __init__(
        self,
        mine: Account,
        theirs: Account,
        runs: Sequence[int],
        stopped: dict[int, list[int]],
        asked: Sequence[int] = NOTHING,
    ) -> None:
        """`runs`: of what `theirs` holds; `stopped`: by unit what is out already; `asked`: of the chunk, where that is
        not in yet."""
        own = [lost + more for lost, more in zip(stopped.get(mine.index, NOTHING), asked, strict=True)]
        lost = stopped.get(theirs.index, NOTHING)
        self.mine = mine
        self.theirs = theirs
        self._after = [held + more for held, more in zip(mine.held, own, strict=True)]
        """What the reclaiming side holds with the chunk."""
        self._left = [held + more for held, more in zip(runs, lost, strict=True)]
        self._held = tuple(self._left)
        self._in_quota = within(self._after, NOTHING, mine.quota)

    def numbers(self, asked: Sequence[int]) -> Numbers:
        """Of what is asked for, or else of anything, that of which it held too much."""
        floor = [
            min(pair) if self._in_quota else pair[0]
            for pair in zip(self.theirs.entitled, self.theirs.quota, strict=True)
        ]
        above = [resource for resource in (0, 1, 2) if self._held[resource] > floor[resource]]
        resource = next((resource for resource in above if asked[resource]), above[0])
        return {
            "unit": self.theirs.unit.id,
            "resource": RESOURCES[resource],
            "allocated": self._held[resource],
            "quota": self.theirs.unit.quota[resource] or 0,
            "fair_share": self.theirs.fair[resource],
        }

    def gives(self, size: Sequence[int]) -> bool:
        """Whether it may give so much, judged before it goes."""
        left = self._left
        if not exceeds(left, self.theirs.entitled) and not (self._in_quota and exceeds(left, self.theirs.quota)):
            return False
        left[0] -= size[0]
        left[1] -= size[1]
        left[2] -= size[2]
        return True

    def stays_fair(self, resources: Sequence[int]) -> bool:
        """The reclaiming side is not above its fair share and better served than the side that gave."""
        for resource in resources:
            ours = _part(self.mine.held[resource], self.mine, resource)
            others = _part(self._left[resource], self.theirs, resource)
            if ours > _ONE and self.theirs.fair[resource] > 0 and ours >= others:
                return False
        return True


def _part(held: int, account: Account, resource: int) -> int:
    fair = account.fair[resource]
    if fair:
        return ratio(held, fair)
    return _INFINITE if held > 0 else 0
