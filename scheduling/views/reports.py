"""Reports: who used what, who lent to whom, and who held what at a moment; as a page and as CSV."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from orgs.models import OrgUnit
from orgs.views.base import Guarded, Page
from portal.asked import page_size, whole_numbers
from portal.csv import csv_response
from portal.formats import gpu_hours, percent
from quotas.models import Pool
from quotas.selectors.pools import pools_in_scope
from scheduling import report_charts
from scheduling.selectors.held_at import held_at, typed_moment
from scheduling.selectors.periods import LAST, Period
from scheduling.selectors.reports import BY, Line, Report, lending_by_department, people, total_of, use_lines
from scheduling.selectors.use import Use

TABS = {"use": "Use", "people": "People", "lending": "Lent and borrowed", "held": "Who held what"}
SORTS = ("name", "used", "guaranteed", "over", "lent", "idle", "waiting")
SIZES = (50, 100, 200)
NOT_KNOWN = "not known"


class Asked:
    """What an address asks for."""

    def __init__(self, request: HttpRequest, scope: OrgUnit | None) -> None:
        query = request.GET.dict()
        self.tab = query.get("tab", "use") if query.get("tab") in TABS else "use"
        self.by = query.get("by", "department") if query.get("by") in BY else "department"
        self.period = Period.of(query, timezone.now())
        self.moment = typed_moment(query.get("at", ""), self.period.now)
        self.offered = list(pools_in_scope(request))
        chosen = set(whole_numbers(request.GET.getlist("pool")))
        self.pools: list[Pool] = [pool for pool in self.offered if pool.pk in chosen] or self.offered
        self.report = Report(request, scope, [pool.pk for pool in self.pools], self.period)
        sort = query.get("sort", "")
        self.sort = sort if sort.lstrip("-") in SORTS else "-used"

    def lines(self) -> list[Line]:
        """Of the tab `use`, in the order that is asked for."""
        name = self.sort.lstrip("-")
        found = use_lines(self.report, self.by)
        found.sort(key=lambda line: line.name)
        if name == "name":
            return found[::-1] if self.sort.startswith("-") else found
        return sorted(found, key=lambda line: getattr(line.use, name), reverse=self.sort.startswith("-"))


class ReportsPage(Page):
    permission = "reports:read"
    template_name = "scheduling/reports.html"
    fragment_template = "scheduling/reports_body.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        asked = Asked(self.request, self.scope)
        total, whole = total_of(asked.report)
        context: dict[str, Any] = {
            "asked": asked,
            "tabs": TABS.items(),
            "last": LAST.items(),
            "by": BY.items(),
            "pools": [(pool.pk, pool.name) for pool in asked.offered],
            "total": total,
            "whole": whole,
            "answer": answer(total, asked.period),
            "line": second_line(total, whole),
            "today": asked.period.now.date().isoformat(),
            "not_known": NOT_KNOWN,
            "sizes": SIZES,
        }
        if asked.tab == "use":
            context["page"] = self.page(asked.lines())
            context["chart"] = report_charts.use(asked.report)
        elif asked.tab == "people":
            context["page"] = self.page(people(asked.report))
        elif asked.tab == "lending":
            context |= report_charts.lending(asked.report, whole)
        else:
            context["held"] = held_at(asked.report, asked.moment)
        return super().get_context_data(**context, **kwargs)

    def page(self, lines: list[Any]) -> Any:
        size = page_size(self.request.GET.dict(), SIZES)
        return Paginator(lines, size).get_page(self.request.GET.get("page"))


class ReportsCsv(Guarded):
    """The table of a tab, all of it. Amounts in GPU-hours, exact to the milli-GPU-second."""

    permission = "reports:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        asked = Asked(request, self.scope)
        name = f"reports-{asked.tab}-{asked.period.begin:%Y%m%d}-{asked.period.final:%Y%m%d}.csv"
        head, rows = getattr(self, asked.tab)(asked)
        return csv_response(name, head, rows)

    def use(self, asked: Asked) -> tuple[list[str], list[list[Any]]]:
        head = [BY[asked.by], "Above", "Used", "Guaranteed", "Over quota", "Lent", "Idle guarantee", "Waiting"]
        rows = [
            [line.name, line.above, *map(hours, (u.used, u.guaranteed, u.over, u.lent, u.idle, u.waiting))]
            for line in asked.lines()
            for u in [line.use]
        ]
        return head, rows

    def people(self, asked: Asked) -> tuple[list[str], list[list[Any]]]:
        rows = [[line.name, line.workloads, hours(line.used)] for line in people(asked.report)]
        return ["Person", "Workloads", "GPU-hours"], rows

    def lending(self, asked: Asked) -> tuple[list[str], list[list[Any]]]:
        rows = [[giver, taker, hours(amount)] for giver, taker, amount in lending_by_department(asked.report)]
        return ["Lent by", "To", "GPU-hours"], rows

    def held(self, asked: Asked) -> tuple[list[str], list[list[Any]]]:
        found = held_at(asked.report, asked.moment)
        rows = [
            [row.name, row.project, row.person, row.pool, row.node, row.gpu_milli / 1000, row.started_at, row.ended_at]
            for row in found.rows
        ]
        return ["Workload", "Project", "By", "Pool", "Node", "GPUs", "From", "Until"], rows


def hours(amount: int) -> float:
    """Milli-GPU-seconds as GPU-hours."""
    return round(amount / 3_600_000, 7)


def answer(total: Use, period: Period) -> str:
    if total.empty:
        return f"No GPU was used {period.words}."
    share = f", {percent(total.over, total.used)} of them over quota" if total.over else ""
    return f"{gpu_hours(total.used)} GPU-hours were used {period.words}{share}."


def second_line(total: Use, whole: bool) -> str:
    quota = total.guaranteed + total.idle
    parts = [f"{percent(total.idle, quota)} of what was guaranteed lay idle" if quota else "Nothing was guaranteed"]
    if total.waiting:
        parts.append(f"{gpu_hours(total.waiting)} GPU-hours were waited for")
    scope = "" if whole else " Of the projects that you may see."
    return f"{' and '.join(parts)}.{scope}"
