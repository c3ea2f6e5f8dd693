"""Who used what over a time, as far as the reader may know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import BigIntegerField, Count, DateTimeField, ExpressionWrapper, F, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce, Greatest, Least
from django.http import HttpRequest

from orgs.access import scopes_of
from orgs.models import OrgUnit, Subject, UnitKind
from orgs.scope import below, limited
from portal.reading import EpochMs
from quotas.models import LendingDay, Pool, UsageDay
from scheduling.loops.holdings import week_of
from scheduling.models import Allocation

from .periods import Period
from .use import Parts, Use, use_by

READ = "reports:read"
BY = {"department": "Department", "project": "Project", "pool": "Pool"}
KINDS = {"department": UnitKind.DEPARTMENT, "project": UnitKind.PROJECT}


class Report:
    """A reader, a scope, pools and a time."""

    def __init__(self, request: HttpRequest, scope: OrgUnit | None, pools: Collection[int], period: Period) -> None:
        self.request, self.scope, self.pools, self.period = request, scope, pools, period
        self.parts = Parts(pools, period)
        self._scopes = scopes_of(request.user, READ)

    @property
    def covers(self) -> bool:
        """The reader may see the whole scope, so sums of it are theirs to know."""
        return self.scope is not None and self._scopes.cover(self.scope.path)

    def units(self, kind: UnitKind) -> Callable[[str], Q]:
        """Conditions, by prefix, on rows of units of this kind that the reader may see all of, in the scope."""

        def conditions(prefix: str) -> Q:
            found = Q(**{f"{prefix}kind": kind})
            if not self._scopes.everywhere():
                found &= self._scopes.query(f"{prefix}path")
            if self.scope is not None and self.scope.kind != UnitKind.ACCOUNT:
                path = self.scope.path
                found &= Q(**{f"{prefix}path__gte": path, f"{prefix}path__lt": path[:-1] + "0"})
            return found

        return conditions

    def whole(self) -> Callable[[str], Q]:
        """The rows of the scope itself; where the reader may not see all of it, of the projects that they may see."""
        if self.scope is None or not self.covers:
            return self.units(UnitKind.PROJECT)
        if self.scope.kind == UnitKind.ACCOUNT:
            return self.units(UnitKind.CLUSTER)
        path, kind = self.scope.path, self.scope.kind
        return lambda prefix: Q(**{f"{prefix}kind": kind, f"{prefix}path": path})

    def allocations(self) -> QuerySet[Allocation]:
        """Of projects that the reader may see, in the pools, in the weeks of the time."""
        period = self.period
        rows = Allocation.objects.filter(
            Q(ended_at=None) | Q(ended_at__gt=period.begin),
            week__gte=week_of(period.begin),
            week__lte=period.final,
            pool__in=self.pools,
            started_at__lt=period.end,
        )
        projects = limited(OrgUnit.objects.filter(kind=UnitKind.PROJECT), self.request, READ)
        is_all = self._scopes.everywhere() and below(self.scope) == Q()
        return rows if is_all else rows.filter(project__in=projects.values("pk"))


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table: a unit or a pool."""

    pk: int
    name: str
    above: str
    use: Use


def total_of(report: Report) -> tuple[Use, bool]:
    """Everything together, and whether it is the whole scope."""
    found = Use()
    for use in use_by(report.parts, report.whole(), "pool").values():
        found.join(use)
    return found, report.covers


def use_lines(report: Report, by: str) -> list[Line]:
    if by == "pool":
        pools = Pool.objects.filter(pk__in=report.pools).values_list("pk", "name", "cluster__name")
        sums = use_by(report.parts, report.whole(), "pool")
        return [Line(pk, name, cluster, sums[pk]) for pk, name, cluster in pools if pk in sums]
    sums = use_by(report.parts, report.units(KINDS[by]), "unit")
    units = OrgUnit.objects.filter(pk__in=sums).values_list("pk", "name", "parent__name")
    names = {pk: (name, above) for pk, name, above in units}
    gone = sums.keys() - names.keys()
    if gone:
        names |= {
            pk: (name, "gone")
            for pk, name in UsageDay.objects.filter(unit__in=gone).values_list("unit_id", "unit_name")
        }
    return [Line(pk, *names.get(pk, ("a unit that is gone", "gone")), use) for pk, use in sums.items() if not use.empty]


@dataclass(frozen=True, slots=True)
class PersonLine:
    name: str
    workloads: int
    used: int
    """Milli-GPU-seconds."""


def people(report: Report) -> list[PersonLine]:
    """Who submitted what held GPUs, the most first. Two queries."""
    period = report.period
    moment = DateTimeField()
    begin = EpochMs(Greatest(F("started_at"), Value(period.begin, moment)))
    end = EpochMs(Least(Coalesce(F("ended_at"), Value(period.end, moment)), Value(period.end, moment)))
    held = ExpressionWrapper(F("gpu_milli") * (end - begin), BigIntegerField())
    rows = (
        report.allocations()
        .filter(gpu_milli__gt=0)
        .order_by()
        .values("submitted_by")
        .annotate(milli=Sum(held), workloads=Count("workload", distinct=True))
        .values_list("submitted_by", "milli", "workloads")
    )
    found = list(rows)
    who = Subject.objects.filter(pk__in=[pk for pk, _, _ in found if pk]).select_related("user", "group")
    names = {subject.pk: subject.title for subject in who}
    lines = [PersonLine(names.get(pk, "nobody in particular"), number, milli // 1000) for pk, milli, number in found]
    return sorted(lines, key=lambda line: (-line.used, line.name))


def lending_by_department(report: Report) -> list[tuple[str, str, int]]:
    """Lender, borrower and milli-GPU-seconds, of days that are over; the most first. One query.

    Departments of which the reader may not see all are others.
    """
    period = report.period
    rows = (
        LendingDay.objects.filter(pool__in=report.pools, at__gte=period.begin.date(), at__lte=period.final)
        .order_by()
        .values_list("lender_name", "lender_path", "borrower_name", "borrower_path")
        .annotate(Sum("gpu_milli_seconds"))
    )
    found: Counter[tuple[str, str]] = Counter()
    whole = report.scope is not None and report.scope.kind in (UnitKind.ACCOUNT, UnitKind.CLUSTER) and report.covers
    for lender, lender_path, borrower, borrower_path, amount in rows:
        giver = department(report, lender, lender_path) if lender_path else "unassigned" if whole else "others"
        taker = department(report, borrower, borrower_path)
        if (giver, taker) != ("others", "others"):
            found[giver, taker] += amount
    return sorted(((*pair, amount) for pair, amount in found.items()), key=_most)


def department(report: Report, name: str, path: str) -> str:
    """Its name for those who look at it and may see all of it."""
    inside = report.scope is None or path.startswith(report.scope.path)
    return name if inside and scopes_of(report.request.user, READ).cover(path) else "others"


def _most(row: tuple[Any, ...]) -> tuple[int, Any]:
    return -row[-1], row[:-1]
