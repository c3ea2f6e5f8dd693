"""What may be stopped for others, and in which order inside a project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import gang
from .cycle import Cycle
from .types import Workload


@dataclass(frozen=True, slots=True)
class Victim:
    """Pods of one workload that are stopped together: one that it can spare, or all it has."""

    workload: Workload
    pods: tuple[int, ...]


VictimsByUnit = Mapping[int, Sequence[Victim]]


def victims_by_unit(cycle: Cycle) -> VictimsByUnit:
    """For every project, in the order in which they go: lowest priority, pods above a minimum, newest, highest id.

    Only preemptible workloads past the minimum runtime, and none that is being given something just now.
    """
    found: dict[int, list[tuple[tuple[int, ...], Victim]]] = {}
    for workload in cycle.snapshot.workloads:
        served = workload.id in cycle.started or gang.has_reservation(cycle.ledger, workload)
        if not workload.preemptible or served or _protected(cycle, workload):
            continue
        age = (-workload.created_ms, -workload.id)
        entries = found.setdefault(workload.unit, [])
        for position, pod in enumerate(_spare_pods(cycle, workload)):
            entries.append(((workload.priority, 0, *age, position), Victim(workload, (pod,))))
        everything = tuple(pod for group in workload.sub_groups for pod in gang.bound(cycle.ledger, group))
        if everything:
            entries.append(((workload.priority, 1, *age, 0), Victim(workload, everything)))
    return {unit: [victim for _, victim in sorted(entries, key=lambda e: e[0])] for unit, entries in found.items()}


def _protected(cycle: Cycle, workload: Workload) -> bool:
    """Has not yet run for the pool's minimum; what is only just being started counts as started now."""
    snapshot = cycle.snapshot
    started_ms = snapshot.now_ms if workload.started_ms is None else workload.started_ms
    return snapshot.now_ms - started_ms < snapshot.min_runtime_ms


def _spare_pods(cycle: Cycle, workload: Workload) -> list[int]:
    """Pods above the minimum of their sub-group, last in first."""
    return [
        pod
        for group in reversed(workload.sub_groups)
        for pod in reversed(gang.bound(cycle.ledger, group)[group.min_members :])
    ]
