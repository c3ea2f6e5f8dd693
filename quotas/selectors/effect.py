"""What unsaved changes of quotas would do: who gains and who loses, fair shares, sums, and work that changes sides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from orgs.access import may, within
from orgs.models import OrgUnit, UnitKind
from orgs.services.unit import is_default_department
from quotas import hooks
from quotas.edits import Planned
from quotas.guard import Own
from quotas.hooks import MovedWork
from quotas.models import Pool, Quota
from quotas.resources import RESOURCES, Resource
from quotas.services.quota import QuotaChange
from quotas.services.quota_rules import values_of

from .pools import NO_HARDWARE, hardware
from .sums import NOTHING, Amounts, Sums, Unsaved, line_of, sums_then
from .usage import used


@dataclass(frozen=True, slots=True)
class Line:
    """A unit whose guarantee of one resource in one pool changes."""

    unit: OrgUnit
    pool: Pool
    resource: Resource
    before: int
    after: int
    used: int

    @property
    def change(self) -> int:
        return self.after - self.before

    @property
    def safer(self) -> int:
        """What of it is in use and comes inside quota; below 0: could be taken back from then on."""
        return max(self.used - self.before, 0) - max(self.used - self.after, 0)


@dataclass(frozen=True, slots=True)
class FairShare:
    """Of a unit in a pool, of one resource."""

    unit: OrgUnit
    now: int
    then: int

    @property
    def change(self) -> int:
        return self.then - self.now


@dataclass(frozen=True, slots=True)
class Total:
    """What units have together, against what there is for them: a pool's hardware, or what their department has."""

    whose: OrgUnit | None
    """The department; None: all of the pool."""
    pool: Pool
    resource: Resource
    before: int
    after: int
    available: int


@dataclass(slots=True)
class Effect:
    lines: list[Line] = field(default_factory=list)
    """Those who lose first, the most first."""
    others: int = 0
    """Cells in which something else changes: over quota, limit, weight, rank, minimum runtimes."""
    fair: list[tuple[Pool, Resource, list[FairShare]]] = field(default_factory=list)
    """Of units that the reader may see and whose share changes."""
    totals: list[Total] = field(default_factory=list)
    moved: list[MovedWork] = field(default_factory=list)
    used: dict[tuple[int, int], Amounts] = field(default_factory=dict)
    now: Sums = field(default_factory=lambda: Sums({}, {}))
    then: Sums = field(default_factory=lambda: Sums({}, {}))
    """Of the units that change, and all above them."""


def effect(user: Any, plan: Planned) -> Effect:
    """Of all changes together. Queries: a fixed number, and a fixed number for each pool that changes."""
    found = Effect()
    by_pool: dict[Pool, list[QuotaChange]] = defaultdict(list)
    for change in plan.changes:
        by_pool[change.pool].append(change)
    concerned = {pk for change in plan.changes for pk in line_of(change.unit.path)}
    found.used = used(concerned)
    for change in plan.changes:
        lines = list(_lines(change, plan.now.get(change.cell), found.used))
        found.lines += lines
        found.others += not lines
    found.lines.sort(key=lambda line: (line.change > 0, -abs(line.change)))
    for pool, changes in by_pool.items():
        resource = next((line.resource for line in found.lines if line.pool == pool), RESOURCES["gpu"])
        rows = {change.unit.pk: change.values for change in changes}
        then = hooks.quota_effect(pool, rows, resource.field, user)
        found.moved += then.moved
        shares = _shares(user, then.fair_now, then.fair_then)
        if shares:
            found.fair.append((pool, resource, shares))
    unsaved = [Unsaved(change.unit, change.pool.pk, _own(change)) for change in plan.changes]
    found.now, found.then = sums_then(concerned, unsaved)
    found.totals = _totals(user, found)
    return found


def _own(change: QuotaChange) -> Own | None:
    values = change.values
    return None if values is None else (values["gpu_milli"], values["cpu_millicores"], values["memory_bytes"])


def _lines(change: QuotaChange, quota: Quota | None, held: Mapping[tuple[int, int], Amounts]) -> Iterable[Line]:
    before, after = _amounts(values_of(quota)), _amounts(change.values or {})
    for at, resource in enumerate(RESOURCES.values()):
        if before[at] != after[at]:
            amounts = held.get(change.cell, NOTHING)
            yield Line(change.unit, change.pool, resource, before[at], after[at], amounts[at])


def _amounts(values: Mapping[str, Any]) -> Amounts:
    return Amounts(*(values.get(name) or 0 for name in Amounts._fields))


def _shares(user: Any, now: Mapping[int, int], then: Mapping[int, int]) -> list[FairShare]:
    """Of projects, the largest change first."""
    changed = [unit for unit, share in now.items() if share != then.get(unit)]
    units = within(OrgUnit.objects.filter(kind=UnitKind.PROJECT), user, "quota:read").in_bulk(changed)
    shares = [FairShare(unit, now[pk], then.get(pk, 0)) for pk, unit in units.items()]
    return sorted(shares, key=lambda share: (-abs(share.change), share.unit.name))


def _totals(user: Any, found: Effect) -> list[Total]:
    """One for each pool or department whose parts change, of those that the reader may see as a whole."""
    owners: dict[tuple[int, Pool, str], OrgUnit] = {}
    for line in found.lines:
        owner = line.unit.parent
        assert owner is not None
        top = owner.kind == UnitKind.CLUSTER or is_default_department(owner)
        key = line.unit.cluster_id if top else owner.pk
        assert key is not None
        owners[key, line.pool, line.resource.key] = owner
    machines = hardware({pool.pk for _, pool, _ in owners})
    totals = []
    for (key, pool, name), owner in owners.items():
        resource, whole = RESOURCES[name], owner.cluster_id == key
        if not may(user, "read", "quota", OrgUnit(path=owner.path) if not whole else _cluster_of(owner)):
            continue
        now, then = found.now, found.then
        if whole:
            amounts = now.guaranteed, then.guaranteed, {(key, pool.pk): machines.get(pool.pk, NO_HARDWARE).ready}
        else:
            amounts = now.given, then.given, then.guaranteed
        before, after, available = (getattr(one.get((key, pool.pk), NOTHING), resource.field) for one in amounts)
        totals.append(Total(None if whole else owner, pool, resource, before, after, available))
    return totals


def _cluster_of(unit: OrgUnit) -> OrgUnit:
    """Its place in the tree, which is all that rights ask for."""
    assert unit.cluster_id is not None
    return OrgUnit(path=unit.path[: unit.path.index(f"/{unit.cluster_id}/") + len(f"/{unit.cluster_id}/")])
