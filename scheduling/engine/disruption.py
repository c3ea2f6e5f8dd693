"""Whom and how many running pods one may disturb for others: stopped, or moved, for a pod that is moved starts again.

Disruption budgets of workloads order the victims: what they allow goes first, and what they do not allow only for
reclaim inside a guaranteed quota, after a delay that the pool sets. The pool's bound for one workload holds for whoever
reaches for more than its guaranteed quota; the quota itself can always be taken back. In a cycle no further search
begins once so many pods are disturbed: the last one may go beyond, so nobody who needs more than that waits for ever.
"""

from __future__ import annotations

from collections.abc import Sequence

from .cycle import Cycle
from .decisions import EvictCode
from .shares import within
from .simulation import Solution
from .types import PodState
from .victims import Batch
from .working import Job, Task


def bound(cycle: Cycle, job: Job) -> int | None:
    """For one workload; None = as many as it takes."""
    most = cycle.snapshot.disruptions_per_workload
    return None if most is None or is_inside_quota(job) else most


def is_used_up(cycle: Cycle) -> bool:
    """Of this cycle."""
    most = cycle.snapshot.disruptions_per_cycle
    return most is not None and cycle.disturbed.total() >= most


def disturbed(solution: Solution) -> dict[int, int]:
    """Pods that ran before this cycle, by index of their workload; what it has only just started loses nothing."""
    found: dict[int, int] = {}
    for batch in (*solution.stopped, *solution.moved):
        found[batch.job.index] = found.get(batch.job.index, 0) + _running(batch.tasks)
    return found


def overrides(cycle: Cycle, job: Job, code: EvictCode) -> bool:
    """Whether what disruption budgets do not allow may be taken, too."""
    delay_ms = cycle.snapshot.disruption_budget_delay_ms
    if delay_ms is None or code is not EvictCode.RECLAIM or not is_inside_quota(job):
        return False
    return since_ms(job) + delay_ms <= cycle.snapshot.now_ms


def since_ms(job: Job) -> int:
    """When it began to wait."""
    workload = job.workload
    return workload.created_ms if workload.waiting_since_ms is None else workload.waiting_since_ms


class Spent:
    """What one search takes of the disruption budgets."""

    def __init__(self, cycle: Cycle) -> None:
        self._before = cycle.disturbed
        self._pods: dict[int, int] = {}

    def allows(self, batch: Batch) -> bool:
        """Whether it may go, too; counted if it may."""
        allowed, index = batch.job.workload.disruptions_allowed, batch.job.index
        if allowed is None:
            return True
        pods, taken = _running(batch.tasks), self._pods.get(index, 0)
        if pods and self._before[index] + taken + pods > allowed:
            return False
        self._pods[index] = taken + pods
        return True


def _running(tasks: Sequence[Task]) -> int:
    return sum([task.pod.state is PodState.BOUND for task in tasks])


def is_inside_quota(job: Job) -> bool:
    """With it every unit above stays within its guaranteed quota."""
    return all(within(account.held, job.asked, account.quota) for account in job.path)
