"""The list of workloads: filters, order, pages, and the counts of its heading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpRequest, QueryDict
from django.utils import timezone

from orgs.scope import below
from portal.actor import Actor
from portal.asked import page_size, whole_numbers
from portal.formats import gpus
from portal.selectors.keyset import KeysetPage, Sort, keyset_page
from scheduling.models import WaitClass, Waiting, Workload
from scheduling.reasons import NOT_LOOKED_AT, Reason, wait_reason

from .names import unit_namer
from .over import over_quota_milli
from .visible import visible_workloads

State = Workload.State
MOST_COUNTED = 10_000
SIZES = (25, 50, 100)
SORTS = {
    "status": ("state", "state_since"),
    "name": ("name",),
    "gpus": ("requested_gpu_milli",),
    "since": ("state_since",),
    "created": ("created_at",),
    "priority": ("priority",),
}
DEFAULT_SORT = "status"
STATES = {label: value for value, label in State.choices}
KINDS = {label: value for value, label in Workload.Kind.choices}
ENDED = (State.STOPPED, State.COMPLETED, State.FAILED)


@dataclass(frozen=True, slots=True)
class WorkloadQuery:
    """What a list is asked for. Without states: what is active."""

    states: tuple[int, ...] = ()
    kinds: tuple[int, ...] = ()
    projects: tuple[int, ...] = ()
    pools: tuple[int, ...] = ()
    mine: bool = False
    prefix: str = ""
    sort: Sort = field(default_factory=lambda: Sort(SORTS[DEFAULT_SORT]))
    size: int = SIZES[0]
    after: str = ""
    before: str = ""

    @classmethod
    def of(cls, query: QueryDict) -> WorkloadQuery:
        """From a page's address; what makes no sense is left out."""
        name = query.get("sort", DEFAULT_SORT)
        columns = SORTS.get(name.removeprefix("-"), SORTS[DEFAULT_SORT])
        return cls(
            states=tuple(STATES[word] for word in query.getlist("state") if word in STATES),
            kinds=tuple(KINDS[word] for word in query.getlist("kind") if word in KINDS),
            projects=whole_numbers(query.getlist("project")),
            pools=whole_numbers(query.getlist("pool")),
            mine=query.get("mine") == "1",
            prefix="".join(filter(str.isprintable, query.get("q", "").strip().lower()))[:63],
            sort=Sort(columns, descending=name.startswith("-")),
            size=page_size(query, SIZES),
            after=query.get("after", ""),
            before=query.get("before", ""),
        )

    @property
    def narrows(self) -> bool:
        """Whether anything is filtered, so that an empty list may offer to clear it."""
        return bool(self.states or self.kinds or self.projects or self.pools or self.mine or self.prefix)


@dataclass(frozen=True, slots=True)
class WorkloadRow:
    workload: Workload
    reason: str

    @property
    def seconds_in_state(self) -> float:
        return max(0.0, (timezone.now() - self.workload.state_since).total_seconds())


@dataclass(frozen=True, slots=True)
class WorkloadList:
    rows: list[WorkloadRow]
    page: KeysetPage
    total: int | None
    """None: more than MOST_COUNTED."""


@dataclass(frozen=True, slots=True)
class ActiveCounts:
    """Of everything active in the scope, whatever is filtered."""

    waiting: int
    waiting_gpu_milli: int
    running: int
    running_gpu_milli: int
    codes: tuple[tuple[str, int], ...]
    """Why those wait, the most frequent first."""


def _in_scope(request: HttpRequest) -> QuerySet[Workload]:
    return visible_workloads(request.user).filter(below(getattr(request, "unit_scope", None), "project"))


