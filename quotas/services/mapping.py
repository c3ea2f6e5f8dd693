"""What quotas do for the wizard that maps an organization."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from orgs.hooks import Gift, PoolOffer
from orgs.models import OrgUnit
from orgs.services.unit import is_default_department
from portal.actor import Actor
from portal.errors import Refused
from portal.notices import told
from quotas.models import Pool, Quota, QuotaVersion
from quotas.selectors.moves import available, given
from quotas.services.guard import guarded
from quotas.services.quota import MOST_CHANGES, QuotaChange, RefusedCells, quotas_save
from quotas.services.quota_rules import values_of


def pools_to_give(unit: OrgUnit) -> list[PoolOffer]:
    """A `default` department gives what its cluster has."""
    source = unit.parent if is_default_department(unit) and unit.parent is not None else unit
    pools = {pool.pk: pool.name for pool in Pool.objects.filter(cluster=unit.cluster_id).order_by("name")}
    there, taken = available([source], pools), given([source])
    return [
        PoolOffer(pk, name, there.get((source.pk, pk)), taken.get((source.pk, pk), 0)) for pk, name in pools.items()
    ]


def unit_quotas(units: Sequence[int]) -> dict[tuple[int, int], int]:
    rows = Quota.objects.filter(unit__in=units).values_list("unit", "pool", "gpu_milli")
    return {(unit, pool): milli for unit, pool, milli in rows}


def quotas_give(actor: Actor, gifts: Sequence[Gift]) -> list[str]:
    pools = Pool.objects.in_bulk({gift.pool for gift in gifts})
    changes = [
        QuotaChange(gift.unit, pools[gift.pool], values_of(Quota(gpu_milli=gift.gpu_milli)), 0) for gift in gifts
    ]
    return _saved(actor, changes, "New organization")


def quotas_take(actor: Actor, units: Sequence[OrgUnit]) -> None:
    quotas = Quota.objects.filter(unit__in=[unit.pk for unit in units]).select_related("unit", "pool")
    changes = [QuotaChange(quota.unit, quota.pool, None, quota.version) for quota in quotas]
    _saved(actor, changes, "New organization, taken back")


def quota_saves(units: Sequence[int]) -> set[str]:
    return {str(batch) for batch in QuotaVersion.objects.filter(unit__in=units).values_list("batch", flat=True)}


@transaction.atomic
def _saved(actor: Actor, changes: Sequence[QuotaChange], reason: str) -> list[str]:
    """In as many saves as it takes, which the guard judges together. Refused in the words of the cells, each once:
    there is no matrix here that could mark them."""
    if not changes:
        return []
    try:
        with guarded(actor=actor, cluster=changes[0].unit, pools={change.pool.pk for change in changes}):
            batches = [
                quotas_save(actor=actor, changes=changes[at : at + MOST_CHANGES], reason=reason)
                for at in range(0, len(changes), MOST_CHANGES)
            ]
    except RefusedCells as refusal:
        words = dict.fromkeys(
            word
            for one in refusal.cells.values()
            for word in (one.messages if isinstance(one, Refused) else [str(one)])
        )
        raise Refused(told(list(words))) from None
    return [str(batch) for batch in batches if batch]
