"""Stop what has been running below its minimum for too long: a gang of which some pods were lost does no work."""

from __future__ import annotations

from . import gang
from .cycle import Cycle
from .decisions import EvictCode
from .working import BOUND, Job


def stop_stale(cycle: Cycle) -> None:
    for job in cycle.jobs:
        grace_ms = _grace_ms(cycle, job)
        if grace_ms is None or not _is_stale(job):
            continue
        since_ms = job.workload.stale_since_ms
        since_ms = cycle.snapshot.now_ms if since_ms is None else since_ms
        if cycle.snapshot.now_ms - since_ms < grace_ms:
            continue
        for task in job.tasks:
            if task.state == BOUND:
                cycle.ledger.evict(task)
                cycle.causes[task] = (EvictCode.STALE, job, {"since_ms": since_ms, "grace_ms": grace_ms})


def _grace_ms(cycle: Cycle, job: Job) -> int | None:
    own = job.workload.staleness_grace_ms
    return cycle.snapshot.staleness_grace_ms if own is None else own


def _is_stale(job: Job) -> bool:
    """Something runs, nothing has succeeded, and the minimum is not there."""
    return (
        not gang.is_satisfied(job.root if len(job.leaves) > 1 else job.leaves[0])
        and not job.workload.has_succeeded_pods
        and BOUND in [task.state for task in job.tasks]
    )
