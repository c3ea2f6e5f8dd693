"""The cycles of the loops: as a list, and one by one with what each decided."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Q
from django.http import HttpRequest, QueryDict
from django.utils import timezone

from orgs.access import NotVisible
from orgs.models import OrgUnit, UnitKind
from orgs.scope import limited
from portal.asked import page_size, whole_numbers
from portal.quota_bar import QuotaBar
from portal.selectors.keyset import KeysetPage, Sort, keyset_page
from quotas.models import Pool
from scheduling.models import CycleReport, Decision

from .scheduler import COLUMNS, DecisionRow, decision_rows

SIZES = (25, 50, 100)
SORTS = ("at", "took")
USUAL = "-at"
EVICTING, SLOW = "evicting", "slow"
MOST_DECISIONS = 500
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class CycleQuery:
    """What the list is narrowed to, and how it is sorted."""

    pools: tuple[int, ...] = ()
    evicting: bool = False
    """Only cycles that stopped or moved something."""
    slow: bool = False
    """Only cycles that took longer than the loop's interval."""
    sort: str = USUAL
    size: int = SIZES[0]
    after: str = ""
    before: str = ""

    @classmethod
    def of(cls, asked: QueryDict) -> CycleQuery:
        sort, only = asked.get("sort", ""), asked.getlist("only")
        return cls(
            pools=whole_numbers(asked.getlist("pool")),
            evicting=EVICTING in only,
            slow=SLOW in only,
            sort=sort if sort.removeprefix("-") in SORTS else USUAL,
            size=page_size(asked, SIZES),
            after=asked.get("after", ""),
            before=asked.get("before", ""),
        )

    @property
    def narrows(self) -> bool:
        return bool(self.pools) or self.evicting or self.slow


@dataclass(frozen=True, slots=True)
class Served:
    """A unit in the order of service, with its amounts as the engine saw them after the cycle."""

    unit: OrgUnit
    is_project: bool
    quota: int | None
    fair: int
    allocated: int
    waiting: int
    bar: QuotaBar


def cycle_list(pools: Collection[Pool], query: CycleQuery) -> tuple[list[CycleReport], KeysetPage]:
    """One page of the cycles of these pools, and how to go on."""
    rows = CycleReport.objects.filter(pool__in=[pool.pk for pool in pools])
    if query.evicting:
        rows = rows.filter(evicts__gt=0)
    if query.slow:
        rows = rows.filter(took_us__gt=settings.LOOP_INTERVAL_SECONDS * 1e6)
    column = "took_us" if query.sort.endswith("took") else "at"
    sort = Sort((column,), descending=query.sort.startswith("-"))
    page = keyset_page(rows, sort, query.size, query.after, query.before)
    found = CycleReport.objects.filter(pk__in=page.ids).select_related("pool__cluster")
    by_id = {report.pk: report for report in found.defer("served")}
    return [by_id[pk] for pk in page.ids if pk in by_id], page


@dataclass(frozen=True, slots=True)
class LastHour:
    """Of cycles that decided something; a saved one need not have."""

    cycles: int
    evicting: int
    slowest_us: int


def last_hour(pools: Collection[Pool]) -> LastHour:
    recent = CycleReport.objects.filter(pool__in=[pool.pk for pool in pools], at__gte=timezone.now() - HOUR)
    decided = Q(counts__places__gt=0) | Q(counts__reserves__gt=0) | Q(evicts__gt=0)
    found = recent.aggregate(
        cycles=Count("id", filter=decided),
        evicting=Count("id", filter=Q(evicts__gt=0)),
        slowest_us=Max("took_us", filter=decided, default=0),
    )
    return LastHour(**found)


def cycle_of(pool: Pool, number: int) -> CycleReport:
    report = CycleReport.objects.filter(pool=pool, cycle=number).first()
    if report is None:
        raise NotVisible("There is no such cycle, or it is too long ago: they are kept for 7 days.")
    return report


def beside(report: CycleReport) -> tuple[int | None, int | None]:
    """The numbers of the cycle before it and of the one after it, of the same pool."""
    others = CycleReport.objects.filter(pool=report.pool_id).values_list("cycle", flat=True)
    before = others.filter(cycle__lt=report.cycle).order_by("-cycle").first()
    return before, others.filter(cycle__gt=report.cycle).order_by("cycle").first()


def decided_in(report: CycleReport, user: Any) -> tuple[list[DecisionRow], int]:
    """What the cycle decided, pods alike together, and of how many decisions beyond the first nothing is shown."""
    rows = Decision.objects.filter(pool=report.pool_id, cycle=report.cycle).order_by("id")
    found = list(rows[: MOST_DECISIONS + 1])
    more = rows.count() - MOST_DECISIONS if len(found) > MOST_DECISIONS else 0
    return decision_rows(found[:MOST_DECISIONS], user), more


def served_in(request: HttpRequest, report: CycleReport) -> tuple[str, list[Served], int]:
    """The resource that is counted in, the first units in the order of service, and how many are out of sight."""
    column = str(report.served.get("resource", COLUMNS["gpu"]))
    resource = next(name for name, of in COLUMNS.items() if of == column)
    rows = report.served.get("units", [])
    seen = limited(OrgUnit.objects.filter(pk__in=[row[0] for row in rows]), request, "project:read").in_bulk()
    shown = [row for row in rows if row[0] in seen]
    scale = max((max(row[3], row[1] or 0, row[4]) for row in shown if seen[row[0]].kind == UnitKind.PROJECT), default=0)
    return resource, list(_served(shown, seen, scale, resource)), len(rows) - len(shown)


def _served(rows: list[list[Any]], seen: dict[int, OrgUnit], scale: int, resource: str) -> Iterator[Served]:
    for pk, quota, fair, allocated, requested in rows:
        waiting = max(0, requested - allocated)
        yield Served(
            unit=seen[pk],
            is_project=seen[pk].kind == UnitKind.PROJECT,
            quota=quota,
            fair=fair,
            allocated=allocated,
            waiting=waiting,
            bar=QuotaBar.of(allocated, quota, scale, waiting=waiting, fair_share=fair, resource=resource),
        )
