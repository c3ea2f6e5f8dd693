"""The tour: for each state of interest something that is in it now and that the reader may see."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.http import HttpRequest
from django.urls import reverse

from orgs.models import ClusterInfo, UnitKind
from orgs.scope import limited
from portal.access import may_any
from portal.formats import count, counted
from quotas.models import Node, Quota
from quotas.selectors.finding import open_count
from scheduling.engine.decisions import EvictCode, WaitCode
from scheduling.models import Decision, Event, TourClosed, Workload
from scheduling.services.workload_access import GANGS

from .over import over_quota_milli
from .visible import visible_workloads

State = Workload.State
MOST = 400
"""Active workloads that are looked at, the newest."""
FIELDS = (
    "pk",
    "name",
    "project_id",
    "pool_id",
    "kind",
    "state",
    "preemptible",
    "pods_running",
    "pods_wanted",
    "allocated_gpu_milli",
)
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TourStep:
    key: str
    title: str
    text: str
    """What to look at."""
    url: str = ""
    """Empty while nothing is in that state."""


def tour_offered(request: HttpRequest) -> bool:
    """Where something is simulated that the reader may see."""
    simulated = ClusterInfo.objects.filter(mode=ClusterInfo.Mode.SIMULATED)
    return limited(simulated, request, "cluster:read", "unit").exists()


def tour_closed(user: Any) -> bool:
    return TourClosed.objects.filter(user=user).exists()


def tour_steps(request: HttpRequest) -> list[TourStep]:
    """In the order in which they explain each other; a fixed number of queries."""
    user = request.user
    seen = visible_workloads(user)
    waits = F("waiting__wait_class__code")
    rows: list[Row] = list(
        seen.filter(is_active=True, desired=Workload.Desired.RUNNING)
        .annotate(code=waits)
        .order_by("-pk")
        .values(*FIELDS, "code")[:MOST]
    )
    stopped, moved = _stopped(rows), _moved(rows)
    over = over_quota_milli({row["pool_id"] for row in rows if row["pool_id"]}, {row["project_id"] for row in rows})
    guaranteed = _guaranteed(rows)
    failed = seen.filter(state=State.FAILED, is_active=False).order_by("-created_at", "-pk").values(*FIELDS).first()

    def waiting(*codes: WaitCode) -> Callable[[Row], bool]:
        return lambda row: row["state"] == State.WAITING and row["code"] in codes

    def is_lent(row: Row) -> bool:
        return row["pk"] in over and (row["project_id"], row["pool_id"]) in guaranteed

    def is_best_effort(row: Row) -> bool:
        return row["pk"] in over and (row["project_id"], row["pool_id"]) not in guaranteed

    def is_gang(row: Row) -> bool:
        waits = row["state"] == State.WAITING and row["kind"] in GANGS and row["pods_wanted"] > 1
        return waits and row["code"] in (WaitCode.SHORT, WaitCode.FRAGMENTED, WaitCode.TOPOLOGY)

    def is_elastic(row: Row) -> bool:
        return row["state"] in (State.RUNNING, State.DEGRADED) and 0 < row["pods_running"] < row["pods_wanted"]

    steps = [
        _of("guaranteed", "Guaranteed", "{} runs on what its project is guaranteed. Nobody takes that back.",
            _first(rows, lambda row: not row["preemptible"] and row["allocated_gpu_milli"] > 0)),
        _of("over", "Over quota", "{} runs on what others leave idle: hatched in every bar.", _first(rows, is_lent)),
        _of("reclaim", "Taken back", "{} was stopped for the owner of its GPUs. Its timeline says for whom.",
            _first(rows, lambda row: row["pk"] in stopped[EvictCode.RECLAIM])),
        _of("preempt", "Stopped for a higher priority", "{} made way inside its own project; see its timeline.",
            _first(rows, lambda row: row["pk"] in stopped[EvictCode.PREEMPT])),
        _of("consolidate", "Moved to make room", "{} was moved so that a larger one fits, and started again at once.",
            _first(rows, lambda row: row["pk"] in stopped[EvictCode.CONSOLIDATE])),
        _of("gang", "A gang waits", "{} starts with all of its pods, or not at all. See what it is short of.",
            _first(rows, is_gang)),
        _elastic(_first(rows, is_elastic)),
        _of("limit", "At the limit", "{} would pass the ceiling of its project: the step “limit” stops it.",
            _first(rows, waiting(WaitCode.OVER_LIMIT, WaitCode.OVER_QUOTA_OFF))),
        _of("blocked", "Blocked", "{} asks for a pool that its project may not use; Quotas shows the padlock.",
            _first(rows, waiting(WaitCode.BLOCKED))),
        _of("best_effort", "Best effort", "{} has no guarantee in its pool, and runs while there is room.",
            _first(rows, is_best_effort)),
        _of("fragmented", "Free, but in pieces", "{} waits though enough is free: on no single node. See the map.",
            _first(rows, waiting(WaitCode.FRAGMENTED))),
        _of("second_pool", "In its second pool", "{} could not start in its first pool, and was moved. See why.",
            _first(rows, lambda row: row["pk"] in moved)),
        _of("failed", "Failed", "{} ended with an error. Its page has the cluster's word on it.", failed),
    ]  # fmt: skip
    if may_any(user, "node:read"):
        steps.append(_node(request))
    if may_any(user, "quota:read"):
        steps.append(_findings(request))
    return steps


NOTHING = "Nothing is in that state now."


def _of(key: str, title: str, text: str, row: Row | None) -> TourStep:
    if row is None:
        return TourStep(key, title, NOTHING)
    return TourStep(key, title, text.format(row["name"]), reverse("workload", args=[row["pk"]]))


def _elastic(row: Row | None) -> TourStep:
    has = f"{count(row['pods_running'])} of its {counted(row['pods_wanted'], 'pod')}" if row else ""
    return _of("elastic", "Elastic, below its wish", f"{{}} runs with {has}; the others follow when they may.", row)


def _node(request: HttpRequest) -> TourStep:
    away = Node.objects.filter(removed_at=None, state=Node.State.NOT_READY)
    node = limited(away, request, "node:read", "cluster").order_by("-state_since", "pk").first()
    title = "A node fails"
    if node is None:
        return TourStep("node", title, "All nodes are ready now.")
    text = f"{node.name} fell silent. It takes nothing new; what ran there keeps its place until it is gone."
    return TourStep("node", title, text, reverse("node", args=[node.pk]))


def _findings(request: HttpRequest) -> TourStep:
    found = open_count(request)
    title = "What does not add up"
    if not found:
        return TourStep("findings", title, "All quotas add up now.")
    text = f"The guard has {counted(found, 'finding')}: guarantees that are more than what stands behind them."
    return TourStep("findings", title, text, reverse("findings"))


def _first(rows: Iterable[Row], fits: Callable[[Row], bool]) -> Row | None:
    return next((row for row in rows if fits(row)), None)


def _stopped(rows: list[Row]) -> dict[str, set[int]]:
    """Which of these were stopped for others, by reason."""
    found: dict[str, set[int]] = {code: set() for code in EvictCode}
    evictions = Decision.objects.filter(
        workload__in=[row["pk"] for row in rows], kind=Decision.Kind.EVICT, state=Decision.State.OBSERVED
    )
    for code, workload in evictions.values_list("code", "workload").distinct():
        found.setdefault(code, set()).add(workload)
    return found


def _moved(rows: list[Row]) -> set[int]:
    """Which of these have been in another pool before."""
    events = Event.objects.filter(workload__in=[row["pk"] for row in rows], code="moved")
    return {workload for workload, numbers in events.values_list("workload_id", "numbers") if numbers.get("from")}


def _guaranteed(rows: list[Row]) -> set[tuple[int, int]]:
    """Project and pool where there is a quota."""
    quotas = Quota.objects.filter(
        unit__in={row["project_id"] for row in rows}, unit__kind=UnitKind.PROJECT, gpu_milli__gt=0
    )
    return set(quotas.values_list("unit_id", "pool_id"))
