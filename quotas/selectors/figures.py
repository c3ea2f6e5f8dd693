"""How units stand, for the pages of the organization: the answers to the hooks of orgs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db.models import F, QuerySet, Sum

from orgs.hooks import Figures, PoolFigures, PoolRoom, QuotaImpact
from orgs.models import OrgUnit, UnitState
from orgs.scope import below
from quotas.models import Pool, Quota, UnitUsage

from .sums import NOTHING, guaranteed

# Names of Figures, in the order of the sums below.
_USED = ("used_gpu_milli", "over_gpu_milli", "waiting_gpu_milli", "running", "pending")


def unit_figures(units: Sequence[int]) -> dict[int, Figures]:
    """The sums over all pools, in two queries."""
    quotas: dict[int, int] = defaultdict(int)
    for (unit, _), amounts in guaranteed(units).items():
        quotas[unit] += amounts.gpu_milli
    used = _summed(UnitUsage.objects.filter(unit__in=units), "unit")
    return {unit: Figures(quota_gpu_milli=quotas[unit], **used.get(unit, {})) for unit in {*quotas, *used}}


def unit_pool_figures(unit: OrgUnit) -> list[PoolFigures]:
    """Each pool of the unit's cluster, by name."""
    quotas = guaranteed([unit.pk])
    used = _summed(UnitUsage.objects.filter(unit=unit), "pool")
    pools: Iterable[Pool] = Pool.objects.filter(cluster=unit.cluster_id) if unit.cluster_id else ()
    return [
        PoolFigures(
            pool.name,
            Figures(
                quota_gpu_milli=quotas.get((unit.pk, pool.pk), NOTHING).gpu_milli,
                **used.get(pool.pk, {}),
            ),
        )
        for pool in pools
    ]


def cluster_room(cluster: OrgUnit) -> list[PoolRoom]:
    rows = Pool.objects.filter(cluster=cluster).order_by("name")
    fields = ("name", "summary__nodes", "summary__ready", "summary__gpu_milli", "summary__free_slots")
    return [
        PoolRoom(
            name,
            nodes=nodes or 0,
            ready=ready or 0,
            gpus=(gpu_milli or 0) // 1000,
            free=sum(int(gpus) * number for gpus, number in (slots or {}).items() if gpus != "share"),
        )
        for name, nodes, ready, gpu_milli, slots in rows.values_list(*fields)
    ]


def quota_impact(unit: OrgUnit) -> QuotaImpact:
    """What it is guaranteed in all pools, and how many quotas there are in it."""
    milli = sum(amounts.gpu_milli for amounts in guaranteed([unit.pk]).values())
    return QuotaImpact(milli, Quota.objects.filter(below(unit, "unit"), unit__state=UnitState.ACTIVE).count())


def _summed(usages: QuerySet[UnitUsage], by: str) -> dict[int, dict[str, int]]:
    waiting = F("requested_gpu_milli") - F("gpu_milli")
    used, over = Sum("gpu_milli"), Sum("over_gpu_milli")
    rows = usages.values_list(by).annotate(a=used, b=over, c=Sum(waiting), d=Sum("running"), e=Sum("pending"))
    return {key: dict(zip(_USED, sums, strict=True)) for key, *sums in rows}
