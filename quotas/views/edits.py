"""What the matrix asks the server while cells are edited: the effect, saving, taking back, dividing."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from orgs.access import Forbidden, NotVisible, unit_for
from orgs.models import OrgUnit, UnitKind, UnitState
from orgs.services.unit import is_default_department
from orgs.views.base import Guarded
from portal.access import may
from portal.errors import Refused
from portal.notices import noticed
from quotas.edits import LONGEST_TYPED, Planned, Sent, planned, read
from quotas.effect_panel import RefusedEdit, panel, refused_edits
from quotas.models import Pool, Quota
from quotas.resources import RESOURCES
from quotas.selectors.effect import Effect, effect
from quotas.selectors.sums import NOTHING, guaranteed
from quotas.selectors.unsaved import now_and_then
from quotas.services.quota import RefusedCells, quotas_check, quotas_save
from quotas.services.quota_undo import quotas_undo
from quotas.services.quota_versions import Cell
from quotas.splitting import grain_of, split, split_words, typed
from quotas.unsaved_cells import draw_unsaved
from quotas.views.quotas import MatrixOf

MOST_CHILDREN = 1000


class Editing(Guarded):
    """For whom may change quotas of something; the services ask for each cell."""

    permission = "quota:read"

    def prepare(self, **kwargs: Any) -> None:
        if not may(self.request.user, "update", "quota"):
            raise Forbidden("To change quotas takes the permission “quota: update”. Ask an administrator for it.")


class Edited(Editing, ABC):
    """Takes edits as `quotas.edits` reads them."""

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        try:
            sent = read(request.body)
        except Refused as refusal:
            return self.refuse(refusal)
        return self.answer(sent, planned(request.user, sent.edits))

    @abstractmethod
    def answer(self, sent: Sent, plan: Planned) -> HttpResponse:
        """To what the edits come to."""

    def refuse(self, refusal: Refused) -> HttpResponse:
        """Of all of it."""
        return JsonResponse({"said": refusal.messages[0]}, status=422)

    def check(self, sent: Sent, plan: Planned, status: int = 200) -> HttpResponse:
        """What saving would do, and what it would be refused for or warned of."""
        with noticed() as heard:
            refused = quotas_check(actor=self.actor, changes=plan.changes)
        return self.show(sent, plan, refused, heard, status)

    def show(
        self,
        sent: Sent,
        plan: Planned,
        refused: dict[Cell, Refused | Forbidden],
        warnings: Sequence[str] = (),
        status: int = 200,
    ) -> HttpResponse:
        """The panel; what the cells need to know: why they are refused, by key of the edit; and what the matrix at the
        address of the request would show."""
        found = refused_edits(plan, sent.edits, refused)
        would_be = effect(self.request.user, plan) if plan.changes else None
        shown = panel(would_be, found, len(sent.edits), warnings)
        told = {
            "html": render_to_string("quotas/effect.html", shown, self.request),
            "refused": {one.key: _told(one) for one in found},
            "parts": self.parts(sent, plan, would_be),
        }
        return JsonResponse(told, status=status)

    def parts(self, sent: Sent, plan: Planned, would_be: Effect | None) -> str:
        """Cells and sums of the matrix that look different with the changes; known by their ids."""
        asked = MatrixOf(self.request, self.scope)
        if would_be is None or asked.cluster is None:
            return ""
        now, then = now_and_then(self.request.user, asked.cluster, plan, would_be)
        unsaved = draw_unsaved(now, then, plan, asked.lens, sent.scales)
        return render_to_string("quotas/unsaved_parts.html", {"unsaved": unsaved})


def _told(one: RefusedEdit) -> dict[str, Any]:
    return {"words": one.words, "conflict": one.conflict}


class QuotasEffect(Edited):
    """What saving would do; saves nothing."""

    def answer(self, sent: Sent, plan: Planned) -> HttpResponse:
        return self.check(sent, plan)


class QuotasSave(Edited):
    """Saves all edits, or none and says why of each."""

    def answer(self, sent: Sent, plan: Planned) -> HttpResponse:
        if plan.refused:
            return self.check(sent, plan, 422)
        try:
            batch = quotas_save(actor=self.actor, changes=plan.changes, reason=sent.reason)
        except RefusedCells as refusal:
            return self.show(sent, plan, refusal.cells, status=422)
        except Refused as refusal:
            return self.refuse(refusal)
        told = {"batch": str(batch) if batch else "", "saved": len(sent.edits), "versions": versions_of(plan.edits)}
        return JsonResponse(told)


def versions_of(cells: Collection[Cell]) -> dict[str, int]:
    """What the page's cells are made from now, 0 where there is no row: by the ids that the page gives them."""
    units, pools = {unit for unit, _ in cells}, {pool for _, pool in cells}
    rows = Quota.objects.filter(unit__in=units, pool__in=pools).values_list("unit", "pool", "version")
    found = {(unit, pool): version for unit, pool, version in rows}
    return {f"{unit}-{pool}": found.get((unit, pool), 0) for unit, pool in cells}


