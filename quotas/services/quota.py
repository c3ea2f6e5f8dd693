"""Sets and clears what departments and projects are guaranteed in pools: one cell of the matrix, or many at once.

A save is one transaction under the lock of the clusters it touches: all of it is taken, or nothing.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from orgs.access import Forbidden, require
from orgs.models import OrgUnit, UnitKind, UnitState
from orgs.services.locks import cluster_locked
from orgs.services.unit import is_default_department
from portal.actor import Actor
from portal.errors import Refused
from portal.refusals import only_asking
from portal.services.audit import Act, audit_record_all
from portal.services.feed import feed_tell
from quotas.models import Pool, Quota, Rank
from quotas.services.guard import OverSubscribed, guarded
from quotas.services.quota_rules import checked, values_of
from quotas.services.quota_versions import Cell, Stamp, open_numbers, versions_write

MOST_CHANGES = 2000
LONGEST_REASON = 500
CHANGED = "Somebody changed this meanwhile. Look at it, then type yours again."


@dataclass(frozen=True, slots=True)
class QuotaChange:
    """What a unit is to be given in a pool."""

    unit: OrgUnit
    pool: Pool
    values: dict[str, Any] | None
    """All columns of the row; None: no row any more."""
    expected_version: int | None = None
    """The version that the values were made from, 0 for no row; a row changed since then is refused."""

    @property
    def cell(self) -> Cell:
        return self.unit.pk, self.pool.pk


class RefusedCells(Refused):
    """Some cells of a save are refused, each with its own words (`cells`); nothing was saved."""

    def __init__(self, cells: dict[Cell, Refused | Forbidden]) -> None:
        super().__init__("Nothing was saved. Mend the cells that are marked, or take them back.")
        self.cells = cells


@dataclass(slots=True)
class _Row:
    """One change under way, as things are under the lock."""

    change: QuotaChange
    unit: OrgUnit
    quota: Quota | None
    before: dict[str, Any] = field(default_factory=dict)
    """Of the row as it was; nothing where there was none."""
    deleted: bool = False


@transaction.atomic
def quotas_save(*, actor: Actor, changes: Sequence[QuotaChange], reason: str = "") -> uuid.UUID | None:
    """Saves all changes, or raises RefusedCells and saves none. Needs `quota:update` on each unit's parent. The guard
    looks at the result, so what one cell gives up another may take; what it warns of, `portal.notices` hears.

    Returns what the save goes by in the history (`QuotaVersion.batch`); None where nothing was changed.
    """
    if not isinstance(reason, str) or len(reason) > LONGEST_REASON or "\x00" in reason:
        raise Refused({"reason": f"A reason has at most {LONGEST_REASON} characters. Shorten it."})
    rows = _apply(actor, changes)
    if not rows:
        return None
    stamp = Stamp(actor, timezone.now(), reason.strip(), uuid.uuid4())
    numbers = open_numbers(row.change.cell for row in rows)
    versions_write(
        stamp=stamp,
        written={
            row.change.cell: (numbers.get(row.change.cell, 0) + 1, None)
            if row.deleted
            else (row.quota.version, values_of(row.quota))
            for row in rows
            if row.quota is not None
        },
    )
    audit_record_all(actor=actor, acts=[_act(row, stamp.reason) for row in rows])
    for cluster in sorted({row.change.pool.cluster_id for row in rows}):
        feed_tell(cluster=cluster, config=True)
    return stamp.batch


def quotas_check(*, actor: Actor, changes: Sequence[QuotaChange]) -> dict[Cell, Refused | Forbidden]:
    """What a save of these changes would be refused for, by cell; changes nothing."""
    try:
        with only_asking(), transaction.atomic():
            _apply(actor, changes)
            transaction.set_rollback(True)
    except RefusedCells as refusal:
        return refusal.cells
    return {}


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
    reason: str = "",
) -> Quota:
    """Writes the whole row of `unit` in `pool`; None for CPU, memory = not set, for limits = no limit, for minimum
    runtimes = as the unit above, at the top as the pool. See `QuotaChange` and `quotas_save` for the rest."""
    values = {
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
    _save_one(actor, QuotaChange(unit, pool, values, expected_version), reason)
    return Quota.objects.select_related("unit", "pool").get(unit=unit, pool=pool)


def quota_clear(
    *, actor: Actor, unit: OrgUnit, pool: Pool, expected_version: int | None = None, reason: str = ""
) -> None:
    """Gives `unit` the default access to `pool` again. Without a row there is nothing to do. The same right."""
    _save_one(actor, QuotaChange(unit, pool, None, expected_version), reason)


def _save_one(actor: Actor, change: QuotaChange, reason: str) -> None:
    """With the refusal of the cell itself."""
    try:
        quotas_save(actor=actor, changes=[change], reason=reason)
    except RefusedCells as refusal:
        raise refusal.cells[change.cell] from None


def _apply(actor: Actor, changes: Sequence[QuotaChange]) -> list[_Row]:
    """Writes the rows of Quota and nothing else; returns those that differ now. Raises RefusedCells."""
    if len(changes) > MOST_CHANGES:
        raise Refused(f"{len(changes):,} changes are too many for one save. Save at most {MOST_CHANGES:,} at once.")
    clusters = {change.unit.cluster_id: change.unit for change in changes if change.unit.cluster_id}
    for cluster in sorted(clusters):
        cluster_locked(clusters[cluster])
    pools = Pool.objects.in_bulk({change.pool.pk for change in changes})
    units = OrgUnit.objects.select_related("parent").in_bulk({change.unit.pk for change in changes})
    quotas = _quotas(changes)
    refused: dict[Cell, Refused | Forbidden] = {}
    rows: list[_Row] = []
    seen: set[Cell] = set()
    for change in changes:
        try:
            if change.cell in seen:
                raise Refused("This cell is there twice. Change it once.")
            seen.add(change.cell)
            unit = _unit(actor, change.unit, units.get(change.unit.pk))
            _pool(unit, change.pool, pools.get(change.pool.pk))
            row = _Row(change, unit, quotas.get(change.cell))
            version = row.quota.version if row.quota else 0
            if change.expected_version is not None and change.expected_version != version:
                raise Refused({"expected_version": CHANGED})
            if _differs(row):
                rows.append(row)
        except (Refused, Forbidden) as refusal:
            refused[change.cell] = refusal
    if refused:
        raise RefusedCells(refused)
    try:
        with ExitStack() as blocks:
            for cluster in sorted({row.unit.cluster_id or 0 for row in rows}):
                there = [row for row in rows if row.unit.cluster_id == cluster]
                touched = {row.change.pool.pk for row in there}
                blocks.enter_context(guarded(actor=actor, cluster=there[0].unit, pools=touched))
            _write(rows)
    except OverSubscribed as refusal:
        raise RefusedCells(_by_cell(refusal)) from None
    return rows


def _by_cell(refusal: OverSubscribed) -> dict[Cell, Refused | Forbidden]:
    """The words beside the columns of every cell that has to do with them."""
    words: dict[Cell, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for problem in refusal.problems:
        for cell in problem.cells:
            words[cell][problem.field].append(problem.words)
    return {cell: Refused(dict(fields)) for cell, fields in words.items()}


def _quotas(changes: Iterable[QuotaChange]) -> dict[Cell, Quota]:
    units, pools = {change.unit.pk for change in changes}, {change.pool.pk for change in changes}
    found = Quota.objects.select_related("unit", "pool").filter(unit__in=units, pool__in=pools)
    return {(quota.unit_id, quota.pool_id): quota for quota in found}


def _unit(actor: Actor, asked: OrgUnit, unit: OrgUnit | None) -> OrgUnit:
    """The unit as it is under the lock, once it is clear that `actor` may change its quotas."""
    kind = asked.get_kind_display()
    if asked.kind not in (UnitKind.DEPARTMENT, UnitKind.PROJECT):
        raise Refused({"unit": f"{asked.name} has no quota of its own. Choose a department or a project."})
    if unit is None or unit.state != UnitState.ACTIVE:
        raise Refused(f"The {kind} {asked.name} was deleted meanwhile. Go back to the organization.")
    assert unit.parent is not None
    require(actor, "update", "quota", unit.parent)
    if is_default_department(unit):
        raise Refused({"unit": "The default department counts as the sum of its projects. Set the quotas of those."})
    return unit


def _pool(unit: OrgUnit, asked: Pool, pool: Pool | None) -> None:
    if pool is None:
        raise Refused({"pool": f"The pool {asked.name} was deleted meanwhile. Load the page again."})
    if pool.cluster_id != unit.cluster_id:
        raise Refused({"pool": f"{pool.name} is a pool of another cluster. Choose a pool of the unit's own."})


def _differs(row: _Row) -> bool:
    """Puts the new values into the row of Quota; says whether there is anything to write."""
    if row.change.values is None:
        row.deleted = row.quota is not None
        row.before = values_of(row.quota) if row.quota else {}
        return row.deleted
    values = checked(row.change.values)
    if row.quota is None:
        row.quota = Quota(unit=row.unit, pool=row.change.pool, **values)
        return True
    row.before = values_of(row.quota)
    for name, value in values.items():
        setattr(row.quota, name, value)
    row.quota.version += 1
    return row.before != values


def _write(rows: Sequence[_Row]) -> None:
    new = [row for row in rows if row.quota is not None and not row.before]
    numbers = open_numbers(row.change.cell for row in new)
    for row in new:
        assert row.quota is not None
        row.quota.version = numbers.get(row.change.cell, 0) + 1
    Quota.objects.bulk_create(row.quota for row in new if row.quota is not None)
    changed = [row.quota for row in rows if row.quota is not None and row.before and not row.deleted]
    # As an insert that finds its row there: one statement for all, where bulk_update writes a case for every value.
    Quota.objects.bulk_create(
        (
            Quota(unit_id=quota.unit_id, pool_id=quota.pool_id, version=quota.version, **values_of(quota))
            for quota in changed
        ),
        update_conflicts=True,
        unique_fields=("unit", "pool"),
        update_fields=(*values_of(None), "version"),
    )
    Quota.objects.filter(pk__in=[row.quota.pk for row in rows if row.quota is not None and row.deleted]).delete()


def _act(row: _Row, reason: str) -> Act:
    """For the audit log: the columns that differ, and why."""
    assert row.quota is not None
    after = {} if row.deleted else values_of(row.quota)
    changed = [name for name in row.before or after if row.before.get(name) != after.get(name) or not row.before]
    why = {"reason": reason} if reason else {}
    return Act(
        action="delete" if row.deleted else "update" if row.before else "create",
        entity=row.quota,
        unit=row.unit.pk,
        before={name: row.before[name] for name in (row.before if row.deleted else changed) if name in row.before},
        after={name: after[name] for name in changed if name in after} | why,
    )
