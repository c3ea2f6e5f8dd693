"""Who held what at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Q

from orgs.models import OrgUnit, Subject
from orgs.scope import below
from quotas.models import Node, Pool
from scheduling.loops.holdings import week_of
from scheduling.models import Allocation, Workload

from .reports import Report
from .visible import visible_workloads

MOST = 500
KEPT = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class HeldRow:
    workload: int
    name: str
    project: str
    person: str
    pool: str
    node: str
    gpu_milli: int
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class HeldAt:
    at: datetime
    rows: list[HeldRow]
    gpu_milli: int
    """Of the rows together."""
    more: bool
    """There are more than are shown."""


def typed_moment(text: str, now: datetime) -> datetime:
    """The minute that an address names, UTC; now for what cannot be read."""
    try:
        return moment_of(datetime.fromisoformat(text).replace(tzinfo=UTC), now)
    except ValueError:
        return now


def moment_of(at: datetime | None, now: datetime) -> datetime:
    """Its minute; now for the future, and for what is not kept any more."""
    if at is None:
        return now
    at = at.replace(second=0, microsecond=0)
    return at if now - KEPT <= at <= now else now


def held_at(report: Report, at: datetime) -> HeldAt:
    """What of the workloads in the reader's sight held GPUs then, the largest first. Six queries."""
    seen = visible_workloads(report.request.user).filter(below(report.scope, "project"))
    rows = Allocation.objects.filter(
        Q(ended_at=None) | Q(ended_at__gt=at),
        week=week_of(at),
        pool__in=report.pools,
        started_at__lte=at,
        gpu_milli__gt=0,
        workload__in=seen.values("pk"),
    ).order_by("-gpu_milli", "workload", "node")
    fields = ("workload_id", "project_id", "submitted_by_id", "pool_id", "node", "gpu_milli", "started_at", "ended_at")
    found = list(rows.values_list(*fields)[: MOST + 1])
    shown = found[:MOST]
    workloads = dict(Workload.objects.filter(pk__in={row[0] for row in shown}).values_list("pk", "name"))
    projects = dict(OrgUnit.objects.filter(pk__in={row[1] for row in shown}).values_list("pk", "name"))
    who = Subject.objects.filter(pk__in={row[2] for row in shown if row[2]}).select_related("user", "group")
    people = {subject.pk: subject.title for subject in who}
    pools = dict(Pool.objects.filter(pk__in={row[3] for row in shown}).values_list("pk", "name"))
    nodes = dict(Node.objects.filter(pk__in={row[4] for row in shown}).values_list("pk", "name"))
    lines = [
        HeldRow(
            workload=workload,
            name=workloads.get(workload, ""),
            project=projects.get(project, ""),
            person=people.get(person, ""),
            pool=pools.get(pool, ""),
            node=nodes.get(node, "a node that is gone"),
            gpu_milli=gpu_milli,
            started_at=started_at,
            ended_at=ended_at,
        )
        for workload, project, person, pool, node, gpu_milli, started_at, ended_at in shown
    ]
    return HeldAt(at, lines, sum(line.gpu_milli for line in lines), len(found) > MOST)
