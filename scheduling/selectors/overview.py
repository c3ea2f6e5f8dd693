"""How well the clusters are used, and whether anyone starves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, Sum
from django.db.models.functions import TruncMinute
from django.http import HttpRequest
from django.utils import timezone

from orgs.models import ClusterInfo, OrgUnit, UnitKind
from orgs.scope import below, limited
from portal.quota_bar import QuotaBar
from quotas.models import Pool, Quota, UnitUsage
from scheduling.models import PoolSample, Workload

from .scheduler import COLUMNS, resource_of
from .visible import visible_workloads
from .workloads import WorkloadRow, workload_rows

SHOWN = 5
WHOLE = (UnitKind.ACCOUNT, UnitKind.CLUSTER)


@dataclass(frozen=True, slots=True)
class PoolLine:
    """A pool as a whole, or what the reader's units have of it; milli-GPU, or millicores where it has no GPUs."""

    pool: Pool
    resource: str
    """gpu or cpu."""
    whole: bool
    inside: int = 0
    over: int = 0
    rest: int = 0
    """Free in the pool, or guaranteed to the units and idle."""
    lost: int = 0
    waiting: int = 0
    guaranteed: int = 0
    """Sum of the guarantees."""

    @property
    def used(self) -> int:
        return self.inside + self.over

    @property
    def total(self) -> int:
        return self.used + self.rest if self.whole else self.guaranteed

    @property
    def empty(self) -> bool:
        return not (self.used or self.rest or self.waiting or self.guaranteed)

    def bar(self, scale: int | None = None) -> QuotaBar:
        return QuotaBar(
            inside=self.inside,
            over=self.over,
            idle=0 if self.whole else self.rest,
            free=self.rest if self.whole else None,
            lost=self.lost,
            waiting=self.waiting,
            scale=scale,
            resource=self.resource,
        )


@dataclass(frozen=True, slots=True)
class Starving:
    """A project below its guarantee with work waiting."""

    usage: UnitUsage
    quota_milli: int
    bar: QuotaBar


def sees_whole(scope: OrgUnit | None) -> bool:
    """Whether the page is about whole pools; below a cluster it is about what the units in the scope have of them."""
    return scope is not None and scope.kind in WHOLE


def pool_lines(request: HttpRequest, pools: list[Pool], scope: OrgUnit | None) -> list[PoolLine]:
    """Of units only the pools in which they have, may have or want something; two queries more."""
    if sees_whole(scope):
        sums = _guaranteed(pools, Q())
        return [_whole(pool, sums) for pool in pools]
    projects = limited(OrgUnit.objects.filter(kind=UnitKind.PROJECT), request, "project:read").values("pk")
    sums = _guaranteed(pools, Q(unit__in=projects))
    usages: dict[int, Mapping[str, Any]] = {
        row["pool"]: row
        for row in UnitUsage.objects.filter(pool__in=pools, unit__in=projects)
        .values("pool")
        .annotate(
            over=Sum("over_gpu_milli"),
            **{column: Sum(column) for column in COLUMNS.values()},
            **{f"requested_{column}": Sum(f"requested_{column}") for column in COLUMNS.values()},
        )
    }
    lines = [_part(pool, sums, usages.get(pool.pk, {})) for pool in pools]
    return [line for line in lines if not line.empty] or lines


Guaranteed = dict[int, dict[str, int]]


def _guaranteed(pools: list[Pool], units: Q) -> Guaranteed:
    """What projects are guaranteed in each pool, by resource."""
    rows = Quota.objects.filter(units, pool__in=pools, unit__kind=UnitKind.PROJECT).values("pool")
    return {
        row["pool"]: {"gpu": row["gpu"] or 0, "cpu": row["cpu"] or 0}
        for row in rows.annotate(gpu=Sum("gpu_milli"), cpu=Sum("cpu_millicores"))
    }


