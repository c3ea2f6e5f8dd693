"""What the cluster shows of decisions that are under way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.utils import timezone

from scheduling.models import OPEN_STATES, Decision, Workload

from .rows import update_rows

STATE = Decision.State
KIND = Decision.Kind


def settle_seen(*, bound: Mapping[int, int], stopping: Sequence[int]) -> None:
    """Pods (ids) that were seen on a node (id), and pods seen stopping or ended."""
    if bound:
        places = Decision.objects.filter(pod__in=bound, kind=KIND.PLACE, state__in=OPEN_STATES)
        right: list[int] = []
        wrong: list[int] = []
        for pk, pod, node in places.values_list("pk", "pod", "node"):
            (right if bound[pod] == node else wrong).append(pk)
        _settle(right, STATE.OBSERVED)
        _settle(wrong, STATE.FAILED, "The pod was seen on another node.")
    if stopping:
        evicts = Decision.objects.filter(pod__in=stopping, kind=KIND.EVICT, state__in=OPEN_STATES)
        _evicted(dict(evicts.values_list("pk", "workload")))


def follow_node(back: Mapping[int, int]) -> None:
    """Nodes (ids) that have rows of their own again: what was sent to the one is on its way to the other. What was not,
    is decided anew: the node may have other GPUs now."""
    sent = (STATE.SENT, STATE.CONFIRMED, STATE.UNKNOWN)
    places = Decision.objects.filter(node__in=back, kind=KIND.PLACE, state__in=sent).order_by("pk")
    update_rows(Decision, ("node",), [(pk, back[node]) for pk, node in places.values_list("pk", "node") if node])


def settle_gone(pods: Sequence[int]) -> None:
    """Pods (ids) that are no longer there."""
    found = Decision.objects.filter(pod__in=pods, state__in=OPEN_STATES).values_list("pk", "kind", "workload")
    kinds: dict[int, dict[int, int]] = {KIND.PLACE: {}, KIND.EVICT: {}, KIND.RESERVE: {}}
    for pk, kind, workload in found:
        kinds[kind][pk] = workload
    _settle(list(kinds[KIND.PLACE]), STATE.FAILED, "The pod is gone.")
    _evicted(kinds[KIND.EVICT])
    # A reserve stays: the room is for the pod that takes the place of this one (`handover`).


def _evicted(decisions: Mapping[int, int]) -> None:
    """Evictions (their workloads by their ids) were seen to have happened."""
    if decisions:
        Workload.objects.filter(pk__in=sorted(set(decisions.values()))).update(evicted_at=timezone.now())
        _settle(list(decisions), STATE.OBSERVED)


def _settle(ids: Sequence[int], state: Decision.State, error: str = "") -> None:
    if ids:
        Decision.objects.filter(pk__in=sorted(ids), state__in=OPEN_STATES).update(state=state, error=error)
