"""The Findings page: what does not add up, since when, whom it concerns, where one mends it; and the same as a file."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from orgs.views.base import Guarded, Page, searched
from portal.asked import page_size
from portal.csv import csv_response
from quotas.finding_words import drawn, finding_words, findings_answer
from quotas.models import GuardFinding
from quotas.resources import RESOURCES
from quotas.selectors.finding import LEVELS, FindingLine, finding_lines, findings_in_scope

SIZES = (25, 50, 100)
STATES = {"open": "Open", "resolved": "Resolved"}
FILTERS = ("q", "resource", "level")
HEAD = (
    "Finding", "Cluster", "Unit", "Pool", "Resource", "Compared", "Since", "Resolved", "Guaranteed", "Of", "Over by",
    "Not ready", "Unit of the numbers", "Whom it concerns",
)  # fmt: skip


def is_resolved(request: HttpRequest) -> bool:
    return request.GET.get("state") == "resolved"


def asked_for(request: HttpRequest) -> QuerySet[GuardFinding]:
    """What the address asks for."""
    asked = request.GET
    return findings_in_scope(
        request,
        resolved=is_resolved(request),
        search=searched(request),
        resources=[key for key in asked.getlist("resource") if key in RESOURCES],
        levels=[key for key in asked.getlist("level") if key in LEVELS],
    )


class FindingsPage(Page):
    permission = "quota:read"
    template_name = "quotas/findings.html"
    fragment_template = "quotas/findings_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        asked, resolved = self.request.GET, is_resolved(self.request)
        page = Paginator(asked_for(self.request), page_size(asked, SIZES)).get_page(asked.get("page"))
        lines = [drawn(line) for line in finding_lines(list(page.object_list))]
        narrowed = any(asked.get(name) for name in FILTERS)
        return super().get_context_data(
            page=page,
            lines=lines,
            states=STATES.items(),
            state="resolved" if resolved else "open",
            resource_options=[(key, resource.label) for key, resource in RESOURCES.items()],
            level_options=[(key, level.label) for key, level in LEVELS.items()],
            narrowed=narrowed,
            kept=[(name, asked[name]) for name in ("scope", "state", "size") if asked.get(name)],
            answer=findings_answer(lines, page.paginator.count, resolved=resolved, narrowed=narrowed),
            sizes=SIZES,
            **kwargs,
        )


class FindingsCsv(Guarded):
    """Of all pages, with everybody whom they concern. Numbers in the smallest unit of their resource."""

    permission = "quota:read"

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        lines = finding_lines(list(asked_for(request)), most=None)
        return csv_response("findings.csv", HEAD, map(_cells, lines))


def _cells(line: FindingLine) -> list[object]:
    finding = line.finding
    resource = list(RESOURCES.values())[finding.resource]
    cluster = finding.unit.cluster
    return [
        finding_words(finding),
        cluster.name if cluster else "",
        finding.unit.name,
        finding.pool.name if finding.pool else "",
        resource.label,
        finding.get_level_display(),
        finding.since.isoformat(timespec="seconds"),
        finding.resolved_at.isoformat(timespec="seconds") if finding.resolved_at else "",
        finding.sum,
        finding.ceiling,
        finding.over,
        line.lost,
        resource.field,
        "; ".join(f"{unit.name} {amount}" for unit, amount in line.concerned),
    ]
