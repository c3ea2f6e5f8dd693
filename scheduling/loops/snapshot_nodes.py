"""The nodes of a pool as a cycle looks at them: what others leave of them, their labels and taints."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from functools import lru_cache
from typing import Any

from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from quotas.models import Node
from scheduling.engine import types as engine
from scheduling.models import Pod
from scheduling.quantities import DEVICE_MILLI, MEBIBYTE

LIVE = (Pod.Phase.STARTING, Pod.Phase.RUNNING, Pod.Phase.STOPPING)
EFFECTS = ("NoSchedule", "NoExecute")
"""Of taints: those that keep pods off. PreferNoSchedule is advice."""
REMEMBERED = 32_768
"""Different sets of labels: as a rule each node has its own, for its name is among them."""
FIELDS = (
    "pk",
    "name",
    "gpu_count",
    "gpu_memory_bytes",
    "cpu_millicores",
    "memory_bytes",
    "pod_slots",
    "state",
    "schedulable",
    "conflict_id",
    "foreign_gpu_milli",
    "foreign_cpu_millicores",
    "foreign_memory_bytes",
    "foreign_pods",
)


def nodes_of(pool: int) -> tuple[tuple[engine.Node, ...], frozenset[int]]:
    """The nodes, and the strangers on them: ids of workloads with pods there that are charged to no pool or another.

    What others take is subtracted: pods of other schedulers, and those of strangers.
    """
    elsewhere: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    held: dict[int, Counter[int]] = defaultdict(Counter)
    found: set[int] = set()
    for workload, node, numbers, devices, milli, cpu, memory in strangers_on(pool).values_list(
        "workload_id", "node_id", "devices", "sub_group__devices", "device_milli", "sub_group__cpu_millicores",
        "sub_group__memory_bytes",
    ):  # fmt: skip
        found.add(workload)
        for place, amount in enumerate((devices * milli, cpu, memory, 1)):
            elsewhere[node][place] += amount
        for number in device_numbers(numbers):
            held[node][number] += milli
    rows = Node.objects.filter(pool=pool, removed_at=None).order_by("name", "pk")
    # As text, which is compared with what was read before: taking labels apart costs more than all the rest.
    wide = (Cast("labels", TextField()), Cast("taints", TextField()))
    nodes = []
    for pk, name, gpus, gpu_memory, cpu, memory, slots, state, schedulable, conflict, *rest in rows.values_list(
        *FIELDS, *wide
    ):
        *foreign, labels, taints = rest
        gpu_taken, cpu_taken, memory_taken, pods = (a + b for a, b in zip(foreign, elsewhere[pk], strict=True))
        nodes.append(
            engine.Node(
                id=pk,
                name=name,
                devices=gpus,
                capacity=engine.Amounts(
                    max(gpus * 1000 - gpu_taken, 0), max(cpu - cpu_taken, 0), max(memory - memory_taken, 0)
                ),
                pod_slots=max(slots - pods, 0),
                # One that two pools match takes nothing new in either; what runs there goes on.
                ready=state == Node.State.READY and schedulable and conflict is None,
                device_memory_mib=gpu_memory // MEBIBYTE if gpus else 0,
                labels=labels_of(labels),
                taints=taints_of(taints),
                taken=_taken(held[pk], gpus) if pk in held else (),
            )
        )
    return tuple(nodes), frozenset(found)


def strangers_on(pool: int) -> QuerySet[Pod]:
    """Pods on nodes of the pool that are charged elsewhere: a node takes those that run on it along to another pool."""
    return Pod.objects.filter(node__pool=pool, phase__in=LIVE).exclude(charged_pool=pool)


def device_numbers(text: str) -> tuple[int, ...]:
    """Numbers of GPUs from a column that has them between commas."""
    return tuple(int(part) for part in text.split(",") if part.isdecimal())


def _taken(held: Counter[int], devices: int) -> tuple[tuple[int, int], ...]:
    """What is held of each device that the node has."""
    return tuple((number, min(milli, DEVICE_MILLI)) for number, milli in sorted(held.items()) if number < devices)


@lru_cache(maxsize=REMEMBERED)
def labels_of(text: str) -> tuple[tuple[str, str], ...]:
    """In the order of their keys. Equal ones are one object, and equal parts of different ones, too."""
    found: dict[str, Any] = json.loads(text)
    return tuple(_label(key, str(value)) for key, value in sorted(found.items()))


@lru_cache(maxsize=REMEMBERED)
def _label(key: str, value: str) -> tuple[str, str]:
    return key, value


@lru_cache(maxsize=REMEMBERED)
def taints_of(text: str) -> tuple[engine.Taint, ...]:
    found = {
        engine.Taint(taint.get("key", ""), taint.get("value") or "", taint["effect"])
        for taint in json.loads(text)
        if taint.get("effect") in EFFECTS
    }
    return tuple(sorted(found))
