"""What becomes of decisions whose time is up."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from orgs.models import ProjectInfo
from quotas.models import Node
from scheduling.clusters.gateway import Gateway
from scheduling.clusters.seen import SeenPod
from scheduling.models import OPEN_STATES, Assignment, Decision, Pod, Workload

from .handover import hand_over
from .tenure import Tenure

Kind, State = Decision.Kind, Decision.State
SENT = (State.SENT, State.CONFIRMED, State.UNKNOWN)
BATCH = 50
READ_AGAIN_SECONDS = 10
READ_ONCE = "Nothing had come of it when its pod was read; it is read once more."


def settle(pool: int, gateway: Gateway, tenure: Tenure) -> None:
    """Voids what was not sent in time and room that nobody waits for; reads the pods of what was sent long ago.

    Room of pods that went is handed to those that come for them.
    """
    _void(pool, tenure)
    hand_over(pool, tenure)
    late = Decision.objects.filter(pool=pool, state__in=SENT, deadline_at__lt=Now()).order_by("pk")[:BATCH]
    fields = ("pk", "kind", "pod_uid", "pod", "node", "workload", "error")
    for pk, kind, uid, pod, node, workload, error in late.values_list(*fields):
        if not tenure.may_call():
            return
        name = Pod.objects.filter(pk=pod).values_list("name", flat=True).first()
        namespace = ProjectInfo.objects.filter(unit__workloads=workload).values_list("namespace", flat=True).first()
        seen = gateway.read_pod(namespace, name, uid) if name and namespace else None
        place = Node.objects.filter(pk=node or 0).values_list("name", flat=True).first() or ""
        problem = misfortune(kind, place, seen)
        if not problem:
            # What was done stays open until the observer has written it: only then does the pod's row say so.
            change: dict[str, Any] = {"state": State.CONFIRMED, "error": "", "deadline_at": _later(READ_AGAIN_SECONDS)}
        elif may_still_come(kind, seen) and error != READ_ONCE:
            change = {"state": State.UNKNOWN, "error": READ_ONCE, "deadline_at": _later(settings.CALL_TIMEOUT_SECONDS)}
        else:
            change = {"state": State.FAILED, "error": problem}
        with tenure.recording():
            Decision.objects.filter(pk=pk, state__in=SENT).update(**change)


def _later(seconds: float) -> datetime:
    return timezone.now() + timedelta(seconds=seconds)


def _void(pool: int, tenure: Tenure) -> None:
    wanted = Assignment.objects.filter(
        pk=OuterRef("workload"),
        pool=pool,
        workload__is_active=True,
        workload__desired=Workload.Desired.RUNNING,
    )
    pod = Pod.objects.filter(pk=OuterRef("pod"))
    evicted = Decision.objects.filter(pod=OuterRef("pod"), kind=Kind.EVICT, state__in=OPEN_STATES)
    # A pod that was not stopped after all, or has done its part, needs no other room. Of one that is gone it stays.
    runs_on = Q(Exists(pod.filter(phase__in=(Pod.Phase.STARTING, Pod.Phase.RUNNING)))) & ~Exists(evicted)
    done = Exists(pod.filter(phase=Pod.Phase.SUCCEEDED))
    homeless = Q(sub_group=None) & ~Exists(pod)
    unwanted = Q(kind=Kind.RESERVE) & (~Exists(wanted) | runs_on | done | homeless)
    recorded = Decision.objects.filter(pool=pool, state=State.RECORDED)
    ids = list(recorded.filter(Q(deadline_at__lt=Now()) | unwanted).order_by("pk").values_list("pk", flat=True))
    if ids:
        with tenure.recording():
            Decision.objects.filter(pk__in=ids, state=State.RECORDED).update(state=State.VOID)


def may_still_come(kind: int, seen: SeenPod | None) -> bool:
    """The pod is as it was before. A call that stood still in a network or a server, until nobody waited for it any
    more, is carried out with the reading, or right after it: what would undo it may not be decided by that reading."""
    return seen is not None and (kind == Kind.EVICT or not seen.node)


def misfortune(kind: int, node: str, seen: SeenPod | None) -> str:
    """Why nothing came of a decision, by its pod as the cluster has it now (None = gone); empty where it was done."""
    if kind == Kind.EVICT:
        return "The pod was not stopped." if seen and not seen.deleting else ""
    if seen is None:
        return "The pod is gone."
    if not seen.node:
        return "The pod was not bound."
    return "" if seen.node == node else "The pod is on another node."
