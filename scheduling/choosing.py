"""In which of its pools a workload that waits would start at once: the assigner's choice, without a database.

What a pass gives away is taken off the room and the quotas that it looks at, so a free GPU is promised to one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from scheduling.asking import Ask, Room, Standing
from scheduling.engine.arithmetic import minus, plus
from scheduling.engine.decisions import WaitCode
from scheduling.engine.types import NOTHING, Amounts
from scheduling.forecast import Forecast, Outcome, forecast

Labels = frozenset[tuple[str, str]]
WORTH_NO_WAIT = (WaitCode.BLOCKED, WaitCode.NEVER_FITS, WaitCode.NO_MATCHING_NODE)
"""Reasons in its pool that do not pass by waiting."""
STARTS = (Outcome.NOW, Outcome.AFTER_RECLAIM)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A workload that waits."""

    id: int
    project: int
    shape: int
    """Equal for workloads that ask for the same in the same way."""
    priority: int
    created_at: datetime
    ask: Ask
    order: tuple[int, ...]
    """Its pools (ids), the most preferred first."""
    pool: int | None
    """Where it waits."""
    epoch: int
    """Of its assignment."""
    since: datetime
    """When it began to wait there."""
    moves: int
    """How often it went to a pool that it prefers less."""
    is_bound: bool = False
    """Its pods have to be in one domain of a topology: no summary tells of those, so it stays."""

    def rank(self, pool: int | None) -> int:
        """Place of the pool in the order; one that is not in it comes last."""
        return self.order.index(pool) if pool in self.order else len(self.order)


@dataclass(frozen=True, slots=True)
class Rule:
    """When another pool is tried."""

    wait: timedelta
    most_moves: int


class Choice(NamedTuple):
    """To be assigned to another pool, where it would start now, or by what is taken back for it."""

    candidate: Candidate
    pool: int
    outcome: Outcome
    before: Forecast | None
    """What was seen where it waits."""


class Stock:
    """What pools have, less what has been given away."""

    def __init__(
        self,
        rooms: Mapping[int, Room],
        chain: Callable[[int, int], Sequence[Standing]],
        matching: Mapping[Labels, Counter[int]] | None = None,
    ) -> None:
        """`chain`: how a project and the departments above it stand in a pool. `matching`: how many nodes of each pool
        have the labels that somebody asks for."""
        self.rooms = dict(rooms)
        self._chain = chain
        self._matching = matching or {}
        self._given: dict[tuple[int, int], tuple[Amounts, Amounts, int]] = {}
        """By unit and pool: all, of it what is non-preemptible, and milli-GPU above the quota of projects."""
        self._found: dict[int, dict[tuple[int, int], Forecast]] = defaultdict(dict)

    def forecast(self, item: Candidate, pool: int) -> Forecast:
        known = self._found[pool]
        key = (item.project, item.shape)
        if key not in known:
            known[key] = forecast(item.ask, self._standing(item.project, pool), self._room(item.ask, pool))
        return known[key]

    def give(self, item: Candidate, pool: int) -> None:
        """It is to start there: what it takes is not there for others any more."""
        room = self._room(item.ask, pool)
        ask = item.ask.inside(room)
        left = room.taking(ask)
        if left is None:
            short = max(ask.least.gpu_milli - room.free.gpu_milli, 0)
            free = Amounts(*(max(amount, 0) for amount in minus(room.free, ask.least)))
            left = replace(room, free=free, lent_milli=max(room.lent_milli - short, 0))
        self.rooms[pool] = left
        project, *_ = chain = self._standing(item.project, pool)
        quota = project.quota.gpu_milli or 0
        held = project.allocated.gpu_milli
        above = max(held + ask.least.gpu_milli - quota, 0) - max(held - quota, 0)
        for unit in chain:
            given, fixed, over = self._given.get((unit.id, pool), (NOTHING, NOTHING, 0))
            fixed = fixed if ask.preemptible else plus(fixed, ask.least)
            part = above if unit is not project else 0
            self._given[unit.id, pool] = plus(given, ask.least), fixed, over + part
        self._found.pop(pool, None)

    def _room(self, ask: Ask, pool: int) -> Room:
        room = self.rooms[pool]
        if not ask.node_labels:
            return room
        matching = self._matching.get(frozenset(ask.node_labels.items()), Counter())
        return replace(room, matching_nodes=matching[pool])

    def _standing(self, project: int, pool: int) -> list[Standing]:
        return [self._less(unit, pool) for unit in self._chain(project, pool)]

    def _less(self, unit: Standing, pool: int) -> Standing:
        if (unit.id, pool) not in self._given:
            return unit
        given, fixed, over = self._given[unit.id, pool]
        return replace(
            unit,
            allocated=plus(unit.allocated, given),
            non_preemptible=plus(unit.non_preemptible, fixed),
            borrowed_gpu_milli=unit.borrowed_gpu_milli + over,
        )


Seen = dict[tuple[int, int], Forecast]
"""By workload and pool."""


def choose(candidates: Iterable[Candidate], stock: Stock, rule: Rule, now: datetime) -> tuple[list[Choice], Seen]:
    """Who goes where, and what was seen for whom."""
    choices: list[Choice] = []
    seen: Seen = {}
    for item in in_turns(candidates):
        pools = [pool for pool in dict.fromkeys((*item.order, item.pool)) if pool in stock.rooms]
        found = {pool: stock.forecast(item, pool) for pool in pools if pool is not None}
        seen.update(((item.id, pool), one) for pool, one in found.items())
        target = _target(item, found, rule, now)
        if target is not None:
            before = found.get(item.pool) if item.pool is not None else None
            choices.append(Choice(item, target, found[target].outcome, before))
            stock.give(item, target)
    return choices, seen


def in_turns(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Projects take turns, the one whose first waits longest begins; inside a project priority counts, then age."""
    projects: dict[int, list[Candidate]] = defaultdict(list)
    for item in candidates:
        projects[item.project].append(item)
    turns = []
    for own in projects.values():
        own.sort(key=lambda item: (-item.priority, item.created_at, item.id))
        turns += [(turn, item.created_at, item.id, item) for turn, item in enumerate(own)]
    return [item for *_, item in sorted(turns, key=lambda turn: turn[:3])]


def _target(item: Candidate, found: Mapping[int, Forecast], rule: Rule, now: datetime) -> int | None:
    """Another pool to wait in; None: it stays."""
    here = found.get(item.pool) if item.pool is not None else None
    if item.pool is None:
        best = sorted(found, key=lambda pool: (found[pool].outcome.value, item.rank(pool)))
        return next((pool for pool in best if found[pool].outcome is Outcome.NOW), next(iter(found), None))
    is_due = now - item.since >= rule.wait or (here is not None and here.code in WORTH_NO_WAIT)
    if item.is_bound or not is_due:
        return None
    wanted = [Outcome.NOW]
    if here is None or here.outcome not in STARTS:
        wanted.append(Outcome.AFTER_RECLAIM)
    for outcome in wanted:
        for pool in item.order:
            if pool == item.pool or pool not in found or found[pool].outcome is not outcome:
                continue
            if item.rank(pool) < item.rank(item.pool) or item.moves < rule.most_moves:
                return pool
    return None
