"""Sets and clears what one department or project is guaranteed in one pool."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from orgs.access import require
from orgs.models import OrgUnit, UnitKind
from orgs.services.locks import cluster_locked, fresh
from orgs.services.unit import is_default_department
from portal.actor import Actor
from portal.errors import Refused
from portal.services.audit import audit_record
from portal.wake import wake_on_commit
from quotas import rules
from quotas.models import Pool, Quota, Rank

GIB = 1024**3
MAXIMA = {
    "gpu_milli": 1_000_000 * 1000,
    "cpu_millicores": 10_000_000 * 1000,
    "memory_bytes": 4_000_000 * GIB,
}
"""Far above any cluster, and far below where sums over a whole organization leave 63 bits."""
MAX_WEIGHT_MILLI = 1000 * 1000
FIELDS = (
    *MAXIMA,
    *(f"limit_{resource}" for resource in MAXIMA),
    "over_quota",
    "rank",
    "weight_milli",
    "reclaim_min_runtime_seconds",
    "preempt_min_runtime_seconds",
)


@transaction.atomic
def quota_set(
    *,
    actor: Actor,
    unit: OrgUnit,
    pool: Pool,
    gpu_milli: int = 0,
    cpu_millicores: int | None = None,
    memory_bytes: int | None = None,
    over_quota: bool = True,
    limit_gpu_milli: int | None = None,
    limit_cpu_millicores: int | None = None,
    limit_memory_bytes: int | None = None,
    rank: Rank = Rank.MEDIUM,
    weight_milli: int = 2000,
    reclaim_min_runtime_seconds: int | None = None,
    preempt_min_runtime_seconds: int | None = None,
    expected_version: int | None = None,
) -> Quota:
    """Writes the whole row of `unit` in `pool`; None for CPU, memory = not set, for limits = no limit, for minimum
    runtimes = as the unit above, at the top as the pool.

    `expected_version`: the version that the values were made from, 0 for no row; a row changed since then is refused.
    Needs `quota:update` on the unit's parent.
    """
    unit, pool, quota = _locked(actor, unit, pool, expected_version)
    values = _checked(
        {
            "gpu_milli": gpu_milli,
            "cpu_millicores": cpu_millicores,
            "memory_bytes": memory_bytes,
            "over_quota": over_quota,
            "limit_gpu_milli": limit_gpu_milli,
            "limit_cpu_millicores": limit_cpu_millicores,
            "limit_memory_bytes": limit_memory_bytes,
            "rank": rank,
            "weight_milli": weight_milli,
            "reclaim_min_runtime_seconds": reclaim_min_runtime_seconds,
            "preempt_min_runtime_seconds": preempt_min_runtime_seconds,
        }
    )
    before = _values(quota) if quota else {}
    if before == values and quota is not None:
        return quota
    if quota is None:
        quota = Quota(unit=unit, pool=pool, **values)
    else:
        quota.version += 1
        for field, value in values.items():
            setattr(quota, field, value)
    quota.save()
    changed = [field for field in FIELDS if field not in before or before[field] != values[field]]
    audit_record(
        actor=actor,
        action="update" if before else "create",
        entity=quota,
        unit=unit.pk,
        before={field: before[field] for field in changed if field in before},
        after={field: values[field] for field in changed},
    )
    wake_on_commit()
    return quota


@transaction.atomic
def quota_clear(*, actor: Actor, unit: OrgUnit, pool: Pool, expected_version: int | None = None) -> None:
    """Gives `unit` the default access to `pool` again. Without a row there is nothing to do. The same right."""
    unit, _, quota = _locked(actor, unit, pool, expected_version)
    if quota is None:
        return
    audit_record(actor=actor, action="delete", entity=quota, unit=unit.pk, before=_values(quota))
    quota.delete()
    wake_on_commit()


def _locked(
    actor: Actor, unit: OrgUnit, pool: Pool, expected_version: int | None
) -> tuple[OrgUnit, Pool, Quota | None]:
    """Unit, pool and row as they are under the cluster's lock, once it is clear that `actor` may change them."""
    if unit.kind not in (UnitKind.DEPARTMENT, UnitKind.PROJECT):
        raise Refused({"unit": f"{unit.name} has no quota of its own. Choose a department or a project."})
    cluster_locked(unit)
    unit = fresh(unit)
    assert unit.parent is not None
    require(actor, "update", "quota", unit.parent)
    if is_default_department(unit):
        raise Refused({"unit": "The default department counts as the sum of its projects. Set the quotas of those."})
    found = Pool.objects.filter(pk=pool.pk).first()
    if found is None:
        raise Refused({"pool": f"The pool {pool.name} was deleted meanwhile. Load the page again."})
    if found.cluster_id != unit.cluster_id:
        raise Refused({"pool": f"{found.name} is a pool of another cluster. Choose a pool of the unit's own."})
    quota = Quota.objects.select_related("unit", "pool").filter(unit=unit, pool=found).first()
    if expected_version is not None and expected_version != (quota.version if quota else 0):
        raise Refused({"expected_version": "Somebody changed this meanwhile. Look at it, then type yours again."})
    return unit, found, quota


def _values(quota: Quota) -> dict[str, Any]:
    return {field: getattr(quota, field) for field in FIELDS}


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    for resource, maximum in MAXIMA.items():
        limit = f"limit_{resource}"
        if resource == "gpu_milli" or values[resource] is not None:
            rules.whole(resource, values[resource], maximum)
        if values[limit] is not None:
            rules.whole(limit, values[limit], maximum)
            if values[limit] < (values[resource] or 0):
                raise Refused({limit: "The limit would be below the quota. Raise the limit, or lower the quota first."})
    for field in ("gpu_milli", "limit_gpu_milli"):
        if (values[field] or 0) % 10:
            raise Refused({field: "GPUs have at most two decimals. Round to hundredths of a GPU."})
    if not isinstance(values["over_quota"], bool):
        raise Refused({"over_quota": "Over quota is either on or off. Choose one."})
    if values["rank"] not in Rank.values:
        raise Refused({"rank": "There is no such rank. Choose low, medium or high."})
    rules.whole("weight_milli", values["weight_milli"], MAX_WEIGHT_MILLI)
    for field in ("reclaim_min_runtime_seconds", "preempt_min_runtime_seconds"):
        if values[field] is not None:
            rules.whole(field, values[field], rules.MAX_MIN_RUNTIME_SECONDS)
    return values | {"rank": int(values["rank"])}
