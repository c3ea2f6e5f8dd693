"""Workloads whose starts fail again and again are left out for longer and longer, so that others come before them.

Counted are the cycles in which a start failed since the last that succeeded. Nothing is stored: the decisions say it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from django.db.models import Max, Q
from django.utils import timezone

from portal.reading import EpochMs
from scheduling.clusters.orders import BY_BUDGET
from scheduling.models import Decision

FORGIVEN = 2
"""So many failures in a row cost nothing: a node may just have gone."""
FIRST_MS = 10_000
LONGEST_MS = 600_000
LOOK_BACK = timedelta(hours=1)
HELD = timedelta(seconds=10)
SUCCEEDED = (Decision.State.CONFIRMED, Decision.State.OBSERVED)


class Pauses(NamedTuple):
    starts: dict[int, int]
    """By workload, of those that are left out for a while: until when, in ms."""
    held: frozenset[int]
    """Workloads of which a disruption budget has just kept a pod: whatever was known of it, nothing of them goes."""


def pauses_of(pool: int) -> Pauses:
    now = timezone.now()
    failed = Decision.objects.filter(pool=pool, state=Decision.State.FAILED, at__gt=now - LOOK_BACK)
    budget = Q(kind=Decision.Kind.EVICT, at__gt=now - HELD, error__startswith=BY_BUDGET)
    found = failed.filter(Q(kind=Decision.Kind.PLACE) | budget)
    rows = list(found.annotate(at_ms=EpochMs("at")).values_list("kind", "workload", "cycle", "pk", "at_ms"))
    if not rows:
        return Pauses({}, frozenset())
    held = frozenset(workload for kind, workload, *_ in rows if kind == Decision.Kind.EVICT)
    return Pauses(_until_ms([row for kind, *row in rows if kind == Decision.Kind.PLACE]), held)


def _until_ms(rows: Sequence[Sequence[int]]) -> dict[int, int]:
    """`rows`: workload, cycle, id and moment of each start that failed."""
    succeeded = Decision.objects.filter(
        workload__in={row[0] for row in rows}, kind=Decision.Kind.PLACE, state__in=SUCCEEDED
    )
    since = dict(succeeded.values("workload").annotate(last=Max("pk")).values_list("workload", "last"))
    cycles: dict[int, dict[int, int]] = defaultdict(dict)
    for workload, cycle, pk, at_ms in rows:
        if pk > since.get(workload, 0):
            cycles[workload][cycle] = max(at_ms, cycles[workload].get(cycle, 0))
    return {
        workload: max(at.values()) + min(FIRST_MS << min(len(at) - FORGIVEN - 1, 20), LONGEST_MS)
        for workload, at in cycles.items()
        if len(at) > FORGIVEN
    }
