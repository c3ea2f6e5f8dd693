"""Removes what is old enough."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from portal.services.purge import rows_purge
from quotas.models import CapacityHour, GuardFinding, LendingDay, Node, UsageDay, UsageHour
from quotas.rules import MAX_HISTORY_DAYS
from quotas.services.finding import KEPT as FINDINGS
from scheduling.models import (
    OPEN_STATES,
    Allocation,
    CycleReport,
    Decision,
    PoolSample,
    PromiseRecord,
    Question,
    SavedCycle,
    SimObject,
    Workload,
)

REPORTS = timedelta(days=7)
DECISIONS = timedelta(days=35)
HOURS = timedelta(days=MAX_HISTORY_DAYS + 1)
ROLLED_UP = Q(at__date__lt=F("pool__rolled_up__until"))
"""Hours that have not become a day yet are kept, however old."""
DAYS = timedelta(days=25 * 31)
"""25 months; months are kept for ever."""
PROMISES = timedelta(days=400)
NODES = timedelta(days=400)
"""After they were removed from their cluster."""
QUESTIONS = timedelta(hours=1)
SIMULATED_MS = 600_000
"""How long a watch of a simulated cluster may lag behind."""


def purge() -> dict[str, int]:
    """How many rows of each kind went. Workloads go HISTORY_DAYS after their end with everything that hangs on them and
    what they held; nothing of theirs is kept for longer."""
    now = timezone.now()
    simulated = time.time_ns() // 1_000_000 - SIMULATED_MS
    history = timedelta(days=settings.HISTORY_DAYS)
    old_work = Workload.objects.filter(ended_at__lt=now - history)
    # Their objects go first: what was stopped keeps its own.
    old_work.filter(applied=True).exclude(desired=Workload.Desired.DELETED).update(desired=Workload.Desired.DELETED)
    ended: QuerySet[Any] = old_work.filter(applied=False)
    old: list[QuerySet[Any]] = [
        CycleReport.objects.filter(at__lt=now - min(REPORTS, history)),
        SavedCycle.objects.filter(expires_at__lt=now),
        PoolSample.objects.filter(at__lt=now - min(REPORTS, history)),
        Decision.objects.filter(at__lt=now - min(DECISIONS, history)).exclude(state__in=OPEN_STATES),
        UsageHour.objects.filter(ROLLED_UP, at__lt=now - HOURS),
        CapacityHour.objects.filter(ROLLED_UP, at__lt=now - HOURS),
        UsageDay.objects.filter(at__lt=now - DAYS),
        PromiseRecord.objects.filter(ended_at__lt=now - PROMISES),
        LendingDay.objects.filter(at__lt=now - DAYS),
        ended,
        Allocation.objects.filter(ended_at__lt=now - history),
        Node.objects.filter(removed_at__lt=now - NODES),
        GuardFinding.objects.filter(resolved_at__lt=now - FINDINGS),
        Question.objects.filter(asked_at__lt=now - QUESTIONS),
        SimObject.objects.filter(deleted=True, due_ms__lt=simulated),
    ]
    return {rows.model._meta.model_name or "": rows_purge(rows=rows) for rows in old}
