"""Which leases somebody has to hold."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from orgs.models import ClusterInfo, UnitState
from quotas.models import Pool

ASSIGNER = "assigner:cluster:"
EXPLAINER = "explainer:cluster:"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A cluster to observe, to choose pools in, to tell why pods wait, or a pool to schedule."""

    lease: str
    cluster: int
    pool: int | None = None

    @property
    def chooses(self) -> bool:
        return self.lease.startswith(ASSIGNER)

    @property
    def explains(self) -> bool:
        return self.lease.startswith(EXPLAINER)


def wanted_leases() -> list[Wanted]:
    """Two for every cluster, one more where people use kubectl, and one for each of its pools. Also for a simulated one
    that is being deleted, for its work has to end; a Kubernetes cluster is left as it is."""
    left = Q(mode=ClusterInfo.Mode.KUBERNETES, unit__state=UnitState.DELETING)
    clusters = dict(ClusterInfo.objects.exclude(left).order_by("pk").values_list("pk", "mode"))
    pools = Pool.objects.filter(cluster__in=clusters).order_by("pk").values_list("pk", "cluster_id")
    return (
        [Wanted(f"observer:cluster:{cluster}", cluster) for cluster in clusters]
        + [Wanted(f"{ASSIGNER}{cluster}", cluster) for cluster in clusters]
        + [Wanted(f"{EXPLAINER}{pk}", pk) for pk, mode in clusters.items() if mode == ClusterInfo.Mode.KUBERNETES]
        + [Wanted(f"loop:pool:{pool}", cluster, pool) for pool, cluster in pools]
    )
