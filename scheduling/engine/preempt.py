"""Let a workload displace work of lower priority in its own project. Fair share plays no part."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .arithmetic import Numbers
from .cycle import Cycle
from .decisions import EvictCode
from .displace import displace
from .policy import stays_non_preemptible
from .runtime import is_protected, keeps_protected_minimum
from .simulation import Solution
from .victims import Batch
from .working import Account, Job, Task


def preempt(cycle: Cycle) -> None:
    displace(cycle, Preempt(cycle))


class Preempt:
    code = EvictCode.PREEMPT
    most_victims = 1 << 60

    def __init__(self, cycle: Cycle) -> None:
        self._cycle = cycle

    def has_claim(self, job: Job) -> bool:
        """Somebody of lower priority runs in the project."""
        running = self._cycle.running.of(job.account)
        if not running or running[-1][2].priority >= job.priority:
            return False
        return job.preemptible or all(stays_non_preemptible(account, job.asked) for account in job.path)

    def may_give(self, job: Job) -> Callable[[Account], bool]:
        return lambda account: account in job.path

    def may_go(self, job: Job) -> Callable[[Job], bool] | None:
        return lambda other: other.priority < job.priority and not is_protected(self._cycle, other, None)

    def accepts(self, job: Job, chunk: Sequence[Task], solution: Solution) -> bool:
        return keeps_protected_minimum(self._cycle, solution, None)

    def meter(self, job: Job) -> Callable[[Batch], bool]:
        return lambda batch: True

    def numbers(self, job: Job, victim: Job) -> Numbers:
        return {"priority": victim.priority, "for_priority": job.priority}
