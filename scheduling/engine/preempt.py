"""Let a workload displace work of lower priority in its own project. Fair share plays no part."""

from __future__ import annotations

from .arithmetic import Numbers
from .cycle import Cycle
from .decisions import EvictCode
from .eviction import Rule, displace
from .gang import Chunk
from .types import Workload
from .victims import Victim, VictimsByUnit


def preempt(cycle: Cycle) -> None:
    def rule_for(workload: Workload, _: Chunk, victims: VictimsByUnit) -> Rule | None:
        mine = victims.get(workload.unit, ())
        lower = [victim for victim in mine if victim.workload.priority < workload.priority]
        return _Preempt(cycle, workload, lower) if lower else None

    displace(cycle, rule_for)


class _Preempt:
    code = EvictCode.PREEMPT
    may_reserve = False

    def __init__(self, cycle: Cycle, workload: Workload, victims: list[Victim]) -> None:
        self._ledger = cycle.ledger
        self._priority = workload.priority
        self._victims = victims

    def next(self) -> Victim | None:
        return next((victim for victim in self._victims if self.grounds(victim)), None)

    def grounds(self, victim: Victim) -> Numbers | None:
        """None where its pods went already, with another victim of the same workload."""
        if not any(pod in self._ledger.bound for pod in victim.pods):
            return None
        return {"priority": victim.workload.priority, "for_priority": self._priority}
