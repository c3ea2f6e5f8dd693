"""Why one workload waits, what was tried for it in which order, and what would help. On demand, not in the cycle.

An explanation is true of the state that a cycle left: everybody else has been decided for. `settled` makes a cycle of
that state; it may be kept, and every explanation leaves it as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from . import gang, reasons
from .advice import advise
from .aftermath import after
from .alone import STEPS, Step, long, search, starts
from .arithmetic import Numbers
from .cycle import Cycle
from .decisions import Wait, WaitCode
from .engine import decide
from .obstacles import Obstacle, obstacle
from .options import Options
from .policy import refusal
from .remedies import Remedy
from .types import Snapshot
from .working import RELEASING, Group, Job


@dataclass(frozen=True, slots=True)
class Attempt:
    """A step that does not give the workload its place, and why, with the figures that the code names."""

    step: Step
    code: WaitCode | Obstacle
    numbers: Numbers = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Of one workload."""

    workload: int
    pods: int
    """So many would start together next; 0 = none: all run, or too few exist, or it is left out for now."""
    attempts: tuple[Attempt, ...]
    """In the order in which a cycle tries; where one succeeds, those before it."""
    succeeds: Step | None = None
    """By this it gets its place in the next cycle, if nothing else changes and nobody is served before it."""
    remedies: tuple[Remedy, ...] = ()
    """Each alone is enough, and with one unit less of any of its figures is not (`Remedy.is_least`); by how little they
    ask."""


def explain(
    snapshot: Snapshot,
    workload_id: int,
    options: Options = Options(),  # noqa: B008
    cycle: Cycle | None = None,
) -> Explanation:
    """Why a workload waits after the next cycle of the snapshot, and what would help.

    "Gets its place" is meant alone: in the state that the cycle left, with nobody else deciding, what the workload
    starts next (its minimum, or one more pod) finds room that is free or is being freed, or pods that may be moved or
    stopped for it. In a pool where others wait, those that are served before it may take what a remedy frees.

    `cycle`: one that `settled` has made of this snapshot, to explain several workloads. Raises KeyError where the
    snapshot does not have the workload.
    """
    return Explainer(cycle or settled(snapshot, options)).explain(workload_id)


def settled(snapshot: Snapshot, options: Options = Options()) -> Cycle:  # noqa: B008
    """A cycle of the state that a cycle of the snapshot leaves, with nothing decided in it yet."""
    return Cycle(after(snapshot, decide(snapshot, options)), options)


class Explainer:
    """Explains workloads of one state. `cycle` has nothing decided in it, and is left as it was. `patience`: how many
    times longer than usual to search for victims."""

    def __init__(self, cycle: Cycle, patience: int = 1) -> None:
        self._cycle = cycle
        self._patience = patience
        self._reasons: reasons.Explainer | None = None
        self._jobs = {job.workload.id: job for job in cycle.jobs}

    def explain(self, workload_id: int) -> Explanation:
        """Raises KeyError where there is no such workload."""
        job = self._jobs[workload_id]
        if wait := self._held_back(job):
            is_short = wait.code is WaitCode.INCOMPLETE
            remedies = advise(self._cycle, job, self._patience) if is_short else ()
            return Explanation(workload_id, 0, (Attempt(Step.START, wait.code, wait.numbers),), remedies=remedies)
        if not job.chunk:
            return Explanation(workload_id, 0, ())
        pods, most_steps = len(job.chunk), long(job) * self._patience
        if starts(self._cycle, job):
            return Explanation(workload_id, pods, (), Step.START)
        start = self._why_not_started(job)
        attempts = [Attempt(Step.START, start.code, start.numbers)]
        for step in STEPS[1:]:
            searched = search(self._cycle, job, step, most_steps)
            if searched.solution is not None:
                return Explanation(workload_id, pods, tuple(attempts), step)
            cut_after = most_steps if searched.is_cut else None
            attempts.append(Attempt(step, *obstacle(self._cycle, job, step, start, cut_after)))
        remedies = advise(self._cycle, job, self._patience)
        return Explanation(workload_id, pods, tuple(attempts), remedies=remedies)

    def _held_back(self, job: Job) -> Wait | None:
        """What concerns it alone, whatever is free."""
        workload = job.workload
        if workload.backs_off_until_ms > self._cycle.snapshot.now_ms:
            return Wait(workload.id, WaitCode.BACKING_OFF, {"until_ms": workload.backs_off_until_ms})
        kept = {task.kept for task in job.tasks if task.kept >= 0}
        if kept and not job.chunk:
            stopping = [task for one in self._cycle.jobs for task in one.tasks if task.state == RELEASING]
            pods = sum(task.node in kept for task in stopping)
            return Wait(workload.id, WaitCode.ROOM_RESERVED, {"nodes": len(kept), "pods": pods})
        if not gang.can_ever_start(job.root):
            group = next(leaf for leaf in job.leaves if _present(leaf) < leaf.minimum)
            return Wait(workload.id, WaitCode.INCOMPLETE, {"pods": _present(group), "minimum": group.minimum})
        return None

    def _why_not_started(self, job: Job) -> Wait:
        if refused := refusal(job, job.asked):
            return Wait(job.workload.id, refused.code, refused.numbers)
        if self._reasons is None:
            self._reasons = reasons.Explainer(self._cycle)
        return self._reasons(job, job.chunk)


def _present(group: Group) -> int:
    return sum(task.state != RELEASING or task.kept >= 0 for task in group.tasks)
