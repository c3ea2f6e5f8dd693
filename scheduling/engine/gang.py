"""What a workload starts next: the whole minimum it lacks, and after that one pod at a time."""

from __future__ import annotations

from dataclasses import dataclass

from .arithmetic import total
from .ledger import Ledger
from .types import Amounts, PodState, SubGroup, Workload


@dataclass(frozen=True, slots=True)
class Chunk:
    """Pods of one workload that start together or not at all, and what they ask for in sum."""

    pods: tuple[int, ...]
    asked: Amounts


def next_chunk(ledger: Ledger, workload: Workload) -> Chunk | None:
    """None where nothing is left to start, or where fewer pods exist than must start together."""
    minimum: list[int] = []
    for group in workload.sub_groups:
        lacking = _lacking(ledger, group)
        waiting = pending(ledger, group)
        if lacking > len(waiting):
            return None
        minimum += waiting[:lacking]
    if minimum:
        return _chunk(ledger, minimum)
    growth = [pod for group in workload.sub_groups for pod in pending(ledger, group)]
    return _chunk(ledger, growth[:1]) if growth else None


def pending(ledger: Ledger, group: SubGroup) -> list[int]:
    """Pods without a node, in the order in which they are to start: first those for which room is kept."""
    waiting = [pod.id for pod in group.pods if pod.state is PodState.PENDING and pod.id not in ledger.bound]
    return sorted(waiting, key=lambda pod: pod not in ledger.reserved)


def bound(ledger: Ledger, group: SubGroup) -> list[int]:
    return [pod.id for pod in group.pods if pod.id in ledger.bound]


def is_bound(ledger: Ledger, workload: Workload) -> bool:
    """At least one pod is on a node and stays there."""
    return any(pod.id in ledger.bound for group in workload.sub_groups for pod in group.pods)


def has_reservation(ledger: Ledger, workload: Workload) -> bool:
    """Room is being freed for one of its pods."""
    return any(pod.id in ledger.reserved for group in workload.sub_groups for pod in group.pods)


def waits(ledger: Ledger, workload: Workload) -> bool:
    """It has pods to start, and either none is on a node yet or its minimum is not."""
    has_pending = any(pending(ledger, group) for group in workload.sub_groups)
    return has_pending and (not is_bound(ledger, workload) or lacks_minimum(ledger, workload))


def lacks_minimum(ledger: Ledger, workload: Workload) -> bool:
    return any(_lacking(ledger, group) for group in workload.sub_groups)


def stage(ledger: Ledger, workload: Workload) -> int:
    """0 below its minimum, 1 exactly at it, 2 above."""
    if lacks_minimum(ledger, workload):
        return 0
    return 2 if any(len(bound(ledger, group)) > group.min_members for group in workload.sub_groups) else 1


def _lacking(ledger: Ledger, group: SubGroup) -> int:
    return max(0, group.min_members - len(bound(ledger, group)))


def _chunk(ledger: Ledger, pods: list[int]) -> Chunk:
    return Chunk(tuple(pods), total(ledger.request(pod).amounts for pod in pods))
