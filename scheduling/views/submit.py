"""Submit: will it start, and then: here it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.urls import reverse

from orgs.access import Forbidden
from orgs.forms.scope import ScopeChoices
from orgs.models import ClusterInfo, OrgUnit
from orgs.views.base import Page
from orgs.views.form import add_refusal
from portal.access import may_any
from portal.asked import whole_number
from portal.errors import Refused
from quotas.models import Pool, Topology
from quotas.selectors.pool_order import pool_order, reordered
from scheduling import group_rows
from scheduling.asking import Ask
from scheduling.engine.types import Request
from scheduling.forms import SubmitForm, WishesForm
from scheduling.models import Priority, SubGroup, Workload
from scheduling.prefill import next_name, prefilled
from scheduling.selectors.asks import tolerations_of
from scheduling.selectors.my_work import offers_for, submit_projects
from scheduling.selectors.offers import Outlook, PoolAnswer
from scheduling.selectors.shapes import shapes_in
from scheduling.selectors.sooner import Sooner, sooner
from scheduling.selectors.visible import CREATE_WORK, READ_WORK, workload_for
from scheduling.services.workload import workload_submit
from scheduling.services.workload_access import GANGS, may_change
from scheduling.services.workload_rules import MOST_GROUPS
from scheduling.services.workload_yaml import is_yaml

FIELD_OF = group_rows.FIELD_OF | {
    "run_seconds": "minutes",
    "preemption_delay_seconds": "delay",
    "near_topology": "near_required",
    "group": "group_name",
}
"""Fields of the form by the service's argument, where they differ."""


