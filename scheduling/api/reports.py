"""Reports: who used what over a time, and what pools had in each minute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from orgs.access import within
from orgs.api.base import SCOPE, Scoped
from orgs.scope import below, chosen_scope
from portal.api.endpoint import Lists
from portal.api.fields import Given, Reference
from portal.api.listing import MOST_ROWS, Filter, Listing, part_of
from quotas.models import Pool
from quotas.selectors.pools import pools_in_scope
from scheduling.models import PoolSample
from scheduling.selectors.held_at import held_at, moment_of
from scheduling.selectors.periods import LAST, USUAL, Period
from scheduling.selectors.reports import BY, Line, Report, lending_by_department, people, total_of, use_lines
from scheduling.selectors.use import Use

AMOUNTS = ("used", "guaranteed", "over", "lent", "idle", "waiting")
WINDOW = {
    "last": Filter(f"Up to now; usually `{USUAL}`.", kind="choice", choices={name: name for name in LAST}),
    "from": Filter("The first day, UTC.", kind="day"),
    "to": Filter("The last day, UTC.", kind="day"),
    "pool": Filter("The id of a pool."),
    "scope": SCOPE,
}
PAGE = {"limit": Filter(f"Rows of a page, 1 to {MOST_ROWS}."), "cursor": Filter("Where it begins.", kind="text")}
NOT_READ = ("scope", "limit", "cursor")
"""Read elsewhere."""


class UseSerializer(serializers.Serializer):
    """Sums over the time, in milli-GPU-seconds: 3,600,000 are one GPU-hour."""

    used = serializers.IntegerField()
    guaranteed = serializers.IntegerField(help_text="Of what was used: inside the quota.")
    over = serializers.IntegerField(help_text="Of what was used: over quota.")
    lent = serializers.IntegerField(help_text="Of days that are over.")
    idle = serializers.IntegerField(help_text="Guaranteed and not used.")
    waiting = serializers.IntegerField(help_text="Waited for.")


class UseLine(UseSerializer):
    """A department, project or pool."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    above = serializers.CharField(allow_null=True, help_text="What it lies in.")


class PersonUse(serializers.Serializer):
    """Who submitted what held GPUs."""

    name = serializers.CharField()
    workloads = serializers.IntegerField()
    used = serializers.IntegerField(help_text="Milli-GPU-seconds.")


class LentSerializer(serializers.Serializer):
    """What projects of one department lent to those of another, on days that are over."""

    lender = serializers.CharField()
    borrower = serializers.CharField()
    gpu_milli_seconds = serializers.IntegerField()


class HeldSerializer(serializers.Serializer):
    """What held GPUs at the moment."""

    workload = serializers.IntegerField()
    name = serializers.CharField()
    project = serializers.CharField()
    person = serializers.CharField(allow_blank=True)
    pool = serializers.CharField(allow_blank=True)
    node = serializers.CharField(allow_blank=True)
    gpu_milli = serializers.IntegerField()
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class Window(serializers.Serializer):
    """The time that a report is about."""

    begin = serializers.DateTimeField()
    end = serializers.DateTimeField()


class Paged(Window):
    """A part of it."""

    next = serializers.URLField(allow_null=True, help_text="The page after this one.")
    previous = serializers.URLField(allow_null=True)


class UseReport(Paged):
    """What units or pools used."""

    total = UseSerializer()
    whole = serializers.BooleanField(help_text="The total is of the scope; else of the projects that you may see.")
    items = UseLine(many=True)


class PeopleReport(Paged):
    """What people used, the most first."""

    items = PersonUse(many=True)


class LendingReport(Paged):
    """Who lent to whom, the most first. Departments of which you may not see all are others."""

    items = LentSerializer(many=True)


class HeldReport(serializers.Serializer):
    """Who held what, the largest first."""

    at = serializers.DateTimeField()
    gpu_milli = serializers.IntegerField(help_text="Of the items together.")
    more = serializers.BooleanField(help_text="There are more than are shown.")
    items = HeldSerializer(many=True, source="rows")


