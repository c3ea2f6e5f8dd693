"""Says in which pools the work of a unit is tried, and in what order."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from orgs.access import require
from orgs.models import OrgUnit, UnitKind
from orgs.services.locks import cluster_locked, fresh
from portal.actor import Actor
from portal.errors import Refused
from portal.services.audit import audit_record
from quotas.models import Pool, PoolPreference
from quotas.selectors.pool_order import named_pools


@transaction.atomic
def pool_order_set(
    *, actor: Actor, unit: OrgUnit, pools: Sequence[str], expected: Sequence[str] | None = None
) -> list[Pool]:
    """`pools`: names in the order to try; none = as the unit above says. It holds for what is submitted from now on.

    `expected`: the unit's own order that the new one was made from; one changed since is refused. Needs
    `scheduling_rule:update` on the unit.
    """
    if unit.kind not in (UnitKind.DEPARTMENT, UnitKind.PROJECT):
        raise Refused({"unit": "Departments and projects have an order of pools. Choose one of these."})
    require(actor, "update", "scheduling_rule", unit)
    cluster_locked(unit)
    unit = fresh(unit)
    chosen = named_pools(unit.cluster_id, pools)
    own = PoolPreference.objects.filter(unit=unit).order_by("place")
    before = list(own.values_list("pool__name", flat=True))
    if expected is not None and list(expected) != before:
        raise Refused({"expected": "Somebody changed this order meanwhile. Look at it, then make yours again."})
    after = [pool.name for pool in chosen]
    if after == before:
        return chosen
    own.delete()
    PoolPreference.objects.bulk_create(
        PoolPreference(unit=unit, pool=pool, place=place) for place, pool in enumerate(chosen)
    )
    audit_record(
        actor=actor,
        action="update",
        entity=unit,
        unit=unit.pk,
        before={"pool_order": before},
        after={"pool_order": after},
    )
    return chosen