def _filtered(rows: QuerySet[Workload], query: WorkloadQuery, actor: Actor) -> QuerySet[Workload]:
    if not query.states:
        rows = rows.filter(is_active=True)
    else:
        rows = rows.filter(state__in=query.states).exclude(desired=Workload.Desired.DELETED, is_active=False)
    if query.kinds:
        rows = rows.filter(kind__in=query.kinds)
    if query.projects:
        rows = rows.filter(project__in=query.projects)
    if query.pools:
        rows = rows.filter(pool__in=query.pools)
    if query.mine:
        rows = rows.filter(submitted_by=actor.subject_id)
    if query.prefix:
        rows = rows.filter(name__startswith=query.prefix)
    return rows


def workload_list(request: HttpRequest, query: WorkloadQuery, actor: Actor) -> WorkloadList:
    """One page: ids first on the narrow table, then these rows with all that is shown."""
    rows = _filtered(_in_scope(request), query, actor)
    page = keyset_page(rows, query.sort, query.size, query.after, query.before)
    total = rows.values("id")[: MOST_COUNTED + 1].count()
    return WorkloadList(
        rows=workload_rows(page.ids),
        page=page,
        total=None if total > MOST_COUNTED else total,
    )


def workload_rows(ids: Sequence[int]) -> list[WorkloadRow]:
    """These workloads in this order, each with why it waits, failed, or runs over quota."""
    found = Workload.objects.select_related("project", "pool", "submitted_by__user").in_bulk(list(ids))
    workloads = [found[workload] for workload in ids if workload in found]
    reasons = wait_reasons([w.pk for w in workloads if w.state == State.WAITING])
    running = [w for w in workloads if w.pods_running and w.preemptible and w.pool_id]
    over = (
        over_quota_milli({w.pool_id for w in running if w.pool_id}, {w.project_id for w in running}) if running else {}
    )
    return [WorkloadRow(workload, row_reason(workload, reasons, over)) for workload in workloads]


def row_reason(workload: Workload, reasons: Mapping[int, Reason], over: Mapping[int, int]) -> str:
    if workload.desired != Workload.Desired.RUNNING and workload.is_active:
        return "being stopped" if workload.desired == Workload.Desired.STOPPED else "being deleted"
    if workload.state == State.WAITING:
        return reasons.get(workload.pk, NOT_LOOKED_AT).short
    if workload.pk in over:
        return f"{gpus(over[workload.pk])} over quota"
    if workload.state == State.DEGRADED:
        return workload.state_message or f"{workload.pods_running} of {workload.pods_wanted} pods run"
    return workload.state_message


def wait_reasons(ids: Sequence[int]) -> dict[int, Reason]:
    """Why these wait that the reader sees, by id; without those that no loop has looked at yet. At most two queries."""
    if not ids:
        return {}
    waits = list(
        Waiting.objects.filter(workload__in=ids).values_list(
            "workload_id", "wait_class__code", "wait_class__numbers", "wait_class__pool__name"
        )
    )
    name_of = unit_namer([numbers for _, _, numbers, _ in waits])
    return {workload: wait_reason(code, numbers, pool, name_of) for workload, code, numbers, pool in waits}


def active_counts(request: HttpRequest) -> ActiveCounts:
    rows = _in_scope(request).filter(is_active=True)
    waits = Q(state=State.WAITING)
    found = rows.aggregate(
        waiting=Count("id", filter=waits),
        waiting_gpu_milli=Sum("requested_gpu_milli", filter=waits, default=0),
        running=Count("id", filter=Q(pods_running__gt=0)),
        running_gpu_milli=Sum("allocated_gpu_milli", default=0),
    )
    codes = (
        WaitClass.objects.filter(waiting__workload__in=rows.filter(waits).values("id"))
        .values("code")
        .annotate(number=Count("waiting"))
        .order_by("-number", "code")
        .values_list("code", "number")
    )
    return ActiveCounts(**found, codes=tuple(codes))


def waiting_count(request: HttpRequest) -> int:
    """How many workloads wait that the person may see: for the menu, so capped."""
    waiting = visible_workloads(request.user).filter(is_active=True, state=State.WAITING)
    return waiting.values("id")[: MOST_COUNTED + 1].count()
