"""What a pool's loop decided: the order of projects, and the decisions of its last cycles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db.models import Q
from django.http import HttpRequest

from orgs.models import OrgUnit, UnitKind
from orgs.scope import limited
from portal.formats import counted
from portal.quota_bar import QuotaBar
from quotas.models import Node, Pool, Quota, UnitUsage
from quotas.selectors.access import no_row
from scheduling.engine.decisions import EvictCode
from scheduling.models import CycleReport, Decision
from scheduling.reasons import evict_reason

from .line import waiting_in
from .loops import Phase, cycle_seconds, phases
from .names import unit_namer, workload_words
from .visible import visible_workloads
from .workloads import wait_reasons

MOST_PROJECTS = 100
MOST_DECISIONS = 200
SHOWN_DECISIONS = 12
SHOWN_WAITING = 5
COLUMNS = {"gpu": "gpu_milli", "cpu": "cpu_millicores"}


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A project in the order in which the pool serves; amounts in milli-GPU or millicores."""

    place: int
    project: OrgUnit
    used: int
    quota: int | None
    fair: int
    waiting: int
    pending: int
    bar: QuotaBar


@dataclass(frozen=True, slots=True)
class DecisionRow:
    at: datetime
    icon: str
    title: str
    note: str
    workload: int | None
    cycle: int


@dataclass(frozen=True, slots=True)
class LeftWaiting:
    name: str
    pk: int | None
    gpu_milli: int
    reason: str


def resource_of(pool: Pool) -> str:
    """What the pool is counted in: GPUs, or cores where it has none."""
    summary = getattr(pool, "summary", None)
    has_gpus = summary is None or summary.gpu_milli or summary.lost_gpu_milli
    return "gpu" if has_gpus else "cpu"


def queue(request: HttpRequest, pool: Pool) -> tuple[list[QueueRow], int]:
    """Projects that the reader may see and that ask for something or are guaranteed something, and how many more."""
    resource = resource_of(pool)
    column = COLUMNS[resource]
    quotas = {
        quota.unit_id: quota for quota in Quota.objects.filter(pool=pool, unit__kind=UnitKind.PROJECT).order_by("unit")
    }
    usages = limited(UnitUsage.objects.filter(pool=pool, unit__kind=UnitKind.PROJECT), request, "project:read", "unit")
    active = usages.filter(Q(**{f"requested_{column}__gt": 0}) | Q(pending__gt=0) | Q(unit__in=list(quotas)))
    rows = list(active.select_related("unit").order_by("position", "unit__name")[:MOST_PROJECTS])
    made = [_queue_row(place, usage, quotas.get(usage.unit_id), column) for place, usage in enumerate(rows, 1)]
    scale = max((max(row.used, row.quota or 0) + row.waiting for row in made), default=0)
    unset = no_row()
    drawn = [_with_bar(row, quotas.get(row.project.pk, unset), resource, scale) for row in made]
    return drawn, active.count() - len(rows)


def _queue_row(place: int, usage: UnitUsage, quota: Quota | None, column: str) -> QueueRow:
    used = getattr(usage, column)
    return QueueRow(
        place=place,
        project=usage.unit,
        used=used,
        quota=getattr(quota, column) if quota else (0 if column == "gpu_milli" else None),
        fair=getattr(usage, f"fair_{column}"),
        waiting=max(0, getattr(usage, f"requested_{column}") - used),
        pending=usage.pending,
        bar=QuotaBar(),
    )


def _with_bar(row: QueueRow, quota: Quota, resource: str, scale: int) -> QueueRow:
    limit = getattr(quota, f"limit_{COLUMNS[resource]}")
    bar = QuotaBar.of(
        row.used,
        row.quota,
        scale,
        waiting=row.waiting,
        fair_share=row.fair,
        limit=limit if limit is not None and limit <= scale else None,
        blocked=quota.blocked,
        resource=resource,
    )
    return QueueRow(row.place, row.project, row.used, row.quota, row.fair, row.waiting, row.pending, bar)


