"""Judges every change of what has to add up: quotas, the tree, which nodes a pool has."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from orgs.access import may
from orgs.hooks import Gift, Verdict
from orgs.models import OrgUnit
from orgs.services.locks import cluster_locked
from portal.actor import Actor
from portal.errors import Refused
from portal.notices import notice, told
from portal.refusals import Told
from quotas.guard import Book, Excess, Key, Level, increased
from quotas.guard_words import HIDDEN, problem_words, resource_of
from quotas.selectors.guard import Books, Guard, Mode, guard_of, mode_of, pools_of, ready_in

from .finding import findings_write


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a change makes worse."""

    key: Key
    excess: Excess
    asked: int
    """Of the sum, what the units ask for that the change gives more; 0 when it lowers the ceiling instead."""
    cells: frozenset[tuple[int, int]]
    """(unit, pool) of the quotas that the change touches there."""
    unit: str
    """The name of `key.unit`, as far as who asked may know it."""
    words: str

    @property
    def field(self) -> str:
        """The column of Quota that it is about."""
        return resource_of(self.key).field


class OverSubscribed(Told, Refused):
    """The guard's refusal: all `problems`; its words are those of the first few."""

    entity = "quota"

    def __init__(self, problems: Sequence[Problem], field: str = "") -> None:
        self.problems = tuple(problems)
        words = told([problem.words for problem in problems])
        super().__init__({field: words} if field else words)
        if problems:
            self.unit, self.name = problems[0].key.unit, problems[0].unit


_open: ContextVar[tuple[int, frozenset[int] | None] | None] = ContextVar("guarded", default=None)
"""Cluster and pools (None: all) of the block around."""


@contextmanager
def guarded(
    *,
    actor: Actor,
    cluster: OrgUnit,
    pools: Collection[int] | None = None,
    field: str = "",
) -> Iterator[None]:
    """Around the writes of one change, inside its transaction: takes the cluster's lock, and judges what the whole
    block has changed when it ends.

    Enforced, a change that makes an excess larger raises OverSubscribed, so that the transaction is rolled back; where
    the guard warns, `portal.notices.notice` hears the same words. In both cases what adds up less, as much or better
    than before passes. Findings open and resolve in the same transaction.

    A block inside another that covers its pools judges nothing: put one around many services (an import, the steps of a
    wizard), and only the result counts, in whatever order it came about.

    `cluster`: it, or any unit in it. `pools`: ids of those whose quotas or nodes the block may change; None: all.
    `field`: what the refusal stands beside in a form.
    """
    locked = cluster_locked(cluster)
    own = None if pools is None else frozenset(pools)
    if _covered(locked.pk, own):
        yield
        return
    guard = guard_of(locked)
    before = Books.read(locked.pk, own) if _watches(guard) else None
    token = _open.set((locked.pk, own))
    try:
        yield
    finally:
        _open.reset(token)
    if before is not None:
        judge(actor, guard, before, before.again(), field=field)


@contextmanager
def nodes_guarded(*, actor: Actor, cluster: OrgUnit, field: str = "") -> Iterator[None]:
    """The same around writes that change which nodes lie in which pool, and no quotas but those that go with a pool.

    Looks only at pools that have other hardware then.
    """
    locked = cluster_locked(cluster)
    if _covered(locked.pk, None):
        yield
        return
    before = ready_in(locked.pk)
    yield
    guard, after = guard_of(locked), ready_in(locked.pk)
    if _watches(guard):
        now = Books.read(locked.pk, {pool for pool in before | after if before.get(pool) != after.get(pool)})
        judge(actor, guard, now.with_ready(before), now, field=field)


def unit_moving(unit: OrgUnit, new_parent: OrgUnit, actor: Actor) -> None:
    """The answer to the hook of that name: quotas go with their unit, so they count against other ceilings then."""
    guard = guard_of(new_parent.cluster or new_parent)
    if _watches(guard):
        assert unit.cluster_id is not None
        before = Books.read(unit.cluster_id, pools_of(unit))
        judge(actor, guard, before, before.moved(unit, new_parent), field="parent")


def quotas_give_verdicts(user: Any, gifts: Sequence[Gift]) -> list[Verdict]:
    """The answer to the hook of that name, from books that nobody holds still: what is given is judged once more."""
    parent = gifts[0].unit.parent if gifts else None
    if parent is None or parent.cluster is None:
        return []
    guard = guard_of(parent.cluster)
    if not _watches(guard):
        return []
    before = Books.read(parent.cluster.pk, {gift.pool for gift in gifts})
    judged = [(one, mode_of(guard, one.key)) for one in _problems(user, before, before.with_gifts(gifts))]
    return [
        Verdict(one.key.pool or 0, one.words, refused=mode == Mode.ENFORCE) for one, mode in judged if mode != Mode.OFF
    ]


def judge(actor: Actor, guard: Guard, before: Books, after: Books, *, field: str = "") -> None:
    """Refuses or warns of what `after` makes worse than `before`, and writes what is found there."""
    problems = _problems(actor.user, before, after)
    refused = [problem for problem in problems if mode_of(guard, problem.key) == Mode.ENFORCE]
    if refused:
        raise OverSubscribed(refused, field)
    for problem in problems:
        if mode_of(guard, problem.key) == Mode.WARN:
            notice(problem.words)
    findings_write(guard, after)


def _covered(cluster: int, pools: frozenset[int] | None) -> bool:
    """Whether a block around looks at all that this one would."""
    around = _open.get()
    if around is None or around[0] != cluster:
        return False
    return around[1] is None or (pools is not None and pools <= around[1])


def _watches(guard: Guard) -> bool:
    return any(watch.mode != Mode.OFF and watch.resources for watch in guard.values())


def _problems(user: Any, before: Books, after: Books) -> list[Problem]:
    worse = increased(before.excesses(), after.excesses())
    units = OrgUnit.objects.in_bulk({key.unit for key in worse})
    found = []
    for key, excess in sorted(worse.items(), key=lambda item: (item[0].resource, -item[1].over)):
        assert key.pool is not None
        now = after.by_pool[key.pool]
        # A pool that is new had no quotas before.
        old = before.by_pool.get(key.pool) or Book(key.pool, now.cluster, {}, {}, now.summed)
        asked = 0 if key.level == Level.RUNNING else _asked(key, old, now)
        unit = units[key.unit]
        name = unit.name if user is None or may(user, "read", "quota", unit) else HIDDEN
        words = problem_words(key, excess, asked=asked, unit=name, pool=after.names[key.pool])
        found.append(Problem(key, excess, asked, _cells(key, old, now), name, words))
    return found


def _asked(key: Key, old: Book, now: Book) -> int:
    """What those have now that have more than before, of what adds up to the key's sum."""
    before = old.parts(key.unit, key.resource)
    return sum(part for unit, part in now.parts(key.unit, key.resource).items() if part > before.get(unit, 0))


def _cells(key: Key, old: Book, now: Book) -> frozenset[tuple[int, int]]:
    changed = (unit for unit in {*old.quotas, *now.quotas} if old.quotas.get(unit) != now.quotas.get(unit))
    lines = {**old.paths, **now.paths}
    return frozenset((unit, now.pool) for unit in changed if key.unit in lines[unit])
