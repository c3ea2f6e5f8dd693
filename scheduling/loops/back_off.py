"""Workloads whose starts fail again and again are left out for longer and longer, so that others come before them.

Counted are the cycles in which a start failed since the last that succeeded. Nothing is stored: the decisions say it.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from django.db.models import Max
from django.utils import timezone

from portal.reading import EpochMs
from scheduling.models import Decision

FORGIVEN = 2
"""So many failures in a row cost nothing: a node may just have gone."""
FIRST_MS = 10_000
LONGEST_MS = 600_000
LOOK_BACK = timedelta(hours=1)
SUCCEEDED = (Decision.State.CONFIRMED, Decision.State.OBSERVED)


def backs_off_until_ms(pool: int) -> dict[int, int]:
    """By workload, of those that are left out for a while: until when."""
    failed = Decision.objects.filter(
        pool=pool, kind=Decision.Kind.PLACE, state=Decision.State.FAILED, at__gt=timezone.now() - LOOK_BACK
    )
    rows = list(failed.annotate(at_ms=EpochMs("at")).values_list("workload", "cycle", "pk", "at_ms"))
    if not rows:
        return {}
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
