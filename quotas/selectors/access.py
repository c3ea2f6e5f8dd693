"""What holds for a unit in a pool in which it has no quota row, and whom it would shut out to change that."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.http import HttpRequest

from orgs.access import may
from orgs.models import OrgUnit, UnitKind, UnitState
from orgs.scope import visible_units
from orgs.services.unit import is_default_department
from quotas.models import DefaultAccess, Pool, Quota, UnitUsage

MOST_NAMED = 6
_ACTIVE = Q(gpu_milli__gt=0) | Q(cpu_millicores__gt=0) | Q(memory_bytes__gt=0) | Q(pending__gt=0)


def no_row() -> Quota:
    """What counts where there is no row: best effort; blocked where the account's setting "new pools are closed" is
    on (DESIGN, words). Everybody who has to know asks here. One query."""
    return Quota(over_quota=not pools_closed())


def pools_closed() -> bool:
    return DefaultAccess.objects.filter(closed=True).exists()


def unset_access() -> str:
    """In a word."""
    return "blocked" if pools_closed() else "best effort"


@dataclass(frozen=True, slots=True)
class ShutOut:
    """A project that has work in a pool from which closing would shut it out."""

    unit: OrgUnit
    pool: Pool
    running: int
    """Workloads; so `pending`."""
    pending: int
    above: OrgUnit | None
    """The department that has no row; None: the project itself has none."""


@dataclass(frozen=True, slots=True)
class Closing:
    """Whom it would concern to close the pools to units without a row."""

    named: list[ShutOut]
    """Some of those that the reader may see, those with running work first."""
    total: int
    """Projects with work, in each of their pools."""
    running: int
    """Workloads of theirs."""


def closing(user: Any) -> Closing:
    """A fixed number of queries."""
    usages = list(
        UnitUsage.objects.filter(_ACTIVE, unit__kind=UnitKind.PROJECT, unit__state=UnitState.ACTIVE)
        .select_related("unit", "pool")
        .order_by("-running", "-pending", "unit__name", "pool__name")
    )
    ids = {pk for usage in usages for pk in usage.unit.ancestor_ids}
    groups = OrgUnit.objects.filter(pk__in=ids, kind=UnitKind.DEPARTMENT).in_bulk()
    rows = {(quota.unit_id, quota.pool_id): quota for quota in Quota.objects.filter(unit__in=ids)}
    found = [one for usage in usages if (one := _shut_out(usage, groups, rows)) is not None]
    seen = _seen(user, {one.unit.pk for one in found})
    return Closing(
        named=[one for one in found if one.unit.pk in seen][:MOST_NAMED],
        total=len(found),
        running=sum(one.running for one in found),
    )


def _shut_out(usage: UnitUsage, groups: dict[int, OrgUnit], rows: dict[tuple[int, int], Quota]) -> ShutOut | None:
    """Not where something on the way up blocks it already."""
    above = [groups[pk] for pk in usage.unit.ancestor_ids if pk in groups]
    chain = [unit for unit in above if not is_default_department(unit)] + [usage.unit]
    quotas = [rows.get((unit.pk, usage.pool_id)) for unit in chain]
    if all(quotas) or any(quota is not None and quota.blocked for quota in quotas):
        return None
    first = next(unit for unit, quota in zip(chain, quotas, strict=True) if quota is None)
    return ShutOut(usage.unit, usage.pool, usage.running, usage.pending, first if first != usage.unit else None)


def _seen(user: Any, units: Collection[int]) -> set[int]:
    return set(visible_units(user).filter(pk__in=units).values_list("pk", flat=True))


def access_setting(request: HttpRequest) -> dict[str, Any] | None:
    """What the section of the Settings page shows."""
    account = OrgUnit.objects.filter(kind=UnitKind.ACCOUNT).first()
    if account is None or not may(request.user, "read", "settings", account):
        return None
    return {"closed": pools_closed(), "editable": may(request.user, "update", "settings", account)}
