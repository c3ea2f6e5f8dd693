"""What the values of a quota may be."""

from __future__ import annotations

from typing import Any

from portal.errors import Refused
from quotas import rules
from quotas.models import Quota, Rank

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


def values_of(quota: Quota | None) -> dict[str, Any]:
    """What the services take; the defaults where there is no row."""
    quota = quota or Quota()
    return {field: getattr(quota, field) for field in FIELDS}


def checked(values: dict[str, Any]) -> dict[str, Any]:
    """A whole row's values. Refused names the field that cannot be so."""
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
