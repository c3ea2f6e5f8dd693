"""How many running pods may be disturbed for others: stopped, or moved, for a pod that is moved starts again, too.

The bound for one workload holds for whoever reaches for more than its guaranteed quota; the quota itself can always be
taken back. In a cycle no further search begins once so many pods are disturbed: the last one may go beyond, so nobody
who needs more than that waits for ever.
"""

from __future__ import annotations

from .cycle import Cycle
from .shares import within
from .simulation import Solution
from .types import PodState
from .working import Job


def bound(cycle: Cycle, job: Job) -> int | None:
    """For one workload; None = as many as it takes."""
    most = cycle.snapshot.disruptions_per_workload
    if most is None or all(within(account.held, job.asked, account.quota) for account in job.path):
        return None
    return most


def is_used_up(cycle: Cycle) -> bool:
    """Of this cycle."""
    most = cycle.snapshot.disruptions_per_cycle
    return most is not None and cycle.disturbed >= most


def disturbed(solution: Solution) -> int:
    """Pods that ran before this cycle; what it has only just started loses nothing."""
    return sum(
        task.pod.state is PodState.BOUND for batch in (*solution.stopped, *solution.moved) for task in batch.tasks
    )
