"""The Quotas page: the matrix of a cluster now or as of a moment, as a page and as CSV, and the history of a cell."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from orgs.access import NotVisible, unit_for
from orgs.models import OrgUnit
from orgs.views.base import Guarded, Page
from portal.asked import page_size, whole_number
from portal.csv import csv_response
from quotas.cells import Drawn, draw
from quotas.lens import SHOWN, Lens
from quotas.models import Pool
from quotas.resources import RESOURCES
from quotas.selectors.gone import gone_since
from quotas.selectors.guard import guard_of
from quotas.selectors.history import cell_history
from quotas.selectors.matrix import Matrix, matrix
from quotas.selectors.pools import clusters_in_scope
from quotas.words import NO_CLUSTER, gone_lines, guard_pills, quotas_answer

LONGEST_SEARCH = 100
SIZES = (50, 100, 200)


class MatrixOf:
    """What an address asks for: cluster, lens, search, page, moment; and the matrix that answers it."""

    def __init__(self, request: HttpRequest, scope: OrgUnit | None) -> None:
        self.request, self.scope = request, scope
        self.lens = Lens.of(request.GET.dict())
        self.search = request.GET.get("q", "").strip()[:LONGEST_SEARCH]
        self.day = request.GET.get("day", "")
        self.at = end_of(self.day) or moment(request.GET.get("at", ""))
        self.clusters = list(clusters_in_scope(request, "quota:read"))
        self.cluster = self._cluster()

    def _cluster(self) -> OrgUnit | None:
        wanted = self.request.GET.get("cluster", "")
        return next((c for c in self.clusters if str(c.pk) == wanted), self.clusters[0] if self.clusters else None)

    def matrix(self, cluster: OrgUnit, *, whole: bool = False) -> Matrix:
        """Of GPUs without the pools that have none to give. `whole`: all pages in one."""
        found = matrix(
            self.request.user,
            cluster,
            self.scope,
            search=self.search,
            number=1 if whole else self.request.GET.get("page", 1),
            size=None if whole else page_size(self.request.GET, SIZES),
            at=self.at,
        )
        if self.lens.resource.key != "gpu":
            return found
        return replace(found, columns=[column for column in found.columns if column.offers_gpus])

    def drawn(self, found: Matrix) -> Drawn:
        return draw(found, self.lens)


def moment(text: str) -> datetime | None:
    """A moment of the past, UTC unless it says otherwise. None for the future and for what cannot be read."""
    try:
        at = datetime.fromisoformat(text)
        at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if at <= timezone.now() else None


def end_of(day: str) -> datetime | None:
    """The end of a day, UTC. None for today, the future and what cannot be read."""
    try:
        return moment((date.fromisoformat(day) + timedelta(days=1)).isoformat())
    except (ValueError, OverflowError):
        return None


class QuotasPage(Page):
    permission = "quota:read"
    template_name = "quotas/quotas.html"
    fragment_template = "quotas/quotas_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        asked = MatrixOf(self.request, self.scope)
        context = super().get_context_data(asked=asked, lens=asked.lens, **kwargs)
        context |= {
            "resources": RESOURCES.values(),
            "shown": SHOWN.items(),
            "answer": NO_CLUSTER,
            "sizes": SIZES,
            "kept": self.kept(),
            "at": asked.at,
            "today": timezone.now().date().isoformat(),
            "query": self.request.GET.urlencode(),
        }
        if asked.cluster is not None:
            found = asked.matrix(asked.cluster)
            drawn, at = asked.drawn(found), self.listed(found)
            context |= {
                "matrix": found,
                "drawn": drawn,
                "listed": at,
                "list": [(row.row, row.cells[at]) for row in drawn.rows if row.cells],
                "editable": any(row.editable for row in found.rows),
                "answer": quotas_answer(found, asked.lens),
                "gone": gone_lines(gone_since(asked.cluster, asked.at), asked.lens)
                if asked.at and found.is_whole
                else [],
                "guard": [] if asked.at else guard_pills(guard_of(asked.cluster), asked.lens.resource),
            }
        return context

    def kept(self) -> list[tuple[str, str]]:
        """What the toolbar's form does not ask and the address keeps."""
        names = ("scope", "cluster", "resource", "show", "size", "at")
        return [(name, self.request.GET[name]) for name in names if self.request.GET.get(name)]

    def listed(self, found: Matrix) -> int:
        """Which column the list for phones shows."""
        wanted = self.request.GET.get("pool", "")
        return next((at for at, column in enumerate(found.columns) if str(column.pool.pk) == wanted), 0)


class QuotasCsv(Guarded):
    """What the page shows, of all its pages: a row for each department and project, a column for each pool."""

    permission = "quota:read"

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        asked = MatrixOf(request, self.scope)
        if asked.cluster is None:
            raise NotVisible("There is no cluster here.")
        found = asked.matrix(asked.cluster, whole=True)
        drawn = asked.drawn(found)
        name = f"quotas-{asked.cluster.name}-{asked.lens.resource.key}-{asked.lens.show}.csv"
        names = {row.unit.pk: row.unit.name for row in found.rows} | {asked.cluster.pk: asked.cluster.name}
        units = [(drawn_row.row.unit, drawn_row.cells) for drawn_row in drawn.rows]
        return csv_response(
            name,
            ["Kind", "Above", "Name", *(head.name for head in drawn.heads)],
            (
                [
                    unit.get_kind_display(),
                    names.get(unit.parent_id or 0, ""),
                    unit.name,
                    *(cell.value for cell in cells),
                ]
                for unit, cells in units
            ),
        )


class QuotaCell(Guarded):
    """The history of a cell, as a panel: who changed what when, and why. Part of a page."""

    permission = "quota:read"

    def prepare(self, **kwargs: Any) -> None:
        self.unit = unit_for(self.request.user, kwargs["unit"], self.permission)
        pool = Pool.objects.filter(pk=kwargs["pool"], cluster=self.unit.cluster_id or 0).first()
        if pool is None:
            raise NotVisible("There is no such pool in the cluster of the unit.")
        self.pool = pool

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        before = request.GET.get("before", "")
        found = cell_history(self.unit.pk, self.pool, whole_number(before) or 0)
        context = {"unit": self.unit, "pool": self.pool, "history": found, "before": before}
        return render(request, "quotas/history.html", context)
