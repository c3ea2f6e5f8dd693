"""What had quotas at a moment and is gone since: told by the audit log, which knows what was removed and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from orgs.models import OrgUnit, UnitKind
from portal.models import AuditEvent
from quotas.models import Pool, QuotaVersion

from .sums import Amounts, held_at

MOST = 500
"""Of units and of pools that went since: the latest."""


@dataclass(frozen=True, slots=True)
class Gone:
    """A quota of then, of which the unit or the pool is no more."""

    unit: str
    pool: str
    what: str
    """What of the two went: "project", "department", "pool"."""
    went: datetime
    amounts: Amounts


def gone_since(cluster: OrgUnit, at: datetime) -> list[Gone]:
    """By name. For who may see the quotas of the whole cluster; five queries. As far back as the audit log goes."""
    events = AuditEvent.objects.filter(at__gt=at).order_by("-id")
    kinds = [UnitKind.DEPARTMENT.label, UnitKind.PROJECT.label]
    inside = Q(unit_path__gte=cluster.path, unit_path__lt=f"{cluster.path[:-1]}0")
    units = _removed(events.filter(inside, action="remove", entity__in=kinds)[:MOST])
    pools = _removed(events.filter(unit=cluster.pk, action="delete", entity="pool")[:MOST])
    versions = held_at(QuotaVersion.objects.filter(Q(unit__in=units) | Q(pool__in=pools)), at)
    rows = list(versions.values_list("unit", "pool", "values"))
    unit_names = dict(OrgUnit.objects.filter(pk__in={unit for unit, _, _ in rows}).values_list("pk", "name"))
    pool_names = dict(Pool.objects.filter(pk__in={pool for _, pool, _ in rows}).values_list("pk", "name"))
    found = []
    for unit, pool, values in rows:
        event = units.get(unit) or pools[pool]
        amounts = Amounts(*((values or {}).get(name) or 0 for name in Amounts._fields))
        found.append(
            Gone(
                unit=_name(unit, unit_names, units),
                pool=_name(pool, pool_names, pools),
                what=event.entity,
                went=event.at,
                amounts=amounts,
            )
        )
    return sorted(found, key=lambda one: (one.unit, one.pool))


def _removed(events: Iterable[AuditEvent]) -> dict[int, AuditEvent]:
    return {event.entity_id: event for event in events if event.entity_id is not None}


def _name(pk: int, there: Mapping[int, str], gone: Mapping[int, AuditEvent]) -> str:
    return gone[pk].entity_name if pk in gone else there.get(pk, "one that is gone")
