"""What a workload asks for, as a forecast takes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from scheduling.asking import Ask
from scheduling.engine.types import Request, Toleration
from scheduling.loops.snapshot_workloads import toleration_of
from scheduling.models import SubGroup


def ask_of(preemptible: bool, groups: Sequence[SubGroup], level: str) -> Ask:
    """`level`: what its pods have to be together in, of a topology."""
    first, *others = ((_request(group), group.wanted, group.min_members) for group in groups)
    placement = groups[0].placement
    tolerations = tolerations_of(placement.get("tolerations", ()))
    return Ask(*first, preemptible, tuple(others), placement.get("nodes", {}), tolerations, level)


def tolerations_of(items: Iterable[dict[str, Any]]) -> tuple[Toleration, ...]:
    return tuple(sorted(toleration_of(item) for item in items))


def _request(group: SubGroup) -> Request:
    return Request(group.devices, group.device_milli, group.cpu_millicores, group.memory_bytes, group.gpu_memory_mib)
