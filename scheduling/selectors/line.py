"""Who is in line for a pool: units by the place its loop gave them, inside a project by priority and age."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from quotas.models import Pool, UnitUsage
from scheduling.models import Priority, Workload

from .names import workload_words
from .visible import visible_workloads

SHOWN_AHEAD = 4
LAST = 10**6
"""Place of a project that no loop has seen yet."""


@dataclass(frozen=True, slots=True)
class InLine:
    """One workload that waits for the pool."""

    number: int
    name: str
    gpu_milli: int
    note: str
    pk: int | None
    """None: may not be seen."""
    own: bool


@dataclass(frozen=True, slots=True)
class Line:
    ahead: int
    total: int
    shown: list[InLine]
    """The first ones, then the workload itself, then the one behind it."""


def waiting_in(pool: Pool) -> QuerySet[Workload]:
    """What waits for the pool, in the order of service."""
    place = UnitUsage.objects.filter(pool=pool, unit=OuterRef("project")).values("position")[:1]
    waiting = Workload.objects.filter(
        pool=pool, is_active=True, state=Workload.State.WAITING, desired=Workload.Desired.RUNNING
    )
    return waiting.annotate(place=Coalesce(Subquery(place), LAST)).order_by("place", "-priority", "created_at", "id")


def before(pool: Pool, place: int, priority: int, workload: Workload | None = None) -> QuerySet[Workload]:
    """What is served earlier than this workload, or than a new one of that place and priority."""
    earlier = Q(place__lt=place) | Q(place=place, priority__gt=priority)
    if workload is None:
        earlier |= Q(place=place, priority=priority)
    else:
        older = Q(created_at__lt=workload.created_at) | Q(created_at=workload.created_at, id__lt=workload.pk)
        earlier |= Q(place=place, priority=priority) & older
    return waiting_in(pool).filter(earlier)


def line_for(workload: Workload, user: Any) -> Line:
    """The line of the workload's pool around it. It has to wait in a pool."""
    pool = workload.pool
    assert pool is not None
    place = UnitUsage.objects.filter(pool=pool, unit=workload.project).values_list("position", flat=True).first()
    ahead = before(pool, LAST if place is None else place, workload.priority, workload)
    number, total = ahead.count(), waiting_in(pool).count()
    behind = waiting_in(pool).exclude(pk=workload.pk)[number : number + 1]
    entries = [*enumerate(ahead[:SHOWN_AHEAD], 1), (number + 1, workload), *((number + 2, w) for w in behind)]
    words = workload_words(user, {entry.pk for _, entry in entries}, workload.project)
    seen = dict(
        visible_workloads(user).filter(id__in={entry.pk for _, entry in entries}).values_list("id", "project__name")
    )
    return Line(
        ahead=number,
        total=total,
        shown=[
            InLine(
                number=at,
                name=words[entry.pk],
                gpu_milli=entry.requested_gpu_milli,
                note=f"{seen[entry.pk]}, {Priority(entry.priority).label} priority" if entry.pk in seen else "",
                pk=entry.pk if entry.pk in seen else None,
                own=entry.pk == workload.pk,
            )
            for at, entry in entries
        ],
    )
