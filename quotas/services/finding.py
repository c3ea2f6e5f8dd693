"""Findings: they open when something stops adding up, and resolve by themselves."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from orgs.models import OrgUnit, UnitKind, UnitState
from orgs.services.locks import cluster_locked
from portal.errors import Refused
from quotas.guard import NOTHING, Excess, Key, Level, together
from quotas.models import GuardFinding, Node
from quotas.models.guard import UNTOLD
from quotas.selectors.guard import Books, Guard, Mode, guard_of, mode_of, ready_in
from quotas.selectors.sums import guaranteed

KEPT = timedelta(days=90)
"""After they were resolved."""
MOST_TOLD = 500


def findings_refresh(*, thorough: bool = False) -> None:
    """Every cluster's findings: after nodes came and went, and units were deleted.

    Looks without the lock at what can have changed by itself; `thorough`: at every pool, also for what no service saw.
    """
    for cluster in OrgUnit.objects.filter(kind=UnitKind.CLUSTER, state=UnitState.ACTIVE).order_by("pk"):
        if thorough:
            _refresh(cluster, None)
        elif suspects := _suspects(cluster):
            _refresh(cluster, {pool for pool in suspects if pool is not None})


def _suspects(cluster: OrgUnit) -> set[int | None]:
    """Pools with open findings (None: all together), and those that have given out more than their ready nodes have."""
    found = GuardFinding.objects.filter(unit__cluster=cluster, resolved_at=None)
    pools: set[int | None] = set(found.values_list("pool", flat=True))
    ready = ready_in(cluster.pk)
    for (_, pool), sums in guaranteed([cluster.pk]).items():
        if any(one > have for one, have in zip(sums, ready.get(pool, NOTHING), strict=True)):
            pools.add(pool)
    return pools


@transaction.atomic
def _refresh(cluster: OrgUnit, pools: set[int] | None) -> None:
    try:
        locked = cluster_locked(cluster)
    except Refused:
        return  # removed meanwhile
    findings_write(guard_of(locked), Books.read(locked.pk, pools))


def findings_write(guard: Guard, books: Books) -> None:
    """Makes the open findings of these books equal to what does not add up in them. Under the cluster's lock.

    Where no node was ever seen, nothing is known of the hardware yet, and nothing is found against it."""
    excesses = {
        key: excess
        for key, excess in books.excesses().items()
        if key.level != Level.RUNNING and mode_of(guard, key) != Mode.OFF
    }
    if any(key.level == Level.HARDWARE for key in excesses) and not Node.objects.filter(cluster=books.cluster).exists():
        excesses = {key: excess for key, excess in excesses.items() if key.level != Level.HARDWARE}
    rows = GuardFinding.objects.filter(unit__cluster=books.cluster, resolved_at=None)
    old = {Key(row.unit_id, row.pool_id, row.resource, Level(row.level)): row for row in rows}
    elsewhere = {
        key: Excess(row.sum, row.ceiling) for key, row in old.items() if key.pool not in (None, *books.by_pool)
    }
    excesses |= together(books.cluster, elsewhere | excesses)
    now = timezone.now()
    gone = [row.pk for key, row in old.items() if key not in excesses and key not in elsewhere]
    if gone:
        GuardFinding.objects.filter(pk__in=gone).update(resolved_at=now)
    changed = [row for key, row in old.items() if key in excesses and (row.sum, row.ceiling) != excesses[key]]
    for row in changed:
        row.sum, row.ceiling = excesses[Key(row.unit_id, row.pool_id, row.resource, Level(row.level))]
    GuardFinding.objects.bulk_update(changed, ("sum", "ceiling"), batch_size=200)
    GuardFinding.objects.bulk_create(
        GuardFinding(
            unit_id=key.unit, pool_id=key.pool, resource=key.resource, level=key.level, since=now, **excess._asdict()
        )
        for key, excess in excesses.items()
        if key not in old
    )


@transaction.atomic
def findings_take() -> list[GuardFinding]:
    """Findings that arose or were resolved since webhooks were last told, as they were told of until now; from now on
    they count as told."""
    found = list(GuardFinding.objects.filter(UNTOLD).select_related("unit", "pool").order_by("pk")[:MOST_TOLD])
    resolved = [row.pk for row in found if row.resolved_at]
    GuardFinding.objects.filter(pk__in=resolved).update(told=GuardFinding.Told.ALL)
    arisen = [row.pk for row in found if not row.resolved_at]
    GuardFinding.objects.filter(pk__in=arisen).update(told=GuardFinding.Told.OPENED)
    return found