class Reports(Scoped):
    """Who used what over a time, as far as you may know."""

    permission = "reports:read"
    asked = {
        "use": {"by": Filter("What a line is.", kind="choice", choices={name: name for name in BY}), **WINDOW, **PAGE},
        "people": WINDOW | PAGE,
        "lending": WINDOW | PAGE,
        "held": {
            "at": Filter("The minute, of the last 180 days; usually now.", kind="time"),
            "pool": WINDOW["pool"],
            "scope": SCOPE,
        },
    }
    answers = {
        "use": {200: UseReport},
        "people": {200: PeopleReport},
        "lending": {200: LendingReport},
        "held": {200: HeldReport},
    }

    def rows(self) -> QuerySet[Pool]:
        return pools_in_scope(self.request._request)

    def report(self) -> tuple[Report, dict[str, Any]]:
        """What is asked for."""
        given, filters = self.request.query_params, self.asked[self.action]
        values = {name: filters[name].value(name, text) for name, text in given.dict().items() if name not in NOT_READ}
        pools = [pk for pk in self.rows().values_list("pk", flat=True) if values.get("pool", pk) == pk]
        scope = getattr(self.request._request, "unit_scope", None) or chosen_scope(self.request._request)
        period = Period.of(given.dict(), timezone.now())
        return Report(self.request._request, scope, pools, period), values

    @action(["get"], detail=False)
    def use(self, request: Request) -> Response:
        """What departments, projects or pools used, the most first."""
        report, values = self.report()
        total, whole = total_of(report)
        lines = sorted(use_lines(report, values.get("by", "department")), key=lambda one: (-one.use.used, one.name))
        return self.paged(report, lines, _line, UseReport, total=_amounts(total), whole=whole)

    @action(["get"], detail=False)
    def people(self, request: Request) -> Response:
        """What people used, the most first."""
        report, _ = self.report()
        return self.paged(report, people(report), lambda one: one, PeopleReport)

    @action(["get"], detail=False)
    def lending(self, request: Request) -> Response:
        """Who lent to whom, the most first."""
        report, _ = self.report()
        names = ("lender", "borrower", "gpu_milli_seconds")
        return self.paged(
            report, lending_by_department(report), lambda one: dict(zip(names, one, strict=True)), LendingReport
        )

    @action(["get"], detail=False)
    def held(self, request: Request) -> Response:
        """What held GPUs at a moment, the largest first."""
        report, values = self.report()
        return Response(HeldReport(held_at(report, moment_of(values.get("at"), report.period.now))).data)

    def paged(
        self,
        report: Report,
        lines: Sequence[Any],
        given: Callable[[Any], Any],
        serializer: type[serializers.Serializer],
        **more: Any,
    ) -> Response:
        part = part_of(lines, self.request)
        window = {"begin": report.period.begin, "end": report.period.end}
        beside = {"next": part.following, "previous": part.previous}
        return Response(serializer({**window, **beside, **more, "items": [given(one) for one in part.rows]}).data)


def _amounts(use: Use) -> dict[str, int]:
    return {name: getattr(use, name) for name in AMOUNTS}


def _line(line: Line) -> dict[str, Any]:
    return {"id": line.pk, "name": line.name, "above": line.above, **_amounts(line.use)}


class SampleSerializer(Given):
    """One minute of a pool."""

    pool = Reference(read_only=True)
    at = serializers.DateTimeField(read_only=True)
    gpu_milli = serializers.IntegerField(read_only=True, help_text="Of the ready nodes.")
    guaranteed_gpu_milli = serializers.IntegerField(read_only=True, help_text="Used inside quotas.")
    over_gpu_milli = serializers.IntegerField(read_only=True, help_text="Used over quota.")
    requested_gpu_milli = serializers.IntegerField(read_only=True, help_text="Waiting.")
    pending = serializers.IntegerField(read_only=True, help_text="Workloads that wait.")
    cycles = serializers.IntegerField(read_only=True)
    slowest_cycle_us = serializers.IntegerField(read_only=True, help_text="Microseconds.")


class Samples(Lists, Scoped):
    """What pools had, minute by minute, of the last 7 days, for whom a whole cluster concerns."""

    permission = "overview:read"
    serializer_class = SampleSerializer
    listing = Listing(
        {"at": ("at",)},
        {
            "pool": Filter("The id of a pool.", "pool"),
            "since": Filter("Then or later.", "at__gte", "time"),
            "until": Filter("Before.", "at__lt", "time"),
            "scope": SCOPE,
        },
        usual="-at",
    )

    def rows(self) -> QuerySet[PoolSample]:
        scope = getattr(self.request._request, "unit_scope", None)
        pools = within(Pool.objects.filter(below(scope, "cluster")), self.request.user, self.permission, "cluster")
        return PoolSample.objects.filter(pool__in=pools.values("pk")).select_related("pool")
