"""What `/metrics` tells Prometheus: how pools and departments stand, and whether the loops keep time.

Labels are clusters, pools, and departments: of the latter at most `MOST_UNITS` (each in one pool), those that ask for
most. No project, person or workload is one. A fixed number of queries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from orgs.models import ClusterInfo, OrgUnit, UnitKind, UnitState
from portal.models import Lease, LiveWorker
from quotas.models import Pool, PoolSummary, Quota, UnitUsage
from quotas.models.guard import GuardFinding
from scheduling.selectors.loops import LoopRow, loop_rows

MOST_UNITS = 1000
Sample = tuple[Sequence[str], float]
OF_SUMMARIES: dict[str, tuple[str, Callable[[PoolSummary], float]]] = {
    "gpus": ("GPUs of ready nodes.", lambda found: found.gpu_milli / 1000),
    "gpus_lost": ("GPUs of nodes that are not ready.", lambda found: found.lost_gpu_milli / 1000),
    "gpus_allocated": ("GPUs in use.", lambda found: found.allocated_gpu_milli / 1000),
    "gpus_over_quota": ("GPUs in use beyond guarantees.", lambda found: found.over_gpu_milli / 1000),
    "gpus_waiting": ("GPUs that waiting work asks for.", lambda found: found.requested_gpu_milli / 1000),
    "cores": ("Cores of ready nodes.", lambda found: found.cpu_millicores / 1000),
    "cores_allocated": ("Cores in use.", lambda found: found.allocated_cpu_millicores / 1000),
    "memory_bytes": ("Memory of ready nodes.", lambda found: found.memory_bytes),
    "memory_allocated_bytes": ("Memory in use.", lambda found: found.allocated_memory_bytes),
    "nodes": ("Nodes.", lambda found: found.nodes),
    "nodes_ready": ("Nodes that are ready.", lambda found: found.ready),
    "workloads_running": ("Workloads that run.", lambda found: found.running),
    "workloads_waiting": ("Workloads that wait.", lambda found: found.pending),
    "published": ("How many cycles its loop has published.", lambda found: found.cycle),
}
OF_LOOPS: dict[str, tuple[str, Callable[[LoopRow], float | None]]] = {
    "on_time": ("1 while its loop keeps time, else 0.", lambda row: row.state == "on time"),
    "lease_age_seconds": ("Since its loop last renewed its lease.", lambda row: row.age_seconds),
    "cycle_median_seconds": ("Of cycles that decided something in 10 minutes.", lambda row: row.median),
    "cycle_p95_seconds": ("95 of 100 of these took at most this.", lambda row: row.most),
    "decisions": ("What was placed, reserved or evicted in 10 minutes.", lambda row: row.decisions),
}
OF_UNITS: dict[str, tuple[str, Callable[[UnitUsage], float]]] = {
    "gpus_allocated": ("GPUs in use.", lambda usage: usage.gpu_milli / 1000),
    "gpus_fair": ("GPUs that are its fair share.", lambda usage: usage.fair_gpu_milli / 1000),
    "gpus_over_quota": ("GPUs in use beyond the guarantees in it.", lambda usage: usage.over_gpu_milli / 1000),
    "gpus_idle": ("GPUs guaranteed and not used.", lambda usage: usage.idle_gpu_milli / 1000),
    "gpus_requested": ("GPUs in use or waited for.", lambda usage: usage.requested_gpu_milli / 1000),
    "workloads_waiting": ("Workloads that wait.", lambda usage: usage.pending),
}


def metrics_text() -> bytes:
    """In Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Standing())
    return generate_latest(registry)


class _Standing(Collector):
    """How things stand now, read from the database when it is asked for."""

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        now = timezone.now()
        pools = list(
            Pool.objects.filter(cluster__state=UnitState.ACTIVE)
            .select_related("cluster", "summary")
            .order_by("cluster__name", "name")
        )
        yield from _of_pools(pools, now)
        yield from _of_units({pool.pk: pool for pool in pools})
        yield from _of_the_whole(now)


