"""Take back what other projects hold above their entitlement.

A workload may reclaim while its project, and every unit above it up to the level where the other side branches off,
stays within its fair share with it. The other side is judged at that level, before the victim goes: it must hold more
than its entitlement of something that is asked for and that the victim holds; a gang that straddles the line goes
whole. Where the reclaiming side stays even within its quota, others may also lose what lies between their quota and
their fair share, but no gang across that line: it would be the first to reclaim in turn, and so on without end.
"""

from __future__ import annotations

from .arithmetic import RESOURCES, Numbers, total
from .cycle import Cycle
from .decisions import EvictCode
from .eviction import Rule, displace
from .gang import Chunk
from .types import Unit, Workload
from .victims import Victim, VictimsByUnit


def reclaim(cycle: Cycle) -> None:
    def rule_for(workload: Workload, chunk: Chunk, victims: VictimsByUnit) -> Rule | None:
        project = cycle.tree.units[workload.unit]
        entitled = cycle.standing.stays_within_fair_share(project, chunk.asked)
        return _Reclaim(cycle, workload, chunk, victims) if entitled else None

    displace(cycle, rule_for)


class _Reclaim:
    code = EvictCode.RECLAIM

    def __init__(self, cycle: Cycle, workload: Workload, chunk: Chunk, victims: VictimsByUnit) -> None:
        self._ledger = cycle.ledger
        self._tree = cycle.tree
        self._standing = cycle.standing
        self._asked = chunk.asked
        self._path = cycle.tree.path(workload.unit)
        self._victims = victims

    @property
    def may_reserve(self) -> bool:
        return self._reach() == len(self._path)

    def next(self) -> Victim | None:
        """From the top of the tree down, of the side that is most over-served; inside it the same again."""
        for level in reversed(range(self._reach())):
            sides = self._tree.siblings(self._path[level])
            for side in self._most_over_served(sides):
                surplus = self._surplus(level, side)
                if surplus and (victim := self._inside(side, surplus)):
                    return victim
        return None

    def grounds(self, victim: Victim) -> Numbers | None:
        level, side = self._tree.fork(self._path[0], victim.workload.unit)
        resource = self._excess(victim, self._surplus(level, side)) if level < self._reach() else None
        if resource is None:
            return None
        return {
            "unit": side.id,
            "resource": RESOURCES[resource],
            "allocated": self._ledger.accounts[side.id].allocated[resource],
            "quota": side.quota[resource] or 0,
            "fair_share": self._standing.fair_shares[side.id][resource],
        }

    def _reach(self) -> int:
        """Through so many levels, from the project up, the reclaiming side stays within its fair share."""
        for level, unit in enumerate(self._path):
            if not self._standing.stays_within_fair_share(unit, self._asked):
                return level
        return len(self._path)

    def _inside(self, unit: Unit, surplus: dict[int, int]) -> Victim | None:
        """The first victim below the unit that may go for one of these resources."""
        for child in self._most_over_served(self._tree.children[unit.id]):
            if victim := self._inside(child, surplus):
                return victim
        mine = self._victims.get(unit.id, ())
        return next((victim for victim in mine if self._excess(victim, surplus) is not None), None)

    def _most_over_served(self, units: list[Unit]) -> list[Unit]:
        """By what is asked for."""
        resources = [resource for resource, amount in enumerate(self._asked) if amount]
        return sorted(
            units,
            key=lambda unit: (self._standing.over_service(unit, resources), unit.created_ms, unit.id),
            reverse=True,
        )

    def _surplus(self, level: int, side: Unit) -> dict[int, int]:
        """What is asked for and the side has too much of, each resource with the most that one victim may hold."""
        allocated = self._ledger.accounts[side.id].allocated
        in_quota = self._standing.stays_within_quota(self._path[level], self._asked)
        surplus: dict[int, int] = {}
        for resource, amount in enumerate(allocated):
            entitlement, quota = self._standing.entitlement(side, resource), side.quota[resource]
            if not self._asked[resource] or entitlement is None or quota is None:
                continue
            if amount > entitlement:
                surplus[resource] = amount
            elif in_quota and amount > quota:
                surplus[resource] = amount - quota
        return surplus

    def _excess(self, victim: Victim, surplus: dict[int, int]) -> int | None:
        """The first of the resources that stopping the victim gives back."""
        held = total(self._ledger.request(pod).amounts for pod in victim.pods if pod in self._ledger.bound)
        return next((resource for resource, most in surplus.items() if 0 < held[resource] <= most), None)
