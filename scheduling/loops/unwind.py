"""Gangs that did not come together: some pods are bound, and the rest finds no room."""

from __future__ import annotations

import time
from collections.abc import Iterable

from django.db.models import Max
from django.utils import timezone

from scheduling.engine.decisions import Decisions
from scheduling.engine.types import PodState, Snapshot, Workload
from scheduling.models import Pod

from .cycle import Unwind

GANG_SECONDS = 30.0
LEAST_SECONDS = 5.0
"""So long every loop looks on itself: what was under way when it took over may still arrive."""


class Unwinder:
    """Watches one pool for gangs below their minimum, and gives them up when they stay so."""

    def __init__(self) -> None:
        self._since: dict[int, float] | None = None

    def look(self, snapshot: Snapshot, decisions: Decisions) -> tuple[Unwind, ...]:
        now = time.monotonic()
        helped = {item.workload for item in decisions.places}
        helped |= {item.workload for item in decisions.reserves} | {item.workload for item in decisions.evicts}
        short = {item.id: item for item in snapshot.workloads if item.id not in helped and _incomplete(item)}
        earlier = _taken_over(short, now) if self._since is None else self._since
        self._since = {pk: earlier.get(pk, now) for pk in short}
        late = [pk for pk, since in self._since.items() if now - since > GANG_SECONDS]
        return tuple(Unwind(pk, _bound(short[pk])) for pk in late)


def _taken_over(workloads: Iterable[int], now: float) -> dict[int, float]:
    """Since when they have been short, on the clock of `now`, for a loop that has just begun: since their last bind,
    as the loop before it knew, or else every death of a worker would give them the whole time again."""
    bound = Pod.objects.filter(workload__in=list(workloads), bound_at__isnull=False).values_list("workload")
    ages = {pk: (timezone.now() - last).total_seconds() for pk, last in bound.annotate(Max("bound_at"))}
    return {pk: now - min(age, GANG_SECONDS - LEAST_SECONDS) for pk, age in ages.items()}


def _incomplete(workload: Workload) -> bool:
    """Holds room, and is short of a minimum. What ran whole before is stale: the engine stops it after its grace."""
    if workload.stale_since_ms is not None:
        return False
    counts = [
        (group.min_members, sum(pod.state is PodState.BOUND for pod in group.pods)) for group in workload.sub_groups
    ]
    return any(bound for _, bound in counts) and any(bound < minimum for minimum, bound in counts)


def _bound(workload: Workload) -> tuple[int, ...]:
    return tuple(pod.id for group in workload.sub_groups for pod in group.pods if pod.state is PodState.BOUND)