class QuotasUndo(Editing):
    """Takes back a save, named by `batch`."""

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        try:
            batch = uuid.UUID(request.POST.get("batch", ""))
        except ValueError:
            return JsonResponse({"said": "There is no such save. Load the page again."}, status=422)
        try:
            quotas_undo(actor=self.actor, batch=batch)
        except RefusedCells as refusal:
            said = f"Not taken back: {len(refusal.cells)} of its cells were changed since, or are not yours to change."
            return JsonResponse({"said": said}, status=422)
        except Refused as refusal:
            return JsonResponse({"said": refusal.messages[0]}, status=422)
        return JsonResponse({"said": "Taken back."})


class QuotaSplit(Guarded):
    """How an amount falls to the units right below a department, evenly: edits for the page to make."""

    permission = "quota:read"

    def prepare(self, **kwargs: Any) -> None:
        self.unit = unit_for(self.request.user, kwargs["unit"], self.permission, UnitKind.DEPARTMENT)
        pool = Pool.objects.filter(pk=kwargs["pool"], cluster=self.unit.cluster_id or 0).first()
        if pool is None:
            raise NotVisible("There is no such pool in the cluster of the unit.")
        if not may(self.request.user, "update", "quota", self.unit):
            raise Forbidden(f"The quotas in {self.unit.name} are not yours to change.")
        self.pool = pool

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        resource = RESOURCES.get(request.GET.get("resource", ""), RESOURCES["gpu"])
        text = request.GET.get("value", "").strip()
        below = OrgUnit.objects.filter(parent=self.unit, state=UnitState.ACTIVE).order_by("kind", "name")
        children = [unit for unit in below[:MOST_CHILDREN] if not is_default_department(unit)]
        try:
            if not children:
                raise Refused(f"{self.unit.name} has nobody to split it among.")
            if len(text) > LONGEST_TYPED:
                raise Refused(f"That is longer than {LONGEST_TYPED} characters. Type a number.")
            held = guaranteed([self.unit.pk]).get((self.unit.pk, self.pool.pk), NOTHING)
            amount = resource.parse(text) if text else getattr(held, resource.field)
            if not amount:
                raise Refused(f"{self.unit.name} has nothing to split in {self.pool.name}. Give it a quota first.")
        except Refused as refusal:
            return JsonResponse({"said": refusal.messages[0]}, status=422)
        grain = grain_of(resource, amount, len(children))
        parts = split(amount // grain * grain, [1] * len(children), grain)
        versions = dict(Quota.objects.filter(unit__in=children, pool=self.pool).values_list("unit", "version"))
        names = [child.name for child in children]
        return JsonResponse(
            {
                "cells": [
                    {
                        "cell": f"{child.pk}-{self.pool.pk}",
                        "version": str(versions.get(child.pk, 0)),
                        "text": typed(resource, part),
                        "name": child.name,
                    }
                    for child, part in zip(children, parts, strict=True)
                ],
                "said": f"{resource.counted(amount)} among {len(children)}: {split_words(resource, names, parts)}",
            }
        )
