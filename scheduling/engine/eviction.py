"""The search for pods to stop so that a workload can start, shared by reclaim and preemption.

Victims are taken in the order of the rule until the whole chunk fits; then those are spared that are not needed. The
chunk starts at once where it can (nothing but a bound of its unit was in the way), otherwise the rooms are reserved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from .arithmetic import Numbers
from .cycle import Cycle
from .decisions import EvictCode
from .gang import Chunk
from .ledger import Ledger, Room
from .order import Queue
from .placement import fit
from .policy import refusal
from .types import Workload
from .victims import Victim, VictimsByUnit, victims_by_unit


class Rule(Protocol):
    """Whom a workload may displace, judged by the state of the ledger with the victims taken so far."""

    code: EvictCode

    @property
    def may_reserve(self) -> bool:
        """Whether room that is being freed anyway may be reserved without evicting anybody."""

    def next(self) -> Victim | None:
        """The victim to take next."""

    def grounds(self, victim: Victim) -> Numbers | None:
        """Why the victim may be taken now; None = it may not."""


def displace(cycle: Cycle, rule_for: Callable[[Workload, Chunk, VictimsByUnit], Rule | None]) -> None:
    """Let every waiting workload, in serving order, look for victims under its rule (None: it has no claim)."""
    queue = Queue(cycle.standing, cycle.snapshot.workloads)
    failed: set[tuple[object, ...]] = set()
    candidates = victims_by_unit(cycle)
    while head := queue.pop():
        workload, chunk = head
        shape = cycle.shape(workload, chunk)
        if workload.id in cycle.disturbed or shape in failed or _victims_are_stopping(cycle, chunk):
            continue
        kept = cycle.set_aside(chunk)
        rule = rule_for(workload, chunk, candidates)
        victims = _Search(cycle, workload, chunk, rule).run() if rule else None
        if rule is None or victims is None or not (victims or rule.may_reserve):
            cycle.keep(kept)
            failed.add(shape)
        else:
            _carry_out(cycle, workload, chunk, rule, victims)
            failed.clear()
            candidates = victims_by_unit(cycle)


def _victims_are_stopping(cycle: Cycle, chunk: Chunk) -> bool:
    """Room is reserved for it and still occupied: nobody else is to be stopped for it."""
    nodes = {cycle.ledger.reserved[pod].node for pod in chunk.pods if pod in cycle.ledger.reserved}
    return any(room.node in nodes for room in cycle.ledger.stopping.values())


def _carry_out(cycle: Cycle, workload: Workload, chunk: Chunk, rule: Rule, victims: Sequence[Victim]) -> None:
    for victim in victims:
        pods = [pod for pod in victim.pods if pod in cycle.ledger.bound]
        cycle.evict(victim.workload, pods, rule.code, workload, rule.grounds(victim) or {})
    rooms = fit(cycle.ledger, cycle.snapshot, chunk.pods, now=True, preferred={})
    if rooms is not None:
        cycle.place(workload, rooms)
    else:
        cycle.reserve(workload, fit(cycle.ledger, cycle.snapshot, chunk.pods, now=False, preferred={}) or {})


class _Search:
    """Takes victims on the ledger to try, and leaves it as it was found."""

    def __init__(self, cycle: Cycle, workload: Workload, chunk: Chunk, rule: Rule) -> None:
        self._cycle = cycle
        self._workload = workload
        self._chunk = chunk
        self._rule = rule
        self._gone: set[int] = set()

    def run(self) -> list[Victim] | None:
        """The victims needed, in order; empty where it fits without any, None where nobody's going would help."""
        try:
            return [] if self._rooms_without([]) is not None else self._fewest()
        finally:
            self._let_go([])

    def _fewest(self) -> list[Victim] | None:
        """The first victims in the order of the rule, so many that it fits, less those that are not needed."""
        victims: list[Victim] = []
        too_few, probe = 0, 1
        while victim := self._rule.next():
            victims.append(victim)
            self._gone.update(_stop(self._cycle.ledger, victim))
            if len(victims) == probe:
                if self._rooms() is not None:
                    break
                too_few, probe = probe, 2 * probe
        if not victims or self._rooms() is None:
            return None
        enough = len(victims)
        while too_few + 1 < enough:
            middle = (too_few + enough) // 2
            if self._rooms_without(victims[:middle]) is None:
                too_few = middle
            else:
                enough = middle
        return self._spare(victims[:enough])

    def _spare(self, victims: list[Victim]) -> list[Victim]:
        """Leave out whoever is not needed: first all that are nowhere near the rooms found, then one by one."""
        rooms = self._rooms_without(victims) or {}
        self._let_go([])
        nodes, bound = {room.node for room in rooms.values()}, self._cycle.ledger.bound
        near = [victim for victim in victims if any(bound[pod].node in nodes for pod in victim.pods)]
        if self._rooms_without(near) is not None and self._may_go(near):
            victims = near
        for victim in reversed(victims):
            others = [other for other in victims if other is not victim]
            if self._rooms_without(others) is not None and self._may_go(others):
                victims = others
        return victims

    def _rooms_without(self, victims: Sequence[Victim]) -> dict[int, Room] | None:
        """Rooms for the chunk if exactly these were gone."""
        self._let_go(victims)
        return self._rooms()

    def _rooms(self) -> dict[int, Room] | None:
        cycle = self._cycle
        if refusal(cycle.ledger, cycle.tree, self._workload, self._chunk.asked):
            return None
        return fit(cycle.ledger, cycle.snapshot, self._chunk.pods, now=False, preferred={})

    def _may_go(self, victims: Sequence[Victim]) -> bool:
        """Each of them, after those before it."""
        self._let_go([])
        for victim in victims:
            if self._rule.grounds(victim) is None:
                return False
            self._gone.update(_stop(self._cycle.ledger, victim))
        return True

    def _let_go(self, victims: Sequence[Victim]) -> None:
        """Exactly the pods of these victims are stopped."""
        wanted = {pod for victim in victims for pod in victim.pods}
        for pod in self._gone - wanted:
            self._cycle.ledger.restore(pod)
        for pod in wanted - self._gone:
            self._cycle.ledger.evict(pod)
        self._gone = wanted


def _stop(ledger: Ledger, victim: Victim) -> list[int]:
    """Stop what still runs of it; returns these pods."""
    pods = [pod for pod in victim.pods if pod in ledger.bound]
    for pod in pods:
        ledger.evict(pod)
    return pods
