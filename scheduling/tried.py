"""What a cycle tries for a workload, and why each step fails, in words: the engine's codes and figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from portal.formats import counted
from portal.words import Step
from scheduling.engine.alone import Step as Way
from scheduling.engine.obstacles import Obstacle
from scheduling.models import Priority
from scheduling.reasons import Figures, wait_reason

NAMES = {
    Way.START: "Start in free room",
    Way.CONSOLIDATE: "Move others together",
    Way.RECLAIM: "Take back what others hold above their share",
    Way.PREEMPT: "Stop what has a lower priority in the project",
}
SUCCEEDS = {
    Way.START: "there is room: it starts with the next cycle, if nobody before it takes it",
    Way.CONSOLIDATE: "moving others makes room",
    Way.RECLAIM: "others hold enough that it is entitled to",
    Way.PREEMPT: "lower priorities hold enough",
}


@dataclass(frozen=True, slots=True)
class Tried:
    """One of the ways to a place, and what came of it."""

    name: str
    step: Step
    until_ms: int | None = None
    """When what is in the way is over, where that is known."""


def tried(
    attempts: list[Mapping[str, Any]], succeeds: str | None, pool: str, unit: Callable[[int], str]
) -> list[Tried]:
    """All ways in their order, those that fail alike in one; those that were not reached say so."""
    failed = {attempt["step"]: attempt for attempt in attempts}
    found: list[Tried] = []
    for way, name in NAMES.items():
        if way == succeeds:
            found.append(Tried(name, Step("check", SUCCEEDS[way])))
        elif way in failed:
            numbers = failed[way]["numbers"]
            text = _obstacle(failed[way]["code"], Figures(numbers, unit), pool, unit, numbers)
            if found and found[-1].step == Step("cross", text):
                name = f"{found.pop().name}; {name[0].lower()}{name[1:]}"
            found.append(Tried(name, Step("cross", text), numbers.get("until_ms")))
        else:
            found.append(Tried(name, Step("dash", "not needed" if succeeds else "not reached")))
    return found


def _obstacle(code: str, figures: Figures, pool: str, unit: Callable[[int], str], numbers: Mapping[str, Any]) -> str:
    words = _OBSTACLES.get(code)
    return wait_reason(code, numbers, pool, unit).short if words is None else words(figures)


def _budget(figures: Figures) -> str:
    text = f"disruption budgets of {counted(figures.number('workloads'), 'workload')} do not allow it"
    return f"{text} before {figures.clock('until_ms')}" if figures.number("until_ms") else text


def _no_lower(figures: Figures) -> str:
    if not figures.number("workloads"):
        return "nothing preemptible of its project runs here"
    own = Priority(figures.number("priority")).label
    return f"nothing preemptible of its project has less than its priority, {own}"


def _above(figures: Figures, end: str) -> str:
    above, free = figures.amount("above"), figures.bare("free")
    return f"others hold {above} above their entitlement, {free} free, {figures.bare('requested')} asked for: {end}"


_OBSTACLES: dict[str, Callable[[Figures], str]] = {
    Obstacle.SWITCHED_OFF: lambda figures: "this pool does not do that",
    Obstacle.SPREADS: lambda figures: "this pool spreads work out, so it moves nothing together",
    Obstacle.NOT_YET: lambda figures: f"not before {figures.clock('until_ms')}: it displaces nobody until then",
    Obstacle.NOT_PREEMPTIBLE: lambda figures: "others are moved only for preemptible work",
    Obstacle.TOO_LITTLE_FREE: lambda figures: (
        f"moving frees nothing: {figures.amount('free')} free in all, {figures.bare('requested')} asked for"
    ),
    Obstacle.NOT_MOVABLE: lambda figures: (
        f"no moving of the {counted(figures.number('workloads'), 'preemptible workload')} makes room in one place"
    ),
    Obstacle.ABOVE_FAIR_SHARE: lambda figures: (
        f"no claim: {figures.unit} would have {figures.wanted_in_all} of a fair share of {figures.amount('fair_share')}"
    ),
    Obstacle.NOBODY_ABOVE: lambda figures: "nobody holds more than they are entitled to",
    Obstacle.TOO_LITTLE_ABOVE: lambda figures: _above(figures, "too little"),
    Obstacle.NOT_TOGETHER: lambda figures: _above(figures, "enough in sum, but not in one place"),
    Obstacle.NO_LOWER_PRIORITY: _no_lower,
    Obstacle.TOO_LITTLE_BELOW: lambda figures: (
        f"lower priorities hold {figures.amount('below')}, {figures.bare('free')} free: too little, or in other places"
    ),
    Obstacle.TOO_DISRUPTIVE: lambda figures: (
        f"it would stop {counted(figures.number('pods'), 'running pod')}, and beyond its quota the pool allows "
        f"{figures.number('most')}"
    ),
    Obstacle.DISRUPTION_BUDGET: _budget,
    Obstacle.SEARCH_ENDED: lambda figures: "nothing found so far; a cycle searches longer than this answer",
    Obstacle.PROTECTED: lambda figures: (
        f"the minimum runtime protects {counted(figures.number('workloads'), 'workload')} until "
        f"{figures.clock('until_ms')}"
    ),
}
