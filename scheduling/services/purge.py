"""Removes what is old enough, in small transactions that hold nobody up."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils import timezone

from quotas.models import CapacityHour, GuardFinding, Node, UsageHour
from quotas.rules import MAX_HISTORY_DAYS
from quotas.services.finding import KEPT as FINDINGS
from scheduling.models import OPEN_STATES, CycleReport, Decision, PoolSample, SimObject, Workload

BATCH = 500
REPORTS = timedelta(days=7)
DECISIONS = timedelta(days=35)
WORKLOADS = timedelta(days=180)
"""After their end, with everything that hangs on them."""
HOURS = timedelta(days=MAX_HISTORY_DAYS + 1)
NODES = timedelta(days=400)
"""After they were removed from their cluster."""
SIMULATED_MS = 600_000
"""How long a watch of a simulated cluster may lag behind."""


def purge() -> dict[str, int]:
    """How many rows of each kind went."""
    now = timezone.now()
    simulated = time.time_ns() // 1_000_000 - SIMULATED_MS
    ended: QuerySet[Any] = Workload.objects.filter(ended_at__lt=now - WORKLOADS, applied=False)
    old: list[QuerySet[Any]] = [
        CycleReport.objects.filter(at__lt=now - REPORTS),
        PoolSample.objects.filter(at__lt=now - REPORTS),
        Decision.objects.filter(at__lt=now - DECISIONS).exclude(state__in=OPEN_STATES),
        UsageHour.objects.filter(at__lt=now - HOURS),
        CapacityHour.objects.filter(at__lt=now - HOURS),
        ended,
        Node.objects.filter(removed_at__lt=now - NODES),
        GuardFinding.objects.filter(resolved_at__lt=now - FINDINGS),
        SimObject.objects.filter(deleted=True, due_ms__lt=simulated),
    ]
    return {rows.model._meta.model_name or "": _delete(rows) for rows in old}


def _delete(rows: QuerySet[Model]) -> int:
    removed = 0
    while ids := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            rows.model._default_manager.filter(pk__in=ids).delete()
        removed += len(ids)
    return removed
