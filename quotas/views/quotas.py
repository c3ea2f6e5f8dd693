"""The Quotas page: the matrix of a cluster, and the saving of one of its cells."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from orgs.access import NotVisible, require, unit_for
from orgs.models import OrgUnit
from orgs.views.base import Guarded, Page
from portal.errors import Refused
from portal.matrix import MatrixCell
from quotas.cells import Drawn, draw
from quotas.lens import SHOWN, Lens
from quotas.models import Pool, Quota
from quotas.resources import RESOURCES
from quotas.selectors.matrix import Matrix, matrix
from quotas.selectors.pools import clusters_in_scope
from quotas.services.quota import quota_clear, quota_set
from quotas.words import NO_CLUSTER, quotas_answer

LONGEST_SEARCH = 100
LONGEST_TYPED = 40
SIZES = (50, 100, 200)


class MatrixOf:
    """What an address asks for: cluster, lens, search, page; and the matrix that answers it."""

    def __init__(self, request: HttpRequest, scope: OrgUnit | None) -> None:
        self.request, self.scope = request, scope
        self.lens = Lens.of(request.GET.dict())
        self.search = request.GET.get("q", "").strip()[:LONGEST_SEARCH]
        self.clusters = list(clusters_in_scope(request, "quota:read"))
        self.cluster = self._cluster()

    def _cluster(self) -> OrgUnit | None:
        wanted = self.request.GET.get("cluster", "")
        return next((c for c in self.clusters if str(c.pk) == wanted), self.clusters[0] if self.clusters else None)

    def matrix(self, cluster: OrgUnit) -> Matrix:
        """Of GPUs without the pools that have none to give."""
        size = self.request.GET.get("size", "")
        found = matrix(
            self.request.user,
            cluster,
            self.scope,
            search=self.search,
            number=self.request.GET.get("page", 1),
            size=int(size) if size in map(str, SIZES) else SIZES[0],
        )
        if self.lens.resource.key != "gpu":
            return found
        return replace(found, columns=[column for column in found.columns if column.offers_gpus])

    def drawn(self, found: Matrix) -> Drawn:
        return draw(found, self.lens, self.request.GET.urlencode())


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
            }
        return context

    def kept(self) -> list[tuple[str, str]]:
        """What the toolbar's form does not ask and the address keeps."""
        names = ("scope", "cluster", "resource", "show", "size")
        return [(name, self.request.GET[name]) for name in names if self.request.GET.get(name)]

    def listed(self, found: Matrix) -> int:
        """Which column the list for phones shows."""
        wanted = self.request.GET.get("pool", "")
        return next((at for at, column in enumerate(found.columns) if str(column.pool.pk) == wanted), 0)


class QuotaCell(Guarded):
    """Saves what was typed into a cell (`value`), or flips its switch; answers with the cells that changed by it."""

    permission = "quota:read"

    def prepare(self, **kwargs: Any) -> None:
        self.unit = unit_for(self.request.user, kwargs["unit"], self.permission)
        pool = Pool.objects.filter(pk=kwargs["pool"], cluster=self.unit.cluster_id or 0).first()
        if pool is None:
            raise NotVisible("There is no such pool in the cluster of the unit.")
        self.pool = pool

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if self.unit.parent is not None:
            require(self.actor, "update", "quota", self.unit.parent)
        asked = MatrixOf(request, self.scope)
        error, status = "", 200
        try:
            self.save(asked.lens, request.POST)
        except Refused as refusal:
            error = refusal.messages[0]
            status = 409 if "expected_version" in getattr(refusal, "error_dict", {}) else 422
        return self.answer(asked, error, status)

    def save(self, lens: Lens, typed: QueryDict) -> None:
        quota = Quota.objects.filter(unit=self.unit, pool=self.pool).first()
        version = typed.get("version", "")
        if not (version.isascii() and version.isdigit() and len(version) < 10):
            raise Refused("The page is out of date. Load it again.")
        text = typed.get("value", "").strip()
        if len(text) > LONGEST_TYPED:
            raise Refused(f"That is longer than {LONGEST_TYPED} characters. Type a number.")
        values = lens.switched(quota) if "switch" in typed else lens.typed(quota, text)
        if values is None:
            quota_clear(actor=self.actor, unit=self.unit, pool=self.pool, expected_version=int(version))
        else:
            quota_set(actor=self.actor, unit=self.unit, pool=self.pool, expected_version=int(version), **values)

    def answer(self, asked: MatrixOf, error: str, status: int) -> HttpResponse:
        """The cell, and where nothing is wrong also what adds up to it."""
        found = asked.matrix(self.unit.cluster or self.unit)
        drawn = asked.drawn(found)
        pools = [column.pool for column in found.columns]
        if self.pool not in pools:
            return HttpResponse(status=status)
        at = pools.index(self.pool)
        above = [row for row in drawn.rows if row.row.unit.contains(self.unit)]
        if error:
            cells = [self.refused(row.cells[at], error, status) for row in above if row.row.unit == self.unit]
            return render(self.request, "quotas/cell_refused.html", {"cells": cells}, status=status)
        context = {
            "rows": [(row, row.cells[at]) for row in above],
            "drawn": drawn,
            "head": drawn.heads[at],
            "sum": drawn.sums[at] if drawn.sums else None,
            "answer": quotas_answer(found, asked.lens),
        }
        return render(self.request, "quotas/cell_saved.html", context)

    def refused(self, cell: MatrixCell, error: str, status: int) -> MatrixCell:
        """The cell as it was typed, and what is wrong with it; the next save of it starts from what is there now."""
        typed = self.request.POST.get("value", cell.value)[:LONGEST_TYPED]
        if status == 409:
            return replace(
                cell, value=typed, state="conflict", error=f"now {cell.value or cell.default}, by somebody else"
            )
        return replace(cell, value=typed, state="invalid", error=error)
