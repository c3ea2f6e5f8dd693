"""What quotas do for the wizard that maps an organization."""

from __future__ import annotations

from collections.abc import Sequence

from orgs.hooks import Gift, PoolOffer
from orgs.models import OrgUnit, UnitKind
from orgs.services.unit import is_default_department
from portal.actor import Actor
from portal.errors import Refused
from quotas.models import Pool, Quota, QuotaVersion
from quotas.selectors.moves import available, given
from quotas.services.guard import MOST_TOLD
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
    # Departments first: the guard looks at each save, and what lies in them needs theirs.
    ordered = sorted(gifts, key=lambda gift: (gift.unit.kind == UnitKind.PROJECT, gift.unit.path.count("/")))
    changes = [
        QuotaChange(gift.unit, pools[gift.pool], values_of(Quota(gpu_milli=gift.gpu_milli)), 0) for gift in ordered
    ]
    return _saved(actor, changes, "New organization")


def quotas_take(actor: Actor, units: Sequence[OrgUnit]) -> None:
    quotas = Quota.objects.filter(unit__in=[unit.pk for unit in units]).select_related("unit", "pool")
    changes = [QuotaChange(quota.unit, quota.pool, None, quota.version) for quota in quotas]
    # What lies in departments first, so that nothing is over what its department has.
    changes.sort(key=lambda change: (change.unit.kind != UnitKind.PROJECT, -change.unit.path.count("/")))
    _saved(actor, changes, "New organization, taken back")


def quota_saves(units: Sequence[int]) -> set[str]:
    return {str(batch) for batch in QuotaVersion.objects.filter(unit__in=units).values_list("batch", flat=True)}


def _saved(actor: Actor, changes: Sequence[QuotaChange], reason: str) -> list[str]:
    """Refused in the words of the cells, each once: there is no matrix here that could mark them."""
    try:
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
        told, more = list(words)[:MOST_TOLD], len(words) - MOST_TOLD
        raise Refused([*told, f"The same goes for {more} more."] if more > 0 else told) from None
    return [str(batch) for batch in batches if batch]
