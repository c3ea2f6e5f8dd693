"""What a workload starts next, and what of it may be stopped: rules of gangs, elastic workloads and sub-groups.

A workload starts its whole minimum together, and after that one pod at a time; it is stopped the other way round.
(KAI-Scheduler, pod groups and sub-groups.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from fractions import Fraction

from .classes import RequestClass
from .working import BOUND, PENDING, RELEASING, Group, Job, Task


def next_chunk(job: Job, *, moved: bool = False) -> Sequence[Task]:
    """The tasks that start together next; empty where nothing is left to start, or too few exist for the minimum.

    `moved`: tasks that are being stopped look for another room, too (in a search).
    """
    if len(job.leaves) == 1:
        return _of_leaf(job.leaves[0], moved)
    return _of_set(job.root, moved)


def is_active(task: Task) -> bool:
    """Bound, or with a reserved room."""
    return task.state == BOUND or task.kept >= 0


def _of_leaf(group: Group, moved: bool) -> Sequence[Task]:
    if group.active == len(group.tasks):
        return ()
    lacking = group.minimum - group.active
    found: list[Task] = []
    wanted = lacking if lacking > 0 else 1
    for task in group.tasks:
        if task.kept < 0 and (task.state == PENDING or (moved and task.state == RELEASING)):
            found.append(task)
            if len(found) == wanted:
                return group.tasks if wanted == len(group.tasks) else found
    return () if lacking > 0 else found


def _of_set(group: Group, moved: bool) -> Sequence[Task]:
    if not group.children:
        return _of_leaf(group, moved)
    children = sorted(group.children, key=_order)
    if is_satisfied(group):
        for child in children:
            if found := _of_set(child, moved):
                return found
        return ()
    chosen: list[Task] = []
    for child in children[: needed(group)]:
        if not is_satisfied(child):
            part = _of_set(child, moved)
            if not part:
                return ()
            chosen += part
    return chosen


def needed(group: Group) -> int:
    """How many of its children a set needs."""
    return len(group.children) if group.minimum < 0 else group.minimum


def is_satisfied(group: Group) -> bool:
    """Its minimum is bound or has reserved rooms."""
    if not group.children:
        return group.active >= group.minimum
    return sum(is_satisfied(child) for child in group.children) >= needed(group)


def can_ever_start(group: Group) -> bool:
    """Enough tasks exist for the minimum."""
    if not group.children:
        if group.active >= group.minimum:
            return True
        return len([task for task in group.tasks if task.state != RELEASING or task.kept >= 0]) >= group.minimum
    if len(group.children) == 1:
        return can_ever_start(group.children[0])
    return sum(can_ever_start(child) for child in group.children) >= needed(group)


def _order(group: Group) -> tuple[bool, bool, Fraction, str]:
    """Below the minimum first, then required before optional, then the emptier, then by name."""
    minimum, active = (group.minimum, group.active) if not group.children else (needed(group), _satisfied(group))
    return (not is_satisfied(group), minimum == 0, Fraction(active, minimum or 1), group.name)


def _satisfied(group: Group) -> int:
    return sum(is_satisfied(child) for child in group.children)


def stage(job: Job, taken: Set[Task] = frozenset()) -> int:
    """0 below its minimum, 1 exactly at it, 2 above; as if the tasks `taken` were gone."""
    above = False
    if not taken and len(job.leaves) == 1:
        group = job.leaves[0]
        return 0 if group.active < group.minimum else 1 if group.active == group.minimum else 2
    for group in job.leaves:
        active = group.active - sum(task.group is group for task in taken) if taken else group.active
        if active < group.minimum:
            return 0
        above |= active > group.minimum
    return 2 if above else 1


def job_key(job: Job, taken: Set[Task] = frozenset()) -> tuple[object, ...]:
    """Its place inside the project, less goes first; as if the tasks `taken` were gone."""
    return (-job.priority, stage(job, taken), job.seniority)


def asked(tasks: Sequence[Task]) -> tuple[int, int, int]:
    """What tasks ask for in sum, before their nodes are known."""
    if len(tasks) == 1:
        return tasks[0].kind.amounts
    gpu = cpu = memory = 0
    for kind, count in _runs(tasks):
        amounts = kind.amounts
        gpu += count * amounts[0]
        cpu += count * amounts[1]
        memory += count * amounts[2]
    return gpu, cpu, memory


def shape(tasks: Sequence[Task]) -> tuple[int, ...]:
    """Request class and number of equal tasks after each other, again and again."""
    if len(tasks) == 1:
        return tasks[0].kind.index, 1
    return tuple([number for kind, count in _runs(tasks) for number in (kind.index, count)])


def _runs(tasks: Sequence[Task]) -> Iterator[tuple[RequestClass, int]]:
    begun, kind = 0, tasks[0].kind if tasks else None
    for at, task in enumerate(tasks):
        if task.kind is not kind:
            assert kind is not None
            yield kind, at - begun
            begun, kind = at, task.kind
    if kind is not None:
        yield kind, len(tasks) - begun


def next_victims(job: Job, taken: set[Task]) -> tuple[list[Task], bool]:
    """The tasks that go first, besides those taken already, and whether others remain after them: one that is above
    the minimum of its sub-group, else all."""
    spare = _spare(job.root if len(job.leaves) > 1 else job.leaves[0], taken)
    left = [task for task in job.active if task not in taken]
    if spare is not None:
        return [spare], len(left) > 1
    return left, False


def can_go(task: Task) -> bool:
    """It holds something that may be taken from it: not what an earlier cycle has promised to it."""
    return (task.state == BOUND or task.kept >= 0) and task.pod.reserved_node is None


def _spare(group: Group, taken: set[Task]) -> Task | None:
    """The last task above the minimum; of sub-groups the fullest gives first."""
    if not group.children:
        running = [task for task in group.tasks if can_go(task) and task not in taken]
        return running[-1] if len(running) > group.minimum else None
    for child in sorted(group.children, key=_order, reverse=True):
        found = _spare(child, taken)
        if found is not None:
            return found
    return None


def is_inside(group: Group, outer: Group) -> bool:
    at: Group | None = group
    while at is not None:
        if at is outer:
            return True
        at = at.parent
    return False
