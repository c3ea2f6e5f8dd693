"""Rows of sub-groups, and what they come to. Called by the services of workloads, in their transactions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Min

from quotas.models import Node, Pool
from scheduling.models import SubGroup, Workload
from scheduling.quantities import MEBIBYTE, device_share_milli

from .workload_rules import SHAPE


def shape_of(group: SubGroup) -> dict[str, int]:
    own = {"pods": "wanted", "min_pods": "min_members"}
    return {field: getattr(group, own.get(field, field)) for field in SHAPE}


def asked_for(shapes: Iterable[Mapping[str, int]], pool: Pool) -> dict[str, int]:
    """The sums of a workload. GPU memory counts as the part that it is of the smallest GPU of the pool."""
    sums = dict.fromkeys(
        ("pods_wanted", "requested_gpu_milli", "requested_cpu_millicores", "requested_memory_bytes"), 0
    )
    smallest: int | None = None
    for shape in shapes:
        milli = shape["device_milli"]
        if shape["gpu_memory_mib"]:
            if smallest is None:
                smallest = _smallest_gpu_mib(pool)
            milli = device_share_milli(shape["gpu_memory_mib"], smallest) or milli
        sums["pods_wanted"] += shape["pods"]
        sums["requested_gpu_milli"] += shape["pods"] * shape["devices"] * milli
        sums["requested_cpu_millicores"] += shape["pods"] * shape["cpu_millicores"]
        sums["requested_memory_bytes"] += shape["pods"] * shape["memory_bytes"]
    return sums


def _smallest_gpu_mib(pool: Pool) -> int:
    nodes = Node.objects.filter(pool=pool, removed_at=None, gpu_count__gt=0, gpu_memory_bytes__gt=0)
    found: int | None = nodes.aggregate(least=Min("gpu_memory_bytes"))["least"]
    return (found or 0) // MEBIBYTE


def create_groups(workload: Workload, shapes: Mapping[str, Mapping[str, int]], placement: dict[str, Any]) -> None:
    """All with one request class: what they ask for together, and in which way, is why they wait."""
    near = (workload.near_topology_id, workload.near_required, workload.near_preferred)
    request_class = request_class_of([shapes, placement, near, workload.preemptible, workload.preemption_delay_seconds])
    for name, shape in shapes.items():
        amounts = {field: shape[field] for field in SHAPE if field not in ("pods", "min_pods")}
        SubGroup.objects.create(
            workload=workload,
            name=name,
            min_members=shape["min_pods"],
            wanted=shape["pods"],
            placement=placement,
            request_class=request_class,
            **amounts,
        )


def request_class_of(shape: Any) -> int:
    """63 bits that are the same for the same shape, in every process and version."""
    digest = hashlib.blake2b(json.dumps(shape, sort_keys=True).encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1
