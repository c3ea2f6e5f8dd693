"""How long projects wait for what is guaranteed to them: the rows of `PromiseRecord`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from orgs.models import OrgUnit
from scheduling.engine.decisions import UnitShare, WaitCode
from scheduling.engine.types import PodState, Workload
from scheduling.models import PromiseRecord

from .cycle import Cycle
from .rows import update_rows

OWED = (
    WaitCode.NO_READY_NODE,
    WaitCode.SHORT,
    WaitCode.FRAGMENTED,
    WaitCode.TOPOLOGY,
    WaitCode.ROOM_RESERVED,
)
"""Reasons of the pool. What waits for a reason of its own, such as a limit or a request no node can meet, is owed
nothing."""
COLUMNS = ("ended_at", "got", "cause", "cause_since", "causes")


@dataclass(frozen=True, slots=True)
class Debt:
    """What a project is owed now."""

    had_gpu_milli: int
    owed_gpu_milli: int
    cause: str


@dataclass(frozen=True, slots=True)
class PromiseChange:
    pool: int
    new: list[PromiseRecord] = field(default_factory=list)
    changed: list[tuple[Any, ...]] = field(default_factory=list)
    """Key and `COLUMNS`."""

    @classmethod
    def of(cls, cycle: Cycle) -> PromiseChange | None:
        debts = dict(debts_of(cycle))
        change = cls(cycle.pool)
        shares = {share.unit: share for share in cycle.decisions.shares}
        rows = PromiseRecord.objects.filter(pool=cycle.pool, ended_at=None)
        for pk, project, had, cause, since, causes in rows.values_list(
            "pk", "project", "had_gpu_milli", "cause", "cause_since", "causes"
        ):
            debt = debts.pop(project, None)
            if debt is not None and debt.cause == cause:
                continue
            seconds = (cycle.at - since).total_seconds()
            causes[cause] = round(causes.get(cause, 0) + seconds, 1)
            if debt is None:
                share = shares.get(project)
                got = share is not None and share.allocated.gpu_milli > had
                change.changed.append((pk, cycle.at, got, cause, since, causes))
            else:
                change.changed.append((pk, None, False, debt.cause, cycle.at, causes))
        for project, debt in sorted(debts.items()):
            change.new.append(
                PromiseRecord(
                    project_id=project,
                    pool_id=cycle.pool,
                    asked_at=cycle.at,
                    had_gpu_milli=debt.had_gpu_milli,
                    owed_gpu_milli=debt.owed_gpu_milli,
                    cause=debt.cause,
                    cause_since=cycle.at,
                )
            )
        return change if change.new or change.changed else None

    def write(self) -> None:
        update_rows(PromiseRecord, COLUMNS, self.changed)
        there = set(OrgUnit.objects.filter(pk__in=[row.project_id for row in self.new]).values_list("pk", flat=True))
        PromiseRecord.objects.bulk_create(row for row in self.new if row.project_id in there)


def debts_of(cycle: Cycle) -> Iterator[tuple[int, Debt]]:
    """By project: below quota, and of its waiting workloads the first in line that fits inside it."""
    below = {share.unit: share for share in cycle.decisions.shares if share.pending and _room(share) > 0}
    if not below:
        return
    workloads = cycle.workloads()
    for wait in cycle.decisions.waits:
        workload = workloads[wait.workload]
        share = below.get(workload.unit)
        if share is None or wait.code not in OWED:
            continue
        asked = asked_gpu_milli(workload)
        if 0 < asked <= _room(share):
            del below[workload.unit]
            owed = min(_room(share), share.requested.gpu_milli - share.allocated.gpu_milli)
            yield workload.unit, Debt(share.allocated.gpu_milli, max(owed, asked), str(wait.code))


def _room(share: UnitShare) -> int:
    return (share.quota.gpu_milli or 0) - share.allocated.gpu_milli


def asked_gpu_milli(workload: Workload) -> int:
    """What it needs to start: of each sub-group the pods that must run together, at least one."""
    asked = 0
    for group in workload.sub_groups:
        waiting = sum(pod.state is PodState.PENDING for pod in group.pods)
        if waiting:
            bound = sum(pod.state is PodState.BOUND for pod in group.pods)
            asked += max(min(group.min_members - bound, waiting), 1) * group.request.amounts.gpu_milli
    return asked
