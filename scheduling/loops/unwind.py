"""Gangs that did not come together: some pods are bound, and the rest finds no room."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime

from django.db.models import Max

from scheduling.engine.decisions import Decisions
from scheduling.engine.types import PodState, Snapshot, Workload
from scheduling.models import Pod

from .cycle import Unwind
from .taken_over import taken_over

GANG_SECONDS = 30.0
LEAST_SECONDS = 5.0
"""So long every loop looks on itself."""


class Unwinder:
    """Watches one pool for gangs below their minimum, and gives them up when they stay so."""

    def __init__(self) -> None:
        self._since: dict[int, float] | None = None

    def look(self, snapshot: Snapshot, decisions: Decisions) -> tuple[Unwind, ...]:
        now = time.monotonic()
        helped = {item.workload for item in decisions.places}
        helped |= {item.workload for item in decisions.reserves} | {item.workload for item in decisions.evicts}
        short = {item.id: item for item in snapshot.workloads if item.id not in helped and _incomplete(item)}
        earlier = self._since
        if earlier is None:
            earlier = taken_over(_last_bound(short), now, GANG_SECONDS - LEAST_SECONDS)
        self._since = {pk: earlier.get(pk, now) for pk in short}
        late = [pk for pk, since in self._since.items() if now - since > GANG_SECONDS]
        return tuple(Unwind(pk, _bound(short[pk])) for pk in late)


def _last_bound(workloads: Iterable[int]) -> dict[int, datetime]:
    bound = Pod.objects.filter(workload__in=list(workloads), bound_at__isnull=False)
    return dict(bound.values_list("workload").annotate(Max("bound_at")))


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
