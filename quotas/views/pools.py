"""The Node pools page with the panel that makes and changes pools, the preview of a label, and deleting a pool."""

from __future__ import annotations

from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from orgs.access import Forbidden, NotVisible, may, require
from orgs.forms.scope import ScopeChoices
from orgs.forms.unit import DeleteForm
from orgs.models import OrgUnit
from orgs.views.base import Page
from orgs.views.form import FormPage
from portal.errors import Refused
from portal.formats import counted
from quotas import rules
from quotas.forms.pool import NewPoolForm, PoolForm
from quotas.models import Pool, Topology
from quotas.pool_words import pool_delete_rows, pool_narrow_rows, pools_answer
from quotas.selectors.access import pools_closed
from quotas.selectors.impact import pool_impact
from quotas.selectors.nodes import conflicts_in_scope
from quotas.selectors.pool_lines import pool_lines
from quotas.selectors.pools import clusters_in_scope, pools_in_scope, topologies_in_scope
from quotas.selectors.preview import emptied, preview
from quotas.selectors.suggestions import suggestions
from quotas.services.pool import overlap_refusal, pool_create, pool_delete, pool_update

MOST_CONFLICTS = 5
"""Nodes in two pools that the page names."""


def pools_url(request: HttpRequest) -> str:
    """The Node pools page, in the scope of the request."""
    scope = request.GET.get("scope")
    return reverse("node_pools") + (f"?{urlencode({'scope': scope})}" if scope else "")


def cluster_choices(request: HttpRequest) -> ScopeChoices:
    """Clusters of the scope in which the reader may make pools."""
    scope: OrgUnit | None = getattr(request, "unit_scope", None)
    return ScopeChoices(request.user, "pool:create", scope and scope.cluster)


def work_url(request: HttpRequest, pool: Pool) -> str:
    """The active workloads of the pool, for who may see workloads."""
    return f"{reverse('workloads')}?pool={pool.pk}" if may(request.user, "read", "training") else ""


def pool_for_reader(request: HttpRequest, pk: int) -> Pool:
    """The pool, if the reader may see it. NotVisible if not."""
    pool = pools_in_scope(request).filter(pk=pk).first()
    if pool is None:
        raise NotVisible("There is no such pool, or you may not see it.")
    return pool


class PoolsPage(Page):
    """The pools; `pool` is the one whose panel is open."""

    permission = "pool:read"
    template_name = "quotas/pools.html"
    fragment_template = "quotas/pools_live.html"
    pool: Pool | None = None

    @cached_property
    def creatable(self) -> list[OrgUnit]:
        """Clusters in which the reader may make pools."""
        found = clusters_in_scope(self.request, "pool:read")
        return [cluster for cluster in found if may(self.request.user, "create", "pool", cluster)]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        lines = pool_lines(self.request)
        user, pool = self.request.user, self.pool
        conflicts = sum(line.hardware.conflicts for line in lines)
        return super().get_context_data(
            lines=lines,
            answer=pools_answer(lines),
            query=pools_url(self.request).removeprefix(reverse("node_pools")),
            several=len({line.pool.cluster_id for line in lines}) > 1,
            mapped=any(line.nodes for line in lines),
            conflict_count=conflicts,
            conflicts=conflicts_in_scope(self.request, MOST_CONFLICTS) if conflicts else [],
            pool=pool,
            topologies=self.topologies(),
            may_create=bool(self.creatable),
            may_update=pool is not None and may(user, "update", "pool", pool.cluster),
            may_delete=pool is not None and not pool.is_default and may(user, "delete", "pool", pool.cluster),
            may_nodes=may(user, "read", "node"),
            **kwargs,
        )

    def topologies(self) -> list[tuple[Topology, bool, bool]]:
        """With whether the reader may change and delete each."""
        user = self.request.user
        return [
            (one, may(user, "update", "pool", one.cluster), may(user, "delete", "pool", one.cluster))
            for one in topologies_in_scope(self.request)
        ]


class PoolCreate(PoolsPage, FormPage):
    title = "New pool"
    submit = "Create pool"

    def prepare(self, **kwargs: Any) -> None:
        if not self.creatable:
            raise Forbidden("Making a pool takes the permission “pool: create” in a cluster. Ask who administers it.")

    def form(self, data: Any = None) -> forms.Form:
        return NewPoolForm(data, clusters=self.creatable, choices=cluster_choices(self.request))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # The panel stays as it is while the page renews itself.
        renewing = getattr(self.request, "htmx", False)
        return super().get_context_data(suggested=[] if renewing else suggestions(self.creatable), **kwargs)

    def save(self, form: forms.Form) -> str:
        assert isinstance(form, PoolForm)
        made = pool_create(actor=self.actor, **form.values())
        shut = " Nothing starts in it for who has no quota there." if pools_closed() else ""
        return f"Pool {made.name} is there.{shut}"

    def back(self) -> str:
        return pools_url(self.request)


