"""What the cluster shows of decisions that are under way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scheduling.models import OPEN_STATES, Decision

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
        _settle(list(evicts.values_list("pk", flat=True)), STATE.OBSERVED)


def settle_gone(pods: Sequence[int]) -> None:
    """Pods (ids) that are no longer there."""
    found = Decision.objects.filter(pod__in=pods, state__in=OPEN_STATES).values_list("pk", "kind")
    kinds: dict[int, list[int]] = {KIND.PLACE: [], KIND.EVICT: [], KIND.RESERVE: []}
    for pk, kind in found:
        kinds[kind].append(pk)
    _settle(kinds[KIND.PLACE], STATE.FAILED, "The pod is gone.")
    _settle(kinds[KIND.EVICT], STATE.OBSERVED)
    _settle(kinds[KIND.RESERVE], STATE.VOID)


def _settle(ids: Sequence[int], state: Decision.State, error: str = "") -> None:
    if ids:
        Decision.objects.filter(pk__in=sorted(ids), state__in=OPEN_STATES).update(state=state, error=error)
