"""Minimum runtimes: what started less long ago is not stopped for others, but for pods above its minimum."""

from __future__ import annotations

from .cycle import Cycle
from .simulation import Solution
from .working import BOUND, Account, Job


def is_protected(cycle: Cycle, job: Job, reclaimer: Job | None) -> bool:
    """Whether it may not be a victim at all. `reclaimer`: None = preemption inside the project."""
    return _in_minimum_runtime(cycle, job, reclaimer) and not _is_elastic(job)


def keeps_protected_minimum(cycle: Cycle, solution: Solution, reclaimer: Job | None) -> bool:
    """No protected workload comes below its minimum."""
    return not any(
        _in_minimum_runtime(cycle, batch.job, reclaimer)
        and any(sum(task.state == BOUND for task in leaf.tasks) < leaf.minimum for leaf in batch.job.leaves)
        for batch in solution.stopped
    )


def _is_elastic(job: Job) -> bool:
    return any(len(leaf.tasks) > leaf.minimum for leaf in job.leaves)


def _in_minimum_runtime(cycle: Cycle, job: Job, reclaimer: Job | None) -> bool:
    snapshot = cycle.snapshot
    started_ms = snapshot.now_ms if job.workload.started_ms is None else job.workload.started_ms
    return snapshot.now_ms - started_ms < _minimum_runtime_ms(cycle, job, reclaimer)


def _minimum_runtime_ms(cycle: Cycle, job: Job, reclaimer: Job | None) -> int:
    """For preemption the nearest value from the project upwards; for reclaim from the level just below the common
    ancestor of both upwards."""
    if reclaimer is None:
        values = [account.unit.preempt_min_runtime_ms for account in job.path]
    else:
        values = [account.unit.reclaim_min_runtime_ms for account in _from_fork(job.path, reclaimer.path)]
    return next((value for value in values if value is not None), cycle.snapshot.min_runtime_ms)


def _from_fork(path: tuple[Account, ...], other: tuple[Account, ...]) -> tuple[Account, ...]:
    common = set(other)
    below = [level for level, account in enumerate(path) if account not in common]
    return path[below[-1] :] if below else path
