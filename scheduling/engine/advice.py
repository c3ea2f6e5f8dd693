"""The smallest changes that give a waiting workload its place.

Each kind of change has figures that can be more or less (GPUs of quota by unit, devices a pod, levels of topology). The
most of it that could be of use is tried first; then every figure is halved towards the least that is still enough, so
that with one unit less of any figure it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from .alone import STEPS, Answer, Step, helps
from .arithmetic import RESOURCES, UNLIMITED
from .cycle import Cycle
from .policy import refusal
from .remedies import Raise, Remedy, RemedyCode, wider_levels
from .types import Near
from .working import PENDING, Account, Group, Job

MOST_TRIALS = 32
"""For one kind of change; one that needs more is not offered."""
_STEPS = ((1000,), (1000,), (1 << 30, 1 << 20))
"""Of each resource, the round amounts that it is raised by, where all requests are so round: GPU, core, GiB or MiB."""
Figures = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Change:
    """One kind of change. `most` of each figure is all that can be of use."""

    most: Figures
    remedy: Callable[[Figures], Remedy]
    steps: tuple[Step, ...] = STEPS
    """By which it can be of use."""


def advise(cycle: Cycle, job: Job, patience: int = 1) -> tuple[Remedy, ...]:
    """Remedies for a workload that gets no place, by how little they ask (the order of `RemedyCode`)."""
    found = (_least(cycle, job, change, patience) for change in _changes(cycle, job))
    return tuple(remedy for remedy in found if remedy is not None)


class _TooManyError(Exception):
    """The trials of one kind of change are used up."""


def _least(cycle: Cycle, job: Job, change: _Change, patience: int) -> Remedy | None:
    """None: even the most does not help, or it takes too long to find out."""
    by = helps(cycle, job, change.remedy(change.most), change.steps, patience)
    if by.step is None:
        return None
    known = {(0,) * len(change.most): Answer(None), change.most: by}
    # Less of it does not help by a step by which the most did not.
    steps = change.steps[change.steps.index(by.step) :]

    def is_enough(figures: Figures) -> bool:
        if figures not in known:
            if len(known) > MOST_TRIALS:
                raise _TooManyError
            known[figures] = helps(cycle, job, change.remedy(figures), steps, patience)
        return known[figures].step is not None

    try:
        least = reduced(change.most, is_enough)
    except _TooManyError:
        return None
    less = [_with(least, at, figure - 1) for at, figure in enumerate(least) if figure]
    is_certain = not by.is_cut and not any(known[figures].is_cut for figures in less)
    return replace(change.remedy(least), is_least=is_certain)


def reduced(figures: Figures, is_enough: Callable[[Figures], bool]) -> Figures:
    """Figures that are enough, the last first as small as can be, until one less of any is not enough."""
    for at in reversed(range(1, len(figures))):
        without = _with(figures, at, 0)
        if is_enough(without):
            figures = without
    before: Figures = ()
    while before != figures:
        before = figures
        for at in range(len(figures)):
            figures = _lowered(figures, at, is_enough)
    return figures


def _lowered(figures: Figures, at: int, is_enough: Callable[[Figures], bool]) -> Figures:
    """One figure, to where one less is not enough: looked for near its present value first."""
    enough = figures[at]
    if not enough or not is_enough(_with(figures, at, enough - 1)):
        return figures
    enough -= 1
    too_little = -1
    while enough - too_little > 1:
        middle = (enough + too_little) // 2
        if is_enough(_with(figures, at, middle)):
            enough = middle
        else:
            too_little = middle
    return _with(figures, at, enough)


def _with(figures: Figures, at: int, value: int) -> Figures:
    return (*figures[:at], value, *figures[at + 1 :])


def _changes(cycle: Cycle, job: Job) -> Iterator[_Change]:
    workload = job.workload.id
    if all(task.state == PENDING for task in job.tasks):
        yield from _of_workload(cycle, job)
    steps = STEPS
    if refusal(job, job.asked) is None and not any(task.kind.by_memory for task in job.chunk):
        # What its units may hold does not keep it from starting.
        steps = STEPS[STEPS.index(Step.START) + 1 :]
    switched_off = [account.unit.id for account in job.path if not account.over_quota]
    if switched_off:
        yield _Change((1,) * len(switched_off), _over_quota(workload, switched_off), steps)
    if quotas := _bounds(job, lambda account: account.quota, every_resource=True):
        yield _Change(_counts(quotas), _raises(RemedyCode.QUOTA, workload, quotas), steps)
    if limits := _bounds(job, lambda account: account.limit, every_resource=False):
        yield _Change(_counts(limits), _raises(RemedyCode.LIMIT, workload, limits), steps)


def _of_workload(cycle: Cycle, job: Job) -> Iterator[_Change]:
    workload = job.workload.id
    if not job.preemptible:
        yield _Change((1,), lambda figures: Remedy(RemedyCode.PREEMPTIBLE, workload))
    yield from _topology(cycle, job)
    if any(task.kind.request.nodes for task in job.tasks):
        yield _Change((1,), lambda figures: Remedy(RemedyCode.WITHOUT_SELECTOR, workload))
    minimum = max((leaf.minimum for leaf in job.leaves), default=0)
    if minimum > 1:
        yield _fewer(RemedyCode.SMALLER_MINIMUM, workload, "pods", minimum)
    devices = max((task.kind.devices for task in job.tasks), default=0)
    if devices > 1:
        yield _fewer(RemedyCode.FEWER_DEVICES, workload, "devices", devices)


def _fewer(code: RemedyCode, workload: int, name: str, now: int) -> _Change:
    return _Change((now - 1,), lambda figures: Remedy(code, workload, {name: now - figures[0], "instead_of": now}))


def _topology(cycle: Cycle, job: Job) -> Iterator[_Change]:
    """By required level: wider and wider, at last without."""
    nears: dict[str, Near] = {}
    for group in _all(job.root):
        if group.near is not None and group.near.required is not None:
            nears.setdefault(group.near.required, group.near)
    for old, near in nears.items():
        levels = wider_levels(near, cycle.snapshot.topologies)
        yield _Change((len(levels) + 1,), _wider(job.workload.id, old, levels))


def _wider(workload: int, old: str, levels: Sequence[str]) -> Callable[[Figures], Remedy]:
    def remedy(figures: Figures) -> Remedy:
        if figures[0] > len(levels):
            return Remedy(RemedyCode.WITHOUT_TOPOLOGY, workload, {"instead_of": old})
        return Remedy(RemedyCode.WIDER_TOPOLOGY, workload, {"level": levels[figures[0] - 1], "instead_of": old})

    return remedy


def _all(group: Group) -> list[Group]:
    return [group, *(inner for child in group.children for inner in _all(child))]


def _bounds(job: Job, bounds: Callable[[Account], Sequence[int]], *, every_resource: bool) -> list[Raise]:
    """What the workload would lack of bounds of its project and the units above, at most: so much more of each, and
    it would be inside. Of quotas also those of other resources: they decide, too, who may take something back."""
    found = []
    for account in job.path:
        for resource, bound in enumerate(bounds(account)):
            lack = account.held[resource] + job.asked[resource] - bound
            if bound < UNLIMITED and lack > 0 and (every_resource or job.asked[resource]):
                step = _step(job, resource)
                found.append(Raise(account.unit.id, RESOURCES[resource], -(-lack // step) * step, step))
    return found


def _step(job: Job, resource: int) -> int:
    amounts = [task.kind.amounts[resource] for task in job.chunk]
    return next((step for step in _STEPS[resource] if not any(amount % step for amount in amounts)), 1)


def _counts(most: Sequence[Raise]) -> Figures:
    return tuple(item.by // item.step for item in most)


def _raises(code: RemedyCode, workload: int, most: Sequence[Raise]) -> Callable[[Figures], Remedy]:
    def remedy(figures: Figures) -> Remedy:
        raises = tuple(
            Raise(item.unit, item.resource, count * item.step, item.step)
            for item, count in zip(most, figures, strict=True)
            if count
        )
        return Remedy(code, workload, raises=raises)

    return remedy


def _over_quota(workload: int, switched_off: Sequence[int]) -> Callable[[Figures], Remedy]:
    def remedy(figures: Figures) -> Remedy:
        units = tuple(unit for unit, is_on in zip(switched_off, figures, strict=True) if is_on)
        return Remedy(RemedyCode.OVER_QUOTA, workload, units=units)

    return remedy
