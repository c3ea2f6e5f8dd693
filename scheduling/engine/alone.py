"""Would one workload get its place, as the pool is now, or with a remedy? Everything that is tried is taken back.

"Gets its place" means: with nobody else deciding, what the workload starts next finds room that is free or being freed,
or pods that may be moved or stopped for it, by the rules of the cycle and in its order. In the next cycle of a pool in
which nothing else waits that is what happens; where others wait, those that are served before it may take the room.
Searches for victims are shorter than those of a cycle, so that an answer comes at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from typing import NamedTuple

from .classes import RequestClass
from .consolidate import Consolidate
from .cycle import Cycle
from .preempt import Preempt
from .reclaim import Reclaim
from .remedies import (
    Remedy,
    RemedyCode,
    changed_minimum,
    changed_near,
    changed_request,
    changed_unit,
)
from .rule import Rule
from .search import Search
from .shares import divide_again
from .simulation import Solution
from .types import Placement, Request
from .victims import Batch
from .working import Account, Group, Job, Task


class Step(StrEnum):
    """What a cycle tries for a workload, in this order."""

    START = "start"
    """In room that is free, or being freed."""
    CONSOLIDATE = "consolidate"
    """By moving others."""
    RECLAIM = "reclaim"
    """By stopping what other projects hold above their entitlement."""
    PREEMPT = "preempt"
    """By stopping what has a lower priority in its project."""


STEPS = tuple(Step)
_LONG = 200
_SHORT = 100
_A_DEVICE = 8
_MOST = 1000
_NEAR = 10
"""Steps of a search for the explanation and of one for a remedy, with some more for each GPU asked for (see
`Search.steps`). Trials of work with topology take longer: so many times fewer."""
_ACTIONS = {step: step.value for step in STEPS} | {Step.START: "allocate"}
_UNIT_FIELDS = ("unit", "quota", "limit", "over_quota", "blocked", "ceiling", "is_open")


class _Look(Search):
    """Finds a solution and leaves it to be taken back, or ends after so many steps. Where nobody wants to know whom it
    takes, nobody is spared."""

    def __init__(self, cycle: Cycle, rule: Rule, job: Job, most_steps: int, *, spares: bool) -> None:
        super().__init__(cycle, rule, job)
        self._most_steps = most_steps
        self._spares = spares
        self.is_cut = False
        self.found: Solution | None = None

    def _walk(self) -> Iterator[Batch]:
        for batch in super()._walk():
            if self.steps > self._most_steps:
                self.is_cut = True
                return
            yield batch

    def _spare(self, batches: list[Batch], solution: Solution) -> Solution:
        return super()._spare(batches, solution) if self._spares else solution

    def _commit(self, solution: Solution) -> list[Account]:
        self.found = solution
        return []


class Searched(NamedTuple):
    """What a search came to."""

    solution: Solution | None
    is_cut: bool
    """It ended before everybody was looked at."""


class Answer(NamedTuple):
    """Whether a workload gets its place."""

    step: Step | None
    is_cut: bool = False
    """A search that found nothing ended before everybody was looked at."""


NO_SEARCH = Searched(None, False)


def is_on(cycle: Cycle, step: Step) -> bool:
    """Whether the cycle takes this step at all."""
    return _ACTIONS[step] in cycle.options.actions and not (step is Step.CONSOLIDATE and spreads(cycle))


def spreads(cycle: Cycle) -> bool:
    """Nothing is moved together where it is to be spread."""
    return Placement.SPREAD in (cycle.snapshot.gpu_placement, cycle.snapshot.cpu_placement)


def rule_of(cycle: Cycle, step: Step) -> Rule:
    """Whom the workload may displace; not for START."""
    if step is Step.CONSOLIDATE:
        return Consolidate(cycle)
    return Reclaim(cycle) if step is Step.RECLAIM else Preempt(cycle)


def way(cycle: Cycle, job: Job, steps: Sequence[Step] = STEPS, patience: int = 1) -> Answer:
    """The first of the steps by which the workload gets its place, as far as a short search sees, or one `patience`
    times as long."""
    most_steps, is_cut = short(job) * patience, False
    for step in steps:
        if step is Step.START:
            if starts(cycle, job):
                return Answer(step)
            continue
        searched = search(cycle, job, step, most_steps, spares=False)
        if searched.solution is not None:
            return Answer(step, is_cut)
        is_cut |= searched.is_cut
    return Answer(None, is_cut)


def long(job: Job) -> int:
    """Steps of a search that explains."""
    return _steps(job, _LONG)


def short(job: Job) -> int:
    """Steps of a search for a remedy."""
    return _steps(job, _SHORT)


def _steps(job: Job, at_least: int) -> int:
    devices = sum(task.kind.devices for task in job.chunk)
    return min(_MOST, at_least + _A_DEVICE * devices) // (_NEAR if job.has_near else 1)


def starts(cycle: Cycle, job: Job) -> bool:
    """Whether there is room that is free or being freed."""
    if not job.chunk or not is_on(cycle, Step.START):
        return False
    mark = cycle.ledger.mark()
    is_placed = cycle.place(job, job.chunk)
    cycle.ledger.rollback(mark)
    return is_placed


def search(
    cycle: Cycle, job: Job, step: Step, most_steps: int, *, spares: bool = True, in_spite_of_budgets: bool = False
) -> Searched:
    """Who would be moved or stopped; not spared who need not be, unless it `spares`. `most_steps`: as `Search.steps`
    counts them. `in_spite_of_budgets`: if no disruption budget and no bound on disturbed pods were in the way."""
    if not job.chunk or not is_on(cycle, step) or job.workload.displaces_after_ms > cycle.snapshot.now_ms:
        return NO_SEARCH
    rule = rule_of(cycle, step)
    if not rule.has_claim(job) or not cycle.is_curable(job):
        return NO_SEARCH
    mark = cycle.ledger.mark()
    look = _Look(cycle, rule, job, most_steps, spares=spares)
    if in_spite_of_budgets:
        look.ignore_budgets()
    look.run()
    cycle.ledger.rollback(mark)
    return Searched(look.found, look.is_cut)


def helps(cycle: Cycle, job: Job, remedy: Remedy, steps: Sequence[Step] = STEPS, patience: int = 1) -> Answer:
    """By which of the steps the workload gets its place with the remedy."""
    with remedied(cycle, job, remedy):
        return way(cycle, job, steps, patience)


def find(cycle: Cycle, workload: int) -> Job:
    """Raises LookupError where the snapshot does not have it."""
    for job in cycle.jobs:
        if job.workload.id == workload:
            return job
    raise LookupError(f"No workload {workload} in this snapshot.")


@contextmanager
def remedied(cycle: Cycle, job: Job, remedy: Remedy) -> Iterator[None]:
    """The cycle as if the remedy had been in its snapshot; afterwards as before. A remedy that is about the workload is
    for one of which every pod is pending. Request classes that it needs stay known to the cycle."""
    with ExitStack() as stack:
        stack.callback(cycle.update, job)
        if remedy.changes_workload:
            stack.enter_context(_changed_job(cycle, job, remedy))
        else:
            for account in job.path:
                stack.enter_context(_changed_account(account, remedy))
        with shares_divided_again(cycle, job.path):
            cycle.update(job)
            yield


@contextmanager
def shares_divided_again(cycle: Cycle, path: Sequence[Account]) -> Iterator[None]:
    """By what the units of the path ask for and are given now; afterwards as before."""
    before = divide_again(cycle.tops, path, cycle.capacity, cycle.snapshot.usage_weight_milli)
    try:
        yield
    finally:
        for was in before:
            was.restore()


@contextmanager
def _changed_account(account: Account, remedy: Remedy) -> Iterator[None]:
    kept = [(name, getattr(account, name)) for name in _UNIT_FIELDS]
    other = Account(changed_unit(account.unit, remedy), account.index, account.parent)
    for name in _UNIT_FIELDS:
        setattr(account, name, getattr(other, name))
    try:
        yield
    finally:
        for name, value in kept:
            setattr(account, name, value)


@contextmanager
def _changed_job(cycle: Cycle, job: Job, remedy: Remedy) -> Iterator[None]:
    groups = _groups(job.root)
    kept = [(group, group.minimum, group.near) for group in groups]
    kinds = [(task, task.kind) for task in job.tasks]
    was_preemptible, had_near = job.preemptible, job.has_near
    job.preemptible |= remedy.code is RemedyCode.PREEMPTIBLE
    for group in groups:
        group.near = changed_near(group.near, remedy, cycle.snapshot.topologies)
        if not group.children:
            group.minimum = changed_minimum(group.minimum, remedy)
    job.has_near = any(group.near is not None for group in groups)
    for task in job.tasks:
        request = changed_request(task.kind.request, remedy)
        if request != task.kind.request:
            _ask_for(task, _kind(cycle, request, task.kind))
    try:
        yield
    finally:
        for task, kind in kinds:
            _ask_for(task, kind)
        for group, minimum, near in kept:
            group.minimum, group.near = minimum, near
        job.preemptible, job.has_near = was_preemptible, had_near


def _groups(root: Group) -> list[Group]:
    return [root, *(inner for child in root.children for inner in _groups(child))]


def _ask_for(task: Task, kind: RequestClass) -> None:
    if kind is task.kind:
        return
    for account in task.job.path:
        for resource, (more, less) in enumerate(zip(kind.requested, task.kind.requested, strict=True)):
            account.requested[resource] += more - less
    task.kind = kind


def _kind(cycle: Cycle, request: Request, old: RequestClass) -> RequestClass:
    """The class of a request; one with the rules of the old one goes to the same nodes."""
    if request in cycle.classes or request.nodes != old.request.nodes:
        return cycle.kind(request)
    kind = RequestClass(request, len(cycle.classes), cycle.nodes.all, cycle.nodes.memories)
    kind.eligible = old.eligible
    cycle.classes[request] = kind
    return kind
