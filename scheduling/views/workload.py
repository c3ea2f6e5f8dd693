"""Workload: why it is where it is, and what can be done with it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from orgs.access import may
from orgs.views.base import Guarded, Page
from portal.access import may_any
from portal.errors import Refused
from portal.formats import count
from scheduling.models import Question, SubGroup, Workload
from scheduling.selectors.detail import MOST_PODS, Why, asks_for, each_pod, images_of, pods_of, why, wishes_of
from scheduling.selectors.explained import told
from scheduling.selectors.held import stays_of
from scheduling.selectors.holders import holders
from scheduling.selectors.in_cluster import NO_LOGS, Answer, chosen_pod, events_of, log_of, manifest_of, may_read_logs
from scheduling.selectors.room import node_cells
from scheduling.selectors.timeline import timeline_of
from scheduling.selectors.visible import READ_WORK, workload_for
from scheduling.services.found_rules import may_delete, may_stop
from scheduling.services.purge import REPORTS
from scheduling.services.question import question_ask
from scheduling.services.workload import goes_on, may_resume, workload_delete, workload_resume, workload_stop
from scheduling.services.workload_access import may_change, may_submit

TABS = ("why", "pods", "logs", "events", "yaml")


class WorkloadPage(Page):
    permission = READ_WORK
    template_name = "scheduling/workload.html"
    fragment_template = "scheduling/workload_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        workload = workload_for(self.request.user, self.kwargs["pk"])
        groups = list(SubGroup.objects.filter(workload=workload).order_by("pk"))
        tab = self.request.GET.get("tab", "")
        tab = tab if tab in TABS else "why"
        context: dict[str, Any] = {
            "workload": workload,
            "tab": tab,
            "asks": asks_for(groups),
            "groups": [(group.name if len(groups) > 1 else "", each_pod(group)) for group in groups],
            "images": images_of(workload),
            "wishes": wishes_of(workload, groups[0]),
            "seconds_in_state": (timezone.now() - workload.state_since).total_seconds(),
            "stop_title": f"Stop {workload.name}?",
            "delete_title": f"Delete {workload.name}?",
            "why": why(workload, groups, self.request.user),
            "can": self.abilities(workload),
            "why_tab": why_words(workload),
        }
        if tab in ("logs", "events", "yaml"):
            context |= self.in_cluster(workload, tab)
        elif tab == "pods":
            context |= {"pods": pods_of(workload, self.request.user), "most_pods": MOST_PODS}
            context |= {"stays": stays_of(workload, self.request.user)}
        else:
            context |= {"lines": self.lines(workload, context["why"]), "cells": self.cells(workload)}
            if context["why"].chain and workload.pool:
                starts_in = [row["pool"] for row in context["why"].chain if row.get("starts")]
                context |= {
                    "told": told(workload, workload.pool, self.actor, starts_in),
                    "holders": holders(workload.pool, self.request.user),
                    "sees_loops": may_any(self.request.user, "scheduler:read"),
                }
        return super().get_context_data(**context, **kwargs)

    def in_cluster(self, workload: Workload, tab: str) -> dict[str, Any]:
        """What the cluster says."""
        if tab == "events":
            return {"answer": events_of(workload)}
        if tab == "yaml":
            return {"answer": manifest_of(workload)}
        if not may_read_logs(self.request.user, workload):
            return {"answer": Answer(problem=NO_LOGS)}
        pods = [pod for pod, _ in pods_of(workload, self.request.user)]
        pod = chosen_pod(pods, self.request.GET.get("pod", ""))
        return {"log_pods": pods, "log_pod": pod, "answer": log_of(workload, pod) if pod else Answer()}

    def abilities(self, workload: Workload) -> dict[str, bool]:
        """What may be done with it, and makes sense in its state."""
        wanted, deleted = workload.desired, Workload.Desired.DELETED
        update, submits = may_change(self.actor, "update", workload), may_submit(self.actor, workload)
        return {
            "edit": submits and not workload.origin,
            "stop": update and workload.is_active and wanted == Workload.Desired.RUNNING and may_stop(workload),
            "resume": update and submits and not workload.is_active and may_resume(workload),
            "goes_on": goes_on(workload),
            "delete": may_change(self.actor, "delete", workload) and wanted != deleted and may_delete(workload),
        }

    def lines(self, workload: Workload, found: Why) -> list[dict[str, Any]]:
        """What happened; of what waits also when it was last looked at, and what for."""
        may_follow = all(may(self.request.user, "read", entity, workload.project) for entity in ("scheduler", "pool"))
        oldest = timezone.now() - REPORTS
        lines = []
        for line in timeline_of(workload, self.request.user):
            known = may_follow and line.cycle is not None and line.at > oldest
            href = reverse("cycle", args=line.cycle) if known else ""
            lines.append({"at": line.at, "text": line.text, "times": line.times, "href": href})
        if found.reason is not None and found.summary is not None:
            cycle = f"Cycle {count(found.summary.cycle)} of {workload.pool} left it waiting: {found.reason.short}"
            lines.append({"at": found.summary.as_of, "text": cycle, "now": True})
        return lines

    def cells(self, workload: Workload) -> list[Any]:
        """The nodes of the pool, for those who may read nodes."""
        pool = workload.pool
        if pool is None or not workload.is_active or not may(self.request.user, "read", "node", workload.project):
            return []
        return node_cells(pool, workload if workload.pods_running else None)


def why_words(workload: Workload) -> str:
    if workload.state == Workload.State.WAITING:
        return "Why it waits"
    return "Why it runs" if workload.is_active else "What happened"


class WorkloadAsk(WorkloadPage):
    """POST: asks the loop of its pool why it waits, and shows the page again, which waits for the answer."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        workload = workload_for(request.user, kwargs["pk"])
        if workload.pool is not None and workload.state == Workload.State.WAITING and workload.is_active:
            question_ask(pool=workload.pool, kind=Question.Kind.WHY, about=workload.pk)
        if not getattr(request, "htmx", False):
            return redirect("workload", workload.pk)
        return self.render_to_response(self.get_context_data())


class WorkloadAct(Guarded):
    """POST: stops, runs again or deletes a workload, and shows what came of it."""

    permission = READ_WORK
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int, act: str) -> HttpResponse:
        workload = workload_for(request.user, pk)
        try:
            if act == "stop":
                workload_stop(actor=self.actor, workload=workload)
                messages.success(request, f"{workload.name} is being stopped.")
            elif act == "delete":
                workload_delete(actor=self.actor, workload=workload)
                messages.success(request, f"{workload.name} is being deleted.")
                return redirect("workloads")
            else:
                ended, workload = workload, workload_resume(actor=self.actor, workload=workload)
                how = "is being resumed" if workload.pk == ended.pk else "was submitted again"
                messages.success(request, f"{workload.name} {how}.")
        except Refused as refusal:
            messages.error(request, " ".join(refusal.messages))
        return redirect("workload", workload.pk)
