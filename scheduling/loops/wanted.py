"""Which leases somebody has to hold."""

from __future__ import annotations

from dataclasses import dataclass

from orgs.models import ClusterInfo
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
    """Two for every cluster, also while it is being deleted (its work has to end), one more where people use kubectl,
    and one for each of its pools."""
    clusters = dict(ClusterInfo.objects.order_by("pk").values_list("pk", "mode"))
    pools = Pool.objects.filter(cluster__in=clusters).order_by("pk").values_list("pk", "cluster_id")
    return (
        [Wanted(f"observer:cluster:{cluster}", cluster) for cluster in clusters]
        + [Wanted(f"{ASSIGNER}{cluster}", cluster) for cluster in clusters]
        + [Wanted(f"{EXPLAINER}{pk}", pk) for pk, mode in clusters.items() if mode == ClusterInfo.Mode.KUBERNETES]
        + [Wanted(f"loop:pool:{pool}", cluster, pool) for pool, cluster in pools]
    )
