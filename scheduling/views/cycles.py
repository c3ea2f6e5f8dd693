"""Cycles: what each decided and how long it took; kept ones as files to be decided once more."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from orgs.access import NotVisible, may
from orgs.views.base import Guarded, Page
from portal.errors import Refused
from portal.formats import count, counted, duration
from quotas.models import Pool
from quotas.selectors.pools import pools_in_scope
from scheduling.models import CycleReport
from scheduling.selectors.cycles import (
    EVICTING,
    SLOW,
    USUAL,
    CycleQuery,
    LastHour,
    beside,
    cycle_list,
    cycle_of,
    decided_in,
    last_hour,
    served_in,
)
from scheduling.selectors.loops import cycle_seconds, phases
from scheduling.selectors.saved_cycles import file_name, saved_cycle_for, saved_cycles, saved_of, seen_whole
from scheduling.services.saved_cycle import cycle_ask, cycle_export, cycle_forget

READ = "scheduler:read"
KEPT = ("scope", "sort", "size")
"""Parameters of the address that the toolbar does not show and keeps."""


class CyclesPage(Page):
    permission = READ
    template_name = "scheduling/cycles.html"
    fragment_template = "scheduling/cycles_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        query = CycleQuery.of(self.request.GET)
        known = list(pools_in_scope(self.request))
        pools = [pool for pool in known if pool.pk in query.pools] or known
        reports, page = cycle_list(pools, query)
        names = Counter(pool.name for pool in known)
        interval = duration(settings.LOOP_INTERVAL_SECONDS)
        return super().get_context_data(
            query=query,
            usual=USUAL,
            reports=[(report, cycle_seconds(report.timings)) for report in reports],
            page=page,
            answer=answer(hour := last_hour(pools)),
            line=line(hour),
            saved=saved_cycles(self.actor, pools),
            whole=seen_whole(self.actor, pools),
            askable=[pool for pool in pools if may(self.request.user, "update", "pool", pool.cluster)],
            clusters=len({pool.cluster_id for pool in known}),
            slow_seconds=settings.SLOW_CYCLE_SECONDS,
            kept=[(name, value) for name in KEPT for value in self.request.GET.getlist(name)],
            pool_options=[
                (pool.pk, pool.name if names[pool.name] == 1 else f"{pool.name} in {pool.cluster.name}")
                for pool in known
            ],
            only_options=[(EVICTING, "stopped or moved work"), (SLOW, f"longer than {interval}")],
            **kwargs,
        )


def answer(hour: LastHour) -> str:
    if not hour.cycles:
        return "No cycle decided anything in the last hour."
    stopped = f"{count(hour.evicting)} of them stopped or moved work" if hour.evicting else "none stopped any work"
    return f"{counted(hour.cycles, 'cycle')} of the last hour decided something; {stopped}."


def line(hour: LastHour) -> str:
    if not hour.cycles:
        return "Cycles that decide nothing are not listed; each loop looks at its pool several times a second."
    return f"The slowest took {duration(hour.slowest_us / 1e6)}. Cycles that decide nothing are not listed."


class CyclePage(Page):
    permission = READ
    template_name = "scheduling/cycle.html"
    fragment_template = "scheduling/cycle_live.html"

    def prepare(self, **kwargs: Any) -> None:
        self.pool = pool_for(self.request, kwargs["pool"])
        self.report = cycle_of(self.pool, kwargs["cycle"])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows, more = decided_in(self.report, self.request.user)
        resource, served, hidden = served_in(self.request, self.report)
        before, after = beside(self.report)
        saved = saved_of(self.actor, self.pool, self.report.cycle)
        return super().get_context_data(
            pool_of=self.pool,
            report=self.report,
            answer=came_of(self.pool, self.report),
            seconds=cycle_seconds(self.report.timings),
            phases=phases(self.report.timings),
            decisions=rows,
            more=more,
            resource=resource,
            served=served,
            hidden=hidden,
            before=before,
            after=after,
            saved=saved,
            **kwargs,
        )


def came_of(pool: Pool, report: CycleReport) -> str:
    """What the cycle did, as the heading of its page."""
    counts = report.counts
    parts = [
        f"{verb} {counted(int(counts.get(kind, 0)), 'pod')}"
        for kind, verb in (("places", "placed"), ("evicts", "stopped or moved"), ("reserves", "kept room for"))
        if counts.get(kind)
    ]
    did = ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else "".join(parts) or "decided nothing"
    return f"Cycle {count(report.cycle)} of {pool.name} {did}."


def pool_for(request: HttpRequest, pk: int) -> Pool:
    """The pool, with its cluster, if the reader may know of it."""
    pool = pools_in_scope(request).filter(pk=pk).first()
    if pool is None:
        raise NotVisible("There is no such pool, or you may not see it.")
    return pool


def cycles_of(pool: int) -> str:
    return f"{reverse('cycles')}?pool={pool}"


class CycleAsk(Guarded):
    """POST: wishes for the pool's next cycle to be kept, or with `deciding` the next that decides something."""

    permission = READ
    http_method_names = ["post"]

    def prepare(self, **kwargs: Any) -> None:
        self.pool = pool_for(self.request, kwargs["pool"])

    def post(self, request: HttpRequest, pool: int) -> HttpResponse:
        try:
            cycle_ask(actor=self.actor, pool=self.pool, deciding=request.POST.get("deciding") == "1")
            messages.success(request, f"The loop of {self.pool.name} saves it and shows it here.")
        except Refused as refusal:
            messages.error(request, " ".join(refusal.messages))
        return redirect(cycles_of(pool))


class OfSavedCycle(Guarded):
    permission = READ

    def prepare(self, **kwargs: Any) -> None:
        self.saved = saved_cycle_for(self.actor, kwargs["pk"])


class SavedCycleFile(OfSavedCycle):
    """GET: the file of a saved cycle. Who takes it is told in the audit log."""

    http_method_names = ["get"]

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        try:
            content = cycle_export(actor=self.actor, saved=self.saved)
        except Refused as refusal:
            raise NotVisible(" ".join(refusal.messages)) from None
        response = HttpResponse(content, content_type="application/gzip")
        response["Content-Disposition"] = f'attachment; filename="{file_name(self.saved)}"'
        return response


class SavedCycleDelete(OfSavedCycle):
    """POST: deletes a saved cycle, or the wish for one."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        cycle_forget(actor=self.actor, saved=self.saved)
        messages.success(request, "It is deleted.")
        return redirect(cycles_of(self.saved.pool_id))