class PoolEdit(PoolsPage, FormPage):
    """Another label that takes nodes out of the pool has to be confirmed, with what it means for whom."""

    submit = "Save pool"
    pool: Pool

    def prepare(self, **kwargs: Any) -> None:
        self.pool = pool_for_reader(self.request, kwargs["pk"])
        self.title = self.pool.name

    def form(self, data: Any = None) -> forms.Form:
        return PoolForm(data, pool=self.pool)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        require(self.actor, "update", "pool", self.pool.cluster)
        form = self.form(request.POST)
        narrowing = self.narrowing(form) if form.is_valid() else None
        if narrowing is None:
            return super().post(request, *args, **kwargs)
        return self.render_to_response(self.get_context_data(form=form, narrowing=narrowing))

    def narrowing(self, form: forms.Form) -> dict[str, Any] | None:
        """What the dialog shows before nodes leave the pool; None where none do, or that has been confirmed."""
        assert isinstance(form, PoolForm)
        values = form.values()
        key, value = values["label_key"], values["label_value"]
        confirmed = f"{key}={value}"
        same = (key, value) == (self.pool.label_key, self.pool.label_value)
        if self.pool.is_default or same or form.data.get("confirmed") == confirmed:
            return None
        found = preview(self.pool.cluster, key, value, self.pool)
        if not found.leaving or found.owners:
            return None
        impact = pool_impact(self.pool, self.request.user)
        return {
            "title": f"Take {counted(found.leaving, 'node')} out of {self.pool.name}?",
            "impact": pool_narrow_rows(impact, found, work_url(self.request, self.pool)),
            "hidden": {name: form.data.get(name, "") for name in form.fields} | {"confirmed": confirmed},
        }

    def save(self, form: forms.Form) -> str:
        assert isinstance(form, PoolForm)
        pool_update(actor=self.actor, pool=self.pool, **form.values())
        return f"Pool {self.pool.name} is saved."

    def back(self) -> str:
        return pools_url(self.request)


class MatchingNodes(Page):
    """What a label would take and leave, for `pool` or for a new one in `cluster`: asked while somebody types it."""

    permission = "pool:read"
    template_name = "quotas/matching.html"

    def prepare(self, **kwargs: Any) -> None:
        if not any(may(self.request.user, action, "pool") for action in ("create", "update")):
            raise NotVisible("There is no such page, or you may not see it.")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        asked = self.request.GET
        context = super().get_context_data(**kwargs)
        if not asked.get("label_key"):
            return context
        pool = next((p for p in pools_in_scope(self.request) if str(p.pk) == asked.get("pool", "")), None)
        cluster = pool.cluster if pool else self.cluster(asked.get("cluster", ""))
        require(self.actor, "update" if pool else "create", "pool", cluster)
        try:
            key, value = rules.label_key(asked.get("label_key", "")), rules.label_value(asked.get("label_value", ""))
        except Refused:
            return context  # half typed; the form says what is wrong with it
        found = preview(cluster, key, value, pool)
        named = may(self.request.user, "read", "node", cluster)
        refusal = overlap_refusal(found.total, found.owners)
        return context | {"asked": True, "refusal": refusal, "preview": found, "named": named}

    def cluster(self, wanted: str) -> OrgUnit:
        for cluster in clusters_in_scope(self.request, "pool:create"):
            if str(cluster.pk) == wanted:
                return cluster
        raise NotVisible("There is no such cluster, or you may not make pools in it.")


class PoolDelete(FormPage):
    """Shows what goes with a pool; its nodes stay in the cluster."""

    permission = "pool:read"
    template_name = "orgs/confirm_page.html"
    fragment_template = "orgs/confirm_dialog.html"
    submit = "Delete pool"

    def prepare(self, **kwargs: Any) -> None:
        self.pool = pool_for_reader(self.request, kwargs["pk"])
        require(self.actor, "delete", "pool", self.pool.cluster)
        self.title = f"Delete pool {self.pool.name}?"
        self.line = "Its scheduler ends. Nothing in the cluster is stopped, and what happened in it stays in the log."

    def form(self, data: Any = None) -> forms.Form:
        return DeleteForm(data, wanted="")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        impact = pool_impact(self.pool, self.request.user)
        rows = pool_delete_rows(impact, emptied(self.pool), work_url(self.request, self.pool))
        return super().get_context_data(impact=rows, keep="Keep pool", **kwargs)

    def save(self, form: forms.Form) -> str:
        pool_delete(actor=self.actor, pool=self.pool)
        return f"Pool {self.pool.name} is deleted."

    def back(self) -> str:
        return pools_url(self.request)
