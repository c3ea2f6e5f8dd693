"""What a found workload asks for in all: its pods by what they ask for, and how many of them start together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from scheduling.clusters.seen import SeenObject
from scheduling.models import Priority

from .found_pods import GANGS, Group, Shape

PRIORITIES = ((100, Priority.VERY_HIGH), (75, Priority.HIGH), (50, Priority.MEDIUM))
"""From which value of a PriorityClass on; below the last it is low, and 0, which pods without one have, is medium."""


class Wanted(NamedTuple):
    """Pods of one shape."""

    pods: int
    minimum: int


def priority_of(value: int) -> Priority:
    if value == 0:
        return Priority.MEDIUM
    return next((priority for lowest, priority in PRIORITIES if value >= lowest), Priority.LOW)


def wanted_of(group: Group, item: SeenObject | None) -> dict[Shape, Wanted]:
    """Of a group with live pods. `item`: its object, where that is followed; else there are the pods that are seen."""
    assert group.pod.found is not None
    minimum = group.pod.found.minimum
    counts = dict(group.shapes())
    seen = sum(counts.values())
    expected = max(seen, item.pods) if item is not None else max(seen, minimum)
    # Pods that are still to be made will be as the newest.
    newest = list(counts)[-1]
    counts[newest] += expected - seen
    least = minimum or (expected if group.top.kind in GANGS else 1)
    found = {}
    for shape, pods in counts.items():
        found[shape] = Wanted(pods, min(pods, least))
        least -= found[shape].minimum
    return found


def sums_of(wanted: Mapping[Shape, Wanted], item: SeenObject | None) -> dict[str, int]:
    """By the columns of `Workload`. While its object is updated there are more pods than it is to have."""
    pods = {shape: number for shape, (number, _) in wanted.items()}
    return {
        "pods_wanted": item.pods if item is not None else sum(pods.values()),
        "requested_gpu_milli": sum(number * shape.devices * 1000 for shape, number in pods.items()),
        "requested_cpu_millicores": sum(number * shape.cpu_millicores for shape, number in pods.items()),
        "requested_memory_bytes": sum(number * shape.memory_bytes for shape, number in pods.items()),
    }


def placement_of(shape: Shape) -> dict[str, Any]:
    """As `SubGroup.placement` holds it."""
    placement: dict[str, Any] = {}
    if shape.node_labels:
        placement["nodes"] = dict(shape.node_labels)
    if shape.tolerations:
        placement["tolerations"] = [dict(item) for item in shape.tolerations]
    return placement
