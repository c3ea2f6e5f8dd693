"""What was changed of a unit's quota in a pool, when, by whom and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from quotas.models import Pool, QuotaVersion, Rank
from quotas.parsing import runtime_words
from quotas.resources import RESOURCES
from quotas.services.quota_rules import values_of

NEWEST = 50


@dataclass(frozen=True, slots=True)
class Difference:
    """One side of a quota, in words."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    version: QuotaVersion
    differences: list[Difference]
    access: str
    """Where there was no row before, or is none after: what that means."""

    @property
    def at(self) -> datetime:
        return self.version.since


@dataclass(frozen=True, slots=True)
class History:
    changes: list[Change]
    """The newest first."""
    older: int
    """The id before which there is more; 0: that is all."""


def cell_history(unit: int, pool: Pool, before: int = 0) -> History:
    """The newest changes, or those older than the version with the id `before`; one query."""
    versions = QuotaVersion.objects.filter(unit=unit, pool=pool).order_by("-pk")
    rows = list((versions.filter(pk__lt=before) if before else versions)[: NEWEST + 1])
    older = rows[NEWEST - 1].pk if len(rows) > NEWEST else 0
    pairs = zip(rows, [*rows[1:], None], strict=False)
    changes = [_change(version, previous) for version, previous in pairs][:NEWEST]
    return History(changes, older)


def _change(version: QuotaVersion, previous: QuotaVersion | None) -> Change:
    was = previous.values if previous is not None else None
    access = "Back to the default access." if version.values is None else ""
    now, then = version.values or values_of(None), was or values_of(None)
    return Change(version, differences(then, now), access)


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[Difference]:
    """What differs between two rows' values, in words."""
    return [
        Difference(_name(field), _words(field, before[field]), _words(field, after[field]))
        for field in values_of(None)
        if before[field] != after[field]
    ]


_NAMES = {
    "over_quota": "over quota",
    "rank": "rank",
    "weight_milli": "weight",
    "reclaim_min_runtime_seconds": "reclaim after",
    "preempt_min_runtime_seconds": "preempt after",
}


def _name(field: str) -> str:
    for resource in RESOURCES.values():
        if field.endswith(resource.field):
            return f"{resource.label} {'limit' if field.startswith('limit_') else 'quota'}"
    return _NAMES[field]


def _words(field: str, value: Any) -> str:
    if field == "over_quota":
        return "on" if value else "off"
    if field == "rank":
        return Rank(value).label
    if field == "weight_milli":
        return f"{value / 1000:g}"
    if value is None:
        return "no limit" if field.startswith("limit_") else "not set" if "runtime" not in field else "as above"
    if "runtime" in field:
        return runtime_words(value)
    return next(r.words(value) for r in RESOURCES.values() if field.endswith(r.field))