def _of_pools(pools: Sequence[Pool], now: datetime) -> Iterator[Metric]:
    labels = ("cluster", "pool")
    known = [(_place(pool), pool.summary) for pool in pools if getattr(pool, "summary", None) is not None]
    for name, (words, value) in OF_SUMMARIES.items():
        yield _family(f"bursar_pool_{name}", words, labels, ((place, value(one)) for place, one in known))
    ages = ((place, _seconds(now, summary.as_of)) for place, summary in known)
    yield _family("bursar_pool_summary_age_seconds", "Since its loop last published this.", labels, ages)
    rows = loop_rows(pools)
    for name, (words, of_row) in OF_LOOPS.items():
        found = ((_place(row.pool), of_row(row)) for row in rows)
        samples = ((place, float(number)) for place, number in found if number is not None)
        yield _family(f"bursar_pool_{name}", words, labels, samples)


def _of_units(pools: dict[int, Pool]) -> Iterator[Metric]:
    labels = ("cluster", "pool", "department")
    usages = UnitUsage.objects.filter(
        pool__in=pools, unit__kind=UnitKind.DEPARTMENT, unit__state=UnitState.ACTIVE
    ).select_related("unit")
    shown = list(usages.order_by("-requested_gpu_milli", "pk")[: MOST_UNITS + 1])
    usages_shown, more = shown[:MOST_UNITS], len(shown) > MOST_UNITS
    names = _names([usage.unit for usage in usages_shown])
    places = {usage.pk: (*_place(pools[usage.pool_id]), names[usage.unit_id]) for usage in usages_shown}
    for name, (words, value) in OF_UNITS.items():
        samples = ((places[usage.pk], value(usage)) for usage in usages_shown)
        yield _family(f"bursar_department_{name}", words, labels, samples)
    quotas = Quota.objects.filter(unit__in={usage.unit_id for usage in usages_shown})
    given = {(unit, pool): milli for unit, pool, milli in quotas.values_list("unit", "pool", "gpu_milli")}
    quota = ((places[one.pk], given.get((one.unit_id, one.pool_id), 0) / 1000) for one in usages_shown)
    yield _family("bursar_department_gpus_quota", "GPUs that are guaranteed.", labels, quota)
    words = "1 where departments that ask for least are left out, else 0."
    yield _family("bursar_departments_left_out", words, (), [((), float(more))])


def _of_the_whole(now: datetime) -> Iterator[Metric]:
    clusters = list(ClusterInfo.objects.filter(unit__state=UnitState.ACTIVE).select_related("unit").order_by("unit"))
    seen = (((info.unit.name,), _seconds(now, info.last_seen)) for info in clusters if info.last_seen)
    yield _family("bursar_cluster_seen_age_seconds", "Since a cluster last answered.", ("cluster",), seen)
    connected = (((info.unit.name,), float(info.state == ClusterInfo.State.CONNECTED)) for info in clusters)
    yield _family("bursar_cluster_connected", "1 while a cluster is connected, else 0.", ("cluster",), connected)
    leases = Lease.objects.values_list("expires_at", flat=True)
    held = sum(expires > now for expires in leases)
    yield _family("bursar_leases_held", "Leases that somebody holds.", (), [((), held)])
    yield _family("bursar_leases_lapsed", "Leases that nobody holds any more.", (), [((), len(leases) - held)])
    workers = sum(1 for at in LiveWorker.objects.values_list("seen_at", flat=True) if _seconds(now, at) < _patience())
    yield _family("bursar_workers", "Worker processes that were heard of lately.", (), [((), workers)])
    open_ = GuardFinding.objects.filter(resolved_at=None).aggregate(number=Count("pk"))["number"]
    yield _family("bursar_findings_open", "Guarantees that do not add up.", (), [((), open_)])


def _family(name: str, words: str, labels: Sequence[str], samples: Iterable[Sample]) -> Metric:
    family = GaugeMetricFamily(name, words, labels=labels)
    for place, number in samples:
        family.add_metric(place, number)
    return family


def _names(units: Sequence[OrgUnit]) -> dict[int, str]:
    """Departments by their names from the cluster down, as siblings only have names of their own."""
    above = {pk for unit in units for pk in unit.ancestor_ids[2:]}
    known: dict[Any, str] = dict(OrgUnit.objects.filter(pk__in=above).values_list("pk", "name"))
    return {unit.pk: "/".join(known[pk] for pk in unit.ancestor_ids[2:]) for unit in units}


def _place(pool: Pool) -> tuple[str, str]:
    return pool.cluster.name, pool.name


def _seconds(now: datetime, then: datetime) -> float:
    return max(0.0, (now - then).total_seconds())


def _patience() -> float:
    """So long a lease is waited for."""
    return float(settings.LEASE_SECONDS + settings.CALL_TIMEOUT_SECONDS)
