"""The list of nodes, and the page of one."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, F, Q, QuerySet

from orgs.views.base import Page
from portal.asked import page_size, whole_numbers
from quotas import hooks
from quotas.models import Node
from quotas.pool_words import conditions_of, conflict_words, node_answer, nodes_answer, state_event
from quotas.selectors.nodes import fills, node_for, nodes_in_scope
from quotas.selectors.pools import pools_in_scope

SORTS = {
    "name": ("name",),
    "pool": ("pool__name", "name"),
    "state": ("-state", F("conflict").asc(nulls_last=True), "schedulable", "name"),
    "gpus": ("gpu_count", "name"),
    "cpu": ("cpu_millicores", "name"),
    "memory": ("memory_bytes", "name"),
    "since": ("-state_since", "name"),
}
"""What an ascending arrow means; "state" shows what is wrong first."""
STATES = {
    "ready": Q(state=Node.State.READY),
    "not-ready": Q(state=Node.State.NOT_READY),
    "cordoned": Q(schedulable=False),
    "in-two-pools": ~Q(conflict=None),
}
SIZES = (25, 50, 100)
LONGEST_SEARCH = 253


class NodesPage(Page):
    permission = "node:read"
    template_name = "quotas/nodes.html"
    fragment_template = "quotas/nodes_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        asked = self.request.GET
        everything = nodes_in_scope(self.request)
        counts = everything.aggregate(
            total=Count("id"),
            not_ready=Count("id", filter=STATES["not-ready"]),
            cordoned=Count("id", filter=STATES["cordoned"]),
            conflicts=Count("id", filter=STATES["in-two-pools"]),
        )
        found = Paginator(self.found(everything), page_size(asked, SIZES))
        page = found.get_page(asked.get("page"))
        used = fills(node.pk for node in page.object_list)
        pools = list(pools_in_scope(self.request))
        return super().get_context_data(
            page=page,
            rows=[(node, used[node.pk]) for node in page.object_list],
            answer=nodes_answer(**counts),
            state_options=[(state, state.replace("-", " ")) for state in STATES],
            pool_options=[(pool.pk, pool.name) for pool in pools],
            narrowed=any(asked.get(name) for name in ("q", "state", "pool")),
            kept=[(name, asked[name]) for name in ("scope", "sort", "size") if asked.get(name)],
            **kwargs,
        )

    def found(self, nodes: QuerySet[Node]) -> QuerySet[Node]:
        asked = self.request.GET
        if search := asked.get("q", "").strip()[:LONGEST_SEARCH].replace("\x00", ""):
            nodes = nodes.filter(name__contains=search.lower())
        if states := [STATES[state] for state in asked.getlist("state") if state in STATES]:
            wanted = Q()
            for state in states:
                wanted |= state
            nodes = nodes.filter(wanted)
        if pools := whole_numbers(asked.getlist("pool")):
            nodes = nodes.filter(pool__in=pools)
        sort = asked.get("sort", "")
        order = SORTS.get(sort.removeprefix("-"), SORTS["name"])
        ordered = nodes.select_related("pool", "conflict").defer("labels", "taints").order_by(*order, "pk")
        return ordered.reverse() if sort.startswith("-") else ordered


class NodePage(Page):
    permission = "node:read"
    template_name = "quotas/node.html"
    fragment_template = "quotas/node_live.html"

    def prepare(self, **kwargs: Any) -> None:
        self.node = node_for(self.request, kwargs["pk"])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        fill = fills([self.node.pk])[self.node.pk]
        pods = hooks.node_pods(self.node, self.request.user)
        used = {device.device: device for device in fill.devices}
        devices = [
            (number, used.get(number), [pod for pod in pods if number in pod.devices])
            for number in range(self.node.gpu_count)
        ]
        return super().get_context_data(
            node=self.node,
            fill=fill,
            pods=pods,
            devices=devices,
            answer=node_answer(self.node, fill),
            conflict=conflict_words(self.node) if self.node.conflict and not self.node.removed_at else "",
            conditions=conditions_of(self.node),
            history=[
                {"at": event.at, "text": event.text, "href": event.url}
                for event in sorted(
                    [*hooks.node_history(self.node, self.request.user), state_event(self.node)], key=lambda one: one.at
                )
            ],
            labels=sorted(self.node.labels.items()),
            **kwargs,
        )
