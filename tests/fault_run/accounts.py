"""At the end: what became of everything that was asked for."""

from __future__ import annotations

import time
from collections.abc import Iterator

from quotas.models import UnitUsage
from scheduling.models import Decision, Pod, Workload

from .database import patiently
from .load import Ledger
from .moment import OPEN, Truth

SECONDS = 420.0
"""More than a Job controller may need that has lost count of its pods (`scheduling.loops.missing_pods`)."""
State = Workload.State


def settled() -> bool:
    """Nothing runs, waits or is under way."""
    open_decisions = Decision.objects.filter(state__in=OPEN)
    return not (Workload.objects.filter(is_active=True).exists() or open_decisions.exists())


def wait_until_settled() -> bool:
    deadline = time.monotonic() + SECONDS
    while not patiently(settled):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.5)
    time.sleep(2)  # the last cycles write what is used: nothing
    return True


def unaccounted(ledger: Ledger, truth: Truth) -> Iterator[str]:
    """Sentences about what was lost, came from nowhere, or ended as it was not to end."""
    rows = {
        name: (pk, state, word)
        for pk, name, state, word in Workload.objects.values_list("pk", "name", "state", "state_message")
    }
    for name in sorted(ledger.acknowledged - rows.keys()):
        yield f"lost: {name} was acknowledged, and is not there"
    for name in sorted(rows.keys() - ledger.endings.keys()):
        yield f"from nowhere: {name}"
    for name, (_, state, word) in sorted(rows.items()):
        if state not in ledger.endings.get(name, ()):
            yield f"ended wrongly: {name} is {State(state).label} ({word})"
    jobs = {item.uid: item for item in truth.jobs()}
    uids = {str(uid) for uid in Workload.objects.values_list("uid", flat=True)}
    for uid in sorted(jobs.keys() - uids):
        yield f"from nowhere: job {uid} in the cluster"
    for job in jobs.values():
        if job.status["state"] == "active" and not job.deleted and not job.status.get("deleting"):
            yield f"left behind: job {job.name}"
    for pod in Pod.objects.filter(phase__lte=Pod.Phase.STOPPING):
        yield f"left behind: pod {pod.name}"
    for decision in Decision.objects.filter(state__in=OPEN):
        yield f"left open: {decision}"
    for usage in UnitUsage.objects.exclude(gpu_milli=0):
        yield f"left in use: {usage.gpu_milli} thousandths by {usage.unit}"
