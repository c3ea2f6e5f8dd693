"""Room kept for a pod that went: it is for the pod that its owner starts in its place."""

from __future__ import annotations

from collections import defaultdict

from django.db.models import Exists, OuterRef

from scheduling.models import OPEN_STATES, Decision, Pod, Workload

from .tenure import Tenure

Kind, State = Decision.Kind, Decision.State


def hand_over(pool: int, tenure: Tenure) -> None:
    """Gives each open reserve whose pod stops or is gone to the first pending pod of its sub-group without one.

    The deadline stays, so that a room nobody comes for is free again. Without a successor nothing happens yet.
    """
    pods = Pod.objects.filter(pk=OuterRef("pod"))
    kept = Decision.objects.filter(pool=pool, kind=Kind.RESERVE, state=State.RECORDED, sub_group__isnull=False)
    left = kept.exclude(Exists(pods.filter(phase__lte=Pod.Phase.RUNNING))).order_by("pk")
    rooms = [(pk, group) for pk, group in left.values_list("pk", "sub_group") if group is not None]
    if not rooms:
        return
    waiting = _waiting(pool, {group for _, group in rooms})
    moves = [(pk, *waiting[group].pop(0)) for pk, group in rooms if waiting[group]]
    if not moves:
        return
    with tenure.recording():
        for pk, pod, uid in moves:
            Decision.objects.filter(pk=pk, state=State.RECORDED).update(pod=pod, pod_uid=uid)


def _waiting(pool: int, groups: set[int]) -> dict[int, list[tuple[int, str]]]:
    """Ids and uids of the pods of each sub-group that wait in the pool and for which nothing is decided."""
    decided = Decision.objects.filter(pod=OuterRef("pk"), state__in=OPEN_STATES)
    rows = Pod.objects.filter(
        ~Exists(decided),
        sub_group__in=groups,
        phase=Pod.Phase.PENDING,
        workload__assignment__pool=pool,
        workload__is_active=True,
        workload__desired=Workload.Desired.RUNNING,
    )
    found: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for pk, group, uid in rows.order_by("name", "pk").values_list("pk", "sub_group_id", "uid"):
        found[group].append((pk, uid))
    return found
