"""Lets the workloads that wait look for victims under a rule, one after the other in serving order."""

from __future__ import annotations

from .cycle import Cycle
from .disruption import is_used_up, overrides
from .order import Order
from .rule import Rule
from .search import Search
from .working import Account, Job

Shape = tuple[int, ...]


def displace(cycle: Cycle, rule: Rule) -> None:
    """Until nobody is left who could. The steps of all searches together have a bound, and so may have the pods that
    they disturb: who is not reached before is named in `cycle.not_searched`, and comes first in the next cycle."""
    steps = 0
    for are_first in (True, False) if cycle.search_first else (False,):
        hopes = _Hopes(cycle, rule, are_first)
        order = Order(cycle.accounts, cycle.waiting, cycle.ledger)
        is_over = steps >= cycle.options.search_steps or is_used_up(cycle)
        while hopes.are_left and not is_over and (job := order.pop()):
            if not hopes.take(job):
                continue
            search = Search(cycle, rule, job)
            losers = search.run()
            steps += search.steps
            if losers is None:
                hopes.give_up(job)
            else:
                hopes.renew(losers)
            is_over = steps >= cycle.options.search_steps or is_used_up(cycle)
        if is_over:
            cycle.not_searched += hopes.left()


class _Hopes:
    """Who could still get something: workloads with a claim of which no equal has failed since somebody succeeded.

    Looking at the others would change nothing, so when none is left all are done. The obvious engine looks at all.
    """

    def __init__(self, cycle: Cycle, rule: Rule, are_first: bool) -> None:
        self._cycle = cycle
        self._rule = rule
        self._are_first = are_first
        self._remembers = not cycle.options.obvious
        self._popped: set[int] = set()
        self._alive: dict[Shape, set[int]] = {}
        """Workloads with a claim by shape."""
        self._dormant: dict[Shape, set[int]] = {}
        """Shapes that found nothing since the last success."""
        if self._remembers:
            for job in cycle.waiting:
                if self._may_hope(job):
                    self._alive.setdefault(self._shape(job), set()).add(job.index)

    @property
    def are_left(self) -> bool:
        return bool(self._alive) or not self._remembers

    def left(self) -> list[Job]:
        """Whose turn did not come, in the order of the snapshot."""
        return [job for job in self._cycle.jobs if job.index not in self._popped and self._may_hope(job)]

    def take(self, job: Job) -> bool:
        """It is its turn: whether it is to search."""
        self._popped.add(job.index)
        if self._remembers:
            shape = self._shape(job)
            for table in (self._alive, self._dormant):
                equals = table.get(shape)
                if equals is not None:
                    equals.discard(job.index)
                    if not equals and table is self._alive:
                        del table[shape]
            if shape in self._dormant:
                return False
        return self._may_hope(job)

    def give_up(self, job: Job) -> None:
        """It found nothing, so its equals will not either."""
        if self._remembers and not job.has_near:
            shape = self._shape(job)
            self._dormant[shape] = self._alive.pop(shape, set())

    def renew(self, losers: list[Account]) -> None:
        """Somebody got something: everybody may hope again, and those of the projects that lost something anew."""
        if not self._remembers:
            return
        for shape, equals in self._dormant.items():
            if equals:
                self._alive.setdefault(shape, set()).update(equals)
        self._dormant.clear()
        for account in losers:
            for _, index, job in self._cycle.waiting.of(account):
                if index not in self._popped and self._may_hope(job):
                    self._alive.setdefault(self._shape(job), set()).add(index)

    def _may_hope(self, job: Job) -> bool:
        cycle = self._cycle
        return (
            bool(job.chunk)
            and job.workload.displaces_after_ms <= cycle.snapshot.now_ms
            and (not cycle.search_first or (job.workload.id in cycle.search_first) == self._are_first)
            and self._rule.has_claim(job)
            and cycle.is_curable(job)
        )

    def _shape(self, job: Job) -> Shape:
        """Workloads of one shape meet the same fate while nothing changes."""
        does_override = overrides(self._cycle, job, self._rule.code)
        return (job.account.index, job.preemptible, job.priority, does_override, *job.shape)
