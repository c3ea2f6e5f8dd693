"""The workloads of a pool as a cycle looks at them, from their rows and those of their sub-groups."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.db.models import Count, Q, TextField
from django.db.models.functions import Cast

from portal.reading import EpochMs
from scheduling.engine import types as engine
from scheduling.models import Pod, SubGroup, Workload

from .back_off import Pauses

FIELDS = (
    "pk",
    "project_id",
    "name",
    "kind",
    "priority",
    "preemptible",
    "near_topology_id",
    "near_required",
    "near_preferred",
    "preemption_delay_seconds",
    "disruptions_allowed",
)
TIMES = {
    "created_ms": EpochMs("created_at"),
    "started_ms": EpochMs("started_at"),
    "evicted_ms": EpochMs("evicted_at"),
    "stale_ms": EpochMs("stale_since"),
}
NO_PLACEMENT = "{}"


def workloads_of(
    pods: Mapping[int, Mapping[int, list[engine.Pod]]], usual: engine.Near | None, pauses: Pauses
) -> tuple[engine.Workload, ...]:
    """`pods`: by workload and sub-group (ids). `usual`: how near distributed work is kept that says nothing itself."""
    groups, done = _sub_groups(pods)
    rows = Workload.objects.filter(pk__in=list(groups)).order_by("pk").annotate(**TIMES).values_list(*FIELDS, *TIMES)
    found = []
    for pk, project, name, kind, priority, preemptible, topology, required, preferred, delay, allowed, *times in rows:
        created, started, evicted, stale = times
        near = usual if kind == Workload.Kind.DISTRIBUTED else None
        if topology is not None and (required or preferred):
            near = engine.Near(topology, required or None, preferred or None)
        found.append(
            engine.Workload(
                id=pk,
                unit=project,
                name=name,
                priority=priority,
                preemptible=preemptible,
                created_ms=created,
                sub_groups=tuple(groups[pk]),
                started_ms=started,
                near=near,
                displaces_after_ms=max(created, evicted or 0) + delay * 1000 if delay else 0,
                backs_off_until_ms=pauses.starts.get(pk, 0),
                stale_since_ms=stale,
                disruptions_allowed=0 if pk in pauses.held else allowed,
                has_succeeded_pods=done[pk] > 0,
            )
        )
    return tuple(found)


def _sub_groups(
    pods: Mapping[int, Mapping[int, list[engine.Pod]]],
) -> tuple[dict[int, list[engine.SubGroup]], dict[int, int]]:
    """By workload: its sub-groups in the order in which they start, and how many of its pods have done their part."""
    succeeded = Count("pods", filter=Q(pods__phase=Pod.Phase.SUCCEEDED))
    rows = SubGroup.objects.filter(workload__in=list(pods)).annotate(succeeded=succeeded).order_by("pk")
    groups: dict[int, list[engine.SubGroup]] = defaultdict(list)
    done: dict[int, int] = defaultdict(int)
    fields = ("devices", "device_milli", "gpu_memory_mib", "cpu_millicores", "memory_bytes", "min_members")
    for pk, workload, name, *numbers, counted, there, placement in rows.values_list(
        "pk", "workload_id", "name", *fields, "done", "succeeded", Cast("placement", TextField())
    ):
        *shape, min_members = numbers
        ended = max(counted, there)
        done[workload] += ended
        here = pods[workload].get(pk, [])
        short = max(min_members - ended, 0)
        # A sub-group of which nothing is there counts only for who wants to start: it is what that lacks.
        if here or (short and _waits(pods[workload])):
            groups[workload].append(engine.SubGroup(pk, _request(*shape, placement), short, tuple(here), name))
    return groups, done


def _waits(groups: Mapping[int, Sequence[engine.Pod]]) -> bool:
    return any(pod.state is engine.PodState.PENDING for pods in groups.values() for pod in pods)


@lru_cache(maxsize=16_384)
def _request(devices: int, device_milli: int, memory_mib: int, cpu: int, memory: int, placement: str) -> engine.Request:
    """Equal ones are one object: there are far fewer shapes than sub-groups."""
    request = engine.Request(devices, device_milli, cpu, memory, memory_mib)
    if placement == NO_PLACEMENT:
        return request
    wishes: dict[str, Any] = json.loads(placement)
    required = tuple(
        engine.Requirement(key, engine.Operator.IN, (value,)) for key, value in sorted(wishes.get("nodes", {}).items())
    )
    tolerations = tuple(sorted(toleration_of(item) for item in wishes.get("tolerations", ())))
    return engine.Request(
        devices, device_milli, cpu, memory, memory_mib, nodes=(required,) if required else (), tolerations=tolerations
    )


def toleration_of(item: Mapping[str, Any]) -> engine.Toleration:
    exists = item.get("operator") == "Exists"
    return engine.Toleration(
        item.get("key", ""), "" if exists else item.get("value", ""), exists, item.get("effect", "")
    )