class SubmitPage(Page):
    permission = READ_WORK
    takes_yaml = False
    template_name = "scheduling/submit.html"
    fragment_template = "scheduling/submit_live.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if may_any(request.user, READ_WORK) and not may_any(request.user, CREATE_WORK):
            raise Forbidden("You may not submit workloads anywhere. Ask who administers a department for a role.")
        return super().dispatch(request, *args, **kwargs)

    def projects(self, *, brief: bool = False) -> ScopeChoices:
        """All of the person's, so that a project chosen before the scope was narrowed stays."""
        return ScopeChoices(self.request.user, CREATE_WORK, brief=brief)

    def project(self, wanted: str) -> OrgUnit | None:
        """The one that is asked for, else the first in the scope of the page, else the first of all."""
        user = self.request.user
        found = self.projects().find(wanted) or submit_projects(user, self.scope).first()
        return found or (submit_projects(user, None).first() if self.scope else None)

    @property
    def renews(self) -> bool:
        """The form stands on the page already, with its list of projects."""
        return self.request.method == "POST" and bool(getattr(self.request, "htmx", False))

    def read(self, given: QueryDict) -> None:
        """What the address or the form says of project and pools, after what a button of the pool list asks."""
        self.chosen = self.project(given.get("project", ""))
        cluster = self.chosen.cluster_id if self.chosen else None
        self.pools = {pool.name: pool for pool in Pool.objects.filter(cluster=cluster)}
        self.simulated = ClusterInfo.objects.filter(unit=cluster, mode=ClusterInfo.Mode.SIMULATED).exists()
        self.topologies = list(Topology.objects.filter(cluster=cluster))
        self.usual = pool_order(self.chosen) if self.chosen else None
        self.sooner: list[Sooner] = []
        self.order = self._order(given)
        self.rows, self.given = group_rows.rows_in(_changed(given))

    def form(self, data: QueryDict | None = None, typed: Mapping[str, Any] | None = None) -> WishesForm:
        """Bound to `data`; or showing what was `typed` without a word about what is still missing."""
        initial = {**(typed or {}), "project": str(self.chosen.pk) if self.chosen else "", "pools": self.order}
        if data is not None:
            data = data.copy()
            data.setlist("pools", list(filter(None, data.getlist("pools"))) or self.order)
        return self.form_of(
            data,
            initial=initial,
            projects=self.projects(brief=self.renews),
            pools=list(self.pools.values()),
            simulated=self.simulated,
            topologies=self.topologies,
        )

    def form_of(self, data: QueryDict | None, **given: Any) -> WishesForm:
        return SubmitForm(data, rows=self.rows, **given)

    def _order(self, given: QueryDict) -> list[str]:
        """The order of pools after what a button of the list asks: `up:a100`, `out:a100`, `add:a100`."""
        move = given.get("move", "")
        names = given.getlist("pools") or given.getlist("pool")
        act, _, name = given.get("set", "").partition(":")
        if act == "pool" and name in self.pools:
            return [name, *(other for other in names if other != name and other in self.pools)]
        return ([] if move == "usual" else reordered(names, move, list(self.pools))) or self._usual()

    def _usual(self) -> list[str]:
        """The order of the project or its department; where there is none, the pool in which the project has most of
        its guarantee left."""
        if self.chosen is None or self.usual is None:
            return []
        if self.usual.source is not None:
            return self.usual.names
        offers = offers_for([self.chosen])[0].pools
        best = max(offers, key=lambda offer: (offer.guaranteed, offer.pool.is_default), default=None)
        return [best.pool.name] if best else []

    def answers(self, values: Mapping[str, Any]) -> list[PoolAnswer]:
        """One a pool, in their order; none while the form does not make sense yet."""
        ask = self.ask(values)
        if self.chosen is None or not self.order or ask is None:
            return []
        order = [self.pools[name] for name in self.order]
        unused = [pool for name, pool in self.pools.items() if name not in self.order]
        outlook = Outlook(self.chosen, [*order, *unused], ask.node_labels)
        self.sooner = sooner(outlook, order, unused, ask)
        return [outlook.answer(pool, ask, values.get("priority") or Priority.MEDIUM) for pool in order]

    def ask(self, values: Mapping[str, Any]) -> Ask | None:
        """What is asked for, once that makes sense."""
        prefixes = ["", *map(group_rows.prefix_of, self.rows)]
        complete = all(group_rows.is_complete(values, prefix) for prefix in prefixes)
        if values.get("kind") is None or not complete:
            return None
        first, *others = (_part(values, prefix) for prefix in prefixes)
        labels, tolerations = values.get("node_labels"), values.get("tolerations")
        return Ask(
            *first,
            bool(values.get("preemptible")),
            tuple(others),
            labels if isinstance(labels, dict) else {},
            tolerations_of(tolerations) if isinstance(tolerations, list) else (),
            str(values.get("near_required") or "").partition(":")[2],
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """`form`; `values`: what it means where it makes sense."""
        answers = self.answers(kwargs.pop("values"))
        found = {answer.pool.name: answer for answer in answers}
        return super().get_context_data(
            project=self.chosen,
            answers=answers,
            sooner=self.sooner,
            source=self.source(),
            order=[(name, found.get(name)) for name in self.order],
            unused=[name for name in self.pools if name not in self.order],
            usual=self._usual_words(),
            **self.own_context(kwargs["form"], answers),
            **kwargs,
        )

    def own_context(self, form: WishesForm, answers: list[PoolAnswer]) -> dict[str, Any]:
        """What this way to submit shows beside the others."""
        shapes = None
        if self.chosen is not None and answers:
            shapes = shapes_in(self.chosen, answers[0].pool, preemptible=bool(form["preemptible"].value()))
        is_distributed = str(form["kind"].value()) == str(int(Workload.Kind.DISTRIBUTED))
        return {
            "shapes": shapes,
            "several": is_distributed or bool(self.rows),
            "most_rows": len(self.rows) == MOST_GROUPS - 1,
        }

    def _usual_words(self) -> tuple[str, bool]:
        """Where the order of the project comes from, and whether the form has it; ("", False) where there is none."""
        if self.usual is None or self.usual.source is None:
            return "", False
        return self.usual.words(), self.order == self.usual.names

    def arguments(self, form: WishesForm) -> dict[str, Any]:
        """What the service takes. The order of the project is left out: it then says where it comes from."""
        arguments = form.arguments()
        return arguments | ({"pools": ()} if self._usual_words()[1] else {})

    def submit(self, project: OrgUnit, arguments: dict[str, Any]) -> Workload:
        return workload_submit(actor=self.actor, project=project, **arguments)

    def source(self) -> Workload | None:
        """The workload that the form is filled in as (`?from=`)."""
        number = self.request.GET.get("from")
        found = workload_for(self.request.user, whole_number(number) or 0) if number else None
        # What runs in a workload that was found is not known here.
        return None if found is None or found.origin else found

    def again(self) -> QueryDict | None:
        """The form as that workload, with the change that the address asks for."""
        source, asked = self.source(), self.request.GET
        if source is None:
            return None
        groups = list(SubGroup.objects.filter(workload=source).order_by("pk"))
        active = Workload.objects.filter(project=source.project, is_active=True, name__startswith=source.name[:40])
        return prefilled(
            source,
            groups,
            next_name(source.name, set(active.values_list("name", flat=True))),
            shows_env=may_change(self.actor, "update", source),
            change=asked.get("change", ""),
            to=asked.get("to", ""),
        )

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        source = self.source()
        if source is not None and is_yaml(source) and not self.takes_yaml:
            return redirect(f"{reverse('submit_yaml')}?{request.GET.urlencode()}")
        if given := self.again():
            self.read(given)
            form = self.form(given)
            form.is_valid()
            typed = {name: given.get(name) for name in form.fields}
            context = self.get_context_data(form=self.form(typed=typed), values=form.cleaned_data)
            return self.render_to_response(context)
        self.read(request.GET)
        form = self.form()
        values = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
        return self.render_to_response(self.get_context_data(form=form, values=values))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The live answer for htmx, and what the buttons of lists ask, without scripts too; else the submission."""
        self.read(request.POST)
        form = self.form(self.given)
        valid = form.is_valid()
        if self.renews or "group" in request.POST:
            typed = {name: self.given.get(name) for name in form.fields}
            context = self.get_context_data(form=self.form(typed=typed), values=form.cleaned_data)
            return self.render_to_response(context)
        if valid and self.chosen is not None:
            try:
                workload = self.submit(self.chosen, self.arguments(form))
            except Refused as refusal:
                add_refusal(form, named_for(refusal))
            else:
                messages.success(request, f"{workload.name} was submitted.")
                return redirect("workload", workload.pk)
        return self.render_to_response(self.get_context_data(form=form, values=form.cleaned_data), status=422)


def _part(values: Mapping[str, Any], prefix: str) -> tuple[Request, int, int]:
    """What each pod of a group asks for, how many there are, and how many start together."""
    asked = group_rows.shape(values, prefix)
    pods, minimum = asked["pods"], asked["min_pods"] or (asked["pods"] if values["kind"] in GANGS else 1)
    request = Request(
        devices=asked["devices"],
        device_milli=asked["device_milli"],
        cpu_millicores=asked["cpu_millicores"],
        memory_bytes=asked["memory_bytes"],
        device_memory_mib=asked["gpu_memory_mib"],
    )
    return request, pods, min(minimum, pods)


def _changed(given: QueryDict) -> QueryDict:
    """With what the button of a change asks: `set=gpus:4`."""
    name, _, value = given.get("set", "").partition(":")
    if name not in ("gpus", "minimum", "preemptible"):
        return given
    given = given.copy()
    given[name] = value
    return given


def named_for(refusal: Refused) -> Refused:
    """The refusal with the names of the form's fields."""
    if not hasattr(refusal, "error_dict"):
        return refusal
    return Refused({FIELD_OF.get(name, name): text for name, text in refusal.message_dict.items()})