def decisions(pool: Pool, user: Any) -> list[DecisionRow]:
    """The last ones."""
    found = list(Decision.objects.filter(pool=pool.pk).order_by("-cycle", "-id")[:MOST_DECISIONS])
    return decision_rows(found, user, SHOWN_DECISIONS)


def decision_rows(found: Sequence[Decision], user: Any, most: int | None = None) -> list[DecisionRow]:
    """In their order, pods of one workload decided in one cycle together; names as far as the reader may know them."""
    groups = [list(alike) for _, alike in groupby(found, key=lambda d: (d.cycle, d.kind, d.workload, d.for_workload))]
    groups = groups[:most]
    ids = {d.workload for d, *_ in groups} | {d.for_workload for d, *_ in groups if d.for_workload}
    words = workload_words(user, ids)
    seen = dict(visible_workloads(user).filter(id__in=ids).values_list("id", "project__name"))
    nodes = dict(Node.objects.filter(id__in={d.node for d, *_ in groups if d.node}).values_list("id", "name"))
    name_of = unit_namer([d.numbers for d, *_ in groups if d.workload in seen])
    rows = []
    for alike in groups:
        first = alike[0]
        name = words.get(first.workload, "a workload that is gone")
        icon, title, note = _decision_words(alike, name, nodes)
        if first.kind == Decision.Kind.EVICT:
            other = words.get(first.for_workload or 0, "a workload that is gone")
            known = first.workload in seen
            # Figures and priorities are for who may see the workload; that it was moved or incomplete, for all.
            code = first.code if known or first.code not in (EvictCode.RECLAIM, EvictCode.PREEMPT) else ""
            note = evict_reason(code, first.numbers if known else {}, other, name_of)
        whose = f"{seen[first.workload]}. " if first.workload in seen else ""
        pk = first.workload if first.workload in seen else None
        rows.append(DecisionRow(first.at, icon, title, f"{whose}{note}.", pk, first.cycle))
    return rows


def _decision_words(alike: Sequence[Decision], name: str, nodes: dict[int, str]) -> tuple[str, str, str]:
    first, pods = alike[0], counted(len(alike), "pod")
    places = {nodes.get(d.node or 0, "a node that is gone") for d in alike}
    where = places.pop() if len(places) == 1 else counted(len(places), "node")
    outcome = {Decision.State.FAILED: ", failed", Decision.State.VOID: ", given up"}.get(
        Decision.State(first.state), ""
    )
    if first.kind == Decision.Kind.PLACE:
        return "check", f"Placed {name}{outcome}", f"{pods} on {where}"
    if first.kind == Decision.Kind.RESERVE:
        return "clock", f"Room kept for {name}{outcome}", f"{pods} on {where}, until others have stopped"
    moved = first.code == EvictCode.CONSOLIDATE
    return "undo-2", f"{'Moved' if moved else 'Stopped'} {name}{outcome}", pods


def left_waiting(pool: Pool, user: Any) -> list[LeftWaiting]:
    """The first in line, and why the loop left them waiting."""
    first = list(waiting_in(pool).values_list("id", "requested_gpu_milli")[:SHOWN_WAITING])
    ids = [workload for workload, _ in first]
    words = workload_words(user, ids)
    seen = set(visible_workloads(user).filter(id__in=ids).values_list("id", flat=True))
    reasons = wait_reasons(sorted(seen))
    return [
        LeftWaiting(
            words[workload],
            workload if workload in seen else None,
            gpu_milli,
            reasons[workload].short if workload in reasons else "",
        )
        for workload, gpu_milli in first
    ]


def last_cycle(pool: Pool) -> tuple[CycleReport, float, list[Phase]] | None:
    """The last cycle that decided something, its seconds, and its phases."""
    report = CycleReport.objects.filter(pool=pool).order_by("-cycle").first()
    if report is None:
        return None
    return report, cycle_seconds(report.timings), phases(report.timings)