def _whole(pool: Pool, guaranteed: Guaranteed) -> PoolLine:
    resource, summary = resource_of(pool), getattr(pool, "summary", None)
    quota = guaranteed.get(pool.pk, {}).get(resource, 0)
    if summary is None:
        return PoolLine(pool, resource, True, guaranteed=quota)
    if resource == "cpu":
        used = summary.allocated_cpu_millicores
        return PoolLine(pool, "cpu", True, used, rest=max(0, summary.cpu_millicores - used), guaranteed=quota)
    used = summary.allocated_gpu_milli
    over, free = min(summary.over_gpu_milli, used), max(0, summary.gpu_milli - used)
    lost, waiting = summary.lost_gpu_milli, summary.requested_gpu_milli
    return PoolLine(pool, "gpu", True, used - over, over, free, lost, waiting, quota)


def _part(pool: Pool, guaranteed: Guaranteed, usage: Mapping[str, Any]) -> PoolLine:
    resource = resource_of(pool)
    column = COLUMNS[resource]
    used, quota = usage.get(column, 0), guaranteed.get(pool.pk, {}).get(resource, 0)
    over = usage.get("over", 0) if resource == "gpu" else 0
    waiting = max(0, usage.get(f"requested_{column}", 0) - used)
    return PoolLine(
        pool, resource, False, used - over, over, max(0, quota - used + over), waiting=waiting, guaranteed=quota
    )


def starving(request: HttpRequest) -> tuple[list[Starving], int]:
    """Those that wait longest, and how many there are."""
    rows = limited(
        UnitUsage.objects.filter(starving_since__isnull=False, unit__kind=UnitKind.PROJECT),
        request,
        "project:read",
        "unit",
    )
    shown = list(rows.select_related("unit", "pool").order_by("starving_since", "id")[:SHOWN])
    quotas = {
        (unit, pool): quota
        for unit, pool, quota in Quota.objects.filter(
            unit__in=[usage.unit_id for usage in shown], pool__in=[usage.pool_id for usage in shown]
        ).values_list("unit_id", "pool_id", "gpu_milli")
    }
    return [_starving(usage, quotas.get((usage.unit_id, usage.pool_id), 0)) for usage in shown], rows.count()


def _starving(usage: UnitUsage, quota: int) -> Starving:
    waiting = max(0, usage.requested_gpu_milli - usage.gpu_milli)
    return Starving(usage, quota, QuotaBar.of(usage.gpu_milli, quota, waiting=waiting))


def longest_waiting(request: HttpRequest) -> list[WorkloadRow]:
    waiting = visible_workloads(request.user).filter(
        below(getattr(request, "unit_scope", None), "project"), is_active=True, state=Workload.State.WAITING
    )
    return workload_rows(list(waiting.order_by("state_since", "id").values_list("id", flat=True)[:SHOWN]))


def clusters(pools: list[Pool]) -> list[ClusterInfo]:
    ids = {pool.cluster_id for pool in pools}
    return list(ClusterInfo.objects.select_related("unit").filter(unit__in=ids).order_by("unit__name"))


@dataclass(frozen=True, slots=True)
class Sample:
    """One point of the chart: all pools together, milli-GPU."""

    at: datetime
    ready: int
    guaranteed: int
    over: int


def samples(pools: list[Pool], window: timedelta = timedelta(hours=24), points: int = 144) -> list[Sample]:
    """The window, as far as it is known, in at most `points` steps, of each its last minute.

    The minute that is still running is left out.
    """
    until = timezone.now().replace(second=0, microsecond=0)
    rows = list(
        PoolSample.objects.filter(pool__in=[pool.pk for pool in pools], at__gte=until - window, at__lt=until)
        .annotate(minute=TruncMinute("at"))
        .values("minute")
        .annotate(ready=Sum("gpu_milli"), guaranteed=Sum("guaranteed_gpu_milli"), over=Sum("over_gpu_milli"))
        .order_by("minute")
        .values_list("minute", "ready", "guaranteed", "over")
    )
    if not rows:
        return []
    since = rows[0][0]
    step = max((until - since) / points, timedelta(minutes=1))
    latest: dict[int, Sample] = {}
    for minute, ready, guaranteed, over in rows:
        latest[(minute - since) // step] = Sample(minute, ready, guaranteed, over)
    return [latest[index] for index in sorted(latest)]
