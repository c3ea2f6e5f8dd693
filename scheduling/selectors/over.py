"""Which workloads are the ones that run over quota: in each project the lowest priority first, then the newest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from orgs.models import UnitKind
from quotas.models import UnitUsage
from scheduling.models import Pod, Workload


def over_quota_milli(pools: Collection[int], projects: Collection[int] | None = None) -> dict[int, int]:
    """milli-GPU over quota by workload id, in these pools (and of these projects only); two queries."""
    usages = UnitUsage.objects.filter(pool__in=pools, unit__kind=UnitKind.PROJECT, over_gpu_milli__gt=0)
    if projects is not None:
        usages = usages.filter(unit__in=projects)
    left = {(unit, pool): over for unit, pool, over in usages.values_list("unit_id", "pool_id", "over_gpu_milli")}
    if not left:
        return {}
    workloads = (
        Workload.objects.filter(
            is_active=True,
            preemptible=True,
            allocated_gpu_milli__gt=0,
            pool__in={pool for _, pool in left},
            project__in={unit for unit, _ in left},
        )
        .order_by("priority", "-started_at", "-id")
        .values_list("id", "project_id", "pool_id", "allocated_gpu_milli")
    )
    over = {}
    for workload, project, pool, allocated in workloads:
        if part := min(allocated, left.get((project, pool), 0)):
            over[workload] = part
            left[project, pool] -= part
    return over


def pods_over_milli(pools: Collection[int]) -> dict[int, int]:
    """milli-GPU over quota by pod id, in these pools: the newest pods of a workload first; three queries."""
    left = over_quota_milli(pools)
    if not left:
        return {}
    over: dict[int, int] = defaultdict(int)
    pods = Pod.objects.filter(workload__in=list(left), node__isnull=False, phase__lte=Pod.Phase.STOPPING).order_by(
        "-id"
    )
    rows = pods.values_list("id", "workload_id", "sub_group__devices", "device_milli")
    for pod, workload, devices, milli in rows:
        part = min(left[workload], devices * milli)
        left[workload] -= part
        if part:
            over[pod] = part
    return over
