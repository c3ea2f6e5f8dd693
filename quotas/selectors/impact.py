"""Whom it concerns when a pool goes or becomes smaller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from orgs.access import within
from orgs.models import OrgUnit, UnitState
from quotas import hooks
from quotas.hooks import PoolWork
from quotas.models import Pool, PoolPreference, Quota

from .pools import NO_HARDWARE, hardware
from .sums import guaranteed

MOST_UNITS = 6
"""Units that are named; the others are counted."""


@dataclass(frozen=True, slots=True)
class PoolImpact:
    units: list[tuple[OrgUnit, Quota]]
    """Who has quota there and may be named to the reader, the largest first."""
    more_units: int
    """The others that have."""
    guaranteed_gpu_milli: int
    """By departments and projects of the cluster together, each GPU once."""
    ready_gpu_milli: int
    work: PoolWork
    preferring: int
    """Departments and projects whose work is tried there by their own order."""


def pool_impact(pool: Pool, user: Any) -> PoolImpact:
    """As of now; six queries, whatever there is."""
    quotas = Quota.objects.filter(_something(), pool=pool, unit__state=UnitState.ACTIVE)
    named = within(quotas, user, "quota:read", "unit").select_related("unit")
    shown = list(named.order_by("-gpu_milli", "-cpu_millicores", "unit__name")[:MOST_UNITS])
    total = guaranteed([pool.cluster_id]).get((pool.cluster_id, pool.pk))
    return PoolImpact(
        units=[(quota.unit, quota) for quota in shown],
        more_units=quotas.count() - len(shown),
        guaranteed_gpu_milli=total.gpu_milli if total else 0,
        ready_gpu_milli=hardware([pool.pk]).get(pool.pk, NO_HARDWARE).ready.gpu_milli,
        work=hooks.pool_work(pool),
        preferring=PoolPreference.objects.filter(pool=pool, unit__state=UnitState.ACTIVE).count(),
    )


def _something() -> Q:
    """Quotas that guarantee something."""
    return Q(gpu_milli__gt=0) | Q(cpu_millicores__gt=0) | Q(memory_bytes__gt=0)
