"""Which pools a person may know of, and the hardware in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Max, Min, Q, QuerySet, Sum
from django.http import HttpRequest

from orgs.access import within
from orgs.models import OrgUnit, UnitState
from orgs.scope import below
from quotas.models import Node, Pool, Topology

from .sums import NOTHING, Amounts

_READY = Q(state=Node.State.READY)


def pools_in_scope(request: HttpRequest) -> QuerySet[Pool]:
    """Of the clusters in which the reader may see pools of any unit in the scope; with cluster and summary, by name."""
    return (
        Pool.objects.filter(cluster__in=clusters_in_scope(request, "pool:read"))
        .select_related("cluster", "summary", "topology")
        .order_by("cluster__name", "name")
    )


def topologies_in_scope(request: HttpRequest) -> QuerySet[Topology]:
    """Of the same clusters; with the cluster, by name."""
    return (
        Topology.objects.filter(cluster__in=clusters_in_scope(request, "pool:read"))
        .select_related("cluster")
        .order_by("cluster__name", "name")
    )


def clusters_in_scope(request: HttpRequest, permission: str) -> QuerySet[OrgUnit]:
    """Clusters in use in which the reader holds the permission on any unit of the scope, by name."""
    units = within(OrgUnit.objects.filter(below(getattr(request, "unit_scope", None))), request.user, permission)
    inside = units.exclude(cluster=None).values("cluster")
    return OrgUnit.objects.filter(pk__in=inside, state=UnitState.ACTIVE).order_by("name")


@dataclass(frozen=True, slots=True)
class Hardware:
    """What the nodes of a pool have."""

    nodes: int = 0
    ready_nodes: int = 0
    cordoned: int = 0
    """Of the ready ones: take nothing new."""
    conflicts: int = 0
    """Nodes that another pool matches, too: they take nothing new either."""
    open_nodes: int = 0
    """Nodes that take work."""
    ready: Amounts = NOTHING
    lost: Amounts = NOTHING
    """On nodes that are not ready."""
    gpu_type: str = ""
    """Of all its GPUs, if it is one."""

    @property
    def lost_gpu_milli(self) -> int:
        return self.lost.gpu_milli

    @property
    def gpu_milli(self) -> int:
        return self.ready.gpu_milli + self.lost_gpu_milli


NO_HARDWARE = Hardware()


def hardware(pools: Iterable[int]) -> dict[int, Hardware]:
    """Pool -> its present nodes, in one query; pools without nodes are left out."""
    rows = (
        Node.objects.filter(pool__in=list(pools), removed_at=None)
        .order_by()
        .values_list("pool")
        .annotate(
            n1=Count("id"),
            n2=Count("id", filter=_READY),
            n3=Count("id", filter=_READY & Q(schedulable=False)),
            n4=Count("id", filter=~Q(conflict=None)),
            n5=Count("id", filter=_READY & Q(schedulable=True, conflict=None)),
            r1=Sum("gpu_count", filter=_READY, default=0),
            r2=Sum("cpu_millicores", filter=_READY, default=0),
            r3=Sum("memory_bytes", filter=_READY, default=0),
            l1=Sum("gpu_count", filter=~_READY, default=0),
            l2=Sum("cpu_millicores", filter=~_READY, default=0),
            l3=Sum("memory_bytes", filter=~_READY, default=0),
            t1=Min("gpu_type", filter=Q(gpu_count__gt=0), default=""),
            t2=Max("gpu_type", filter=Q(gpu_count__gt=0), default=""),
        )
    )
    return {
        pool: Hardware(
            nodes=nodes,
            ready_nodes=ready,
            cordoned=cordoned,
            conflicts=conflicts,
            open_nodes=taking,
            ready=Amounts(gpus * 1000, cpu, memory),
            lost=Amounts(lost[0] * 1000, lost[1], lost[2]),
            gpu_type=first if first == last else "",
        )
        for pool, nodes, ready, cordoned, conflicts, taking, gpus, cpu, memory, *lost, first, last in rows
    }
