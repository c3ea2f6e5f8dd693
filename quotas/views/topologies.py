"""Making, changing and deleting the topologies of a cluster, from the Node pools page."""

from __future__ import annotations

from typing import Any

from django import forms

from orgs.access import Forbidden, NotVisible, may, require
from orgs.forms.unit import DeleteForm
from orgs.views.form import FormPage
from quotas import hooks
from quotas.forms.topology import NewTopologyForm, TopologyForm
from quotas.models import Topology
from quotas.pool_words import topology_impact_rows
from quotas.selectors.pools import clusters_in_scope, topologies_in_scope
from quotas.services.topology import topology_create, topology_delete, topology_update

from .pools import cluster_choices, pools_url


class TopologyPage(FormPage):
    """`topology`: the one that the address names."""

    permission = "pool:read"
    topology: Topology

    def find(self, pk: int, action: str) -> None:
        """NotVisible, or Forbidden to who may see it and not do this."""
        found = topologies_in_scope(self.request).filter(pk=pk).first()
        if found is None:
            raise NotVisible("There is no such topology, or you may not see it.")
        require(self.actor, action, "pool", found.cluster)
        self.topology = found

    def back(self) -> str:
        return pools_url(self.request)


class TopologyCreate(TopologyPage):
    title = "New topology"
    line = "How the nodes of a cluster lie: all nodes with one value of a label are one domain."
    submit = "Create topology"

    def prepare(self, **kwargs: Any) -> None:
        found = clusters_in_scope(self.request, "pool:read")
        self.clusters = [cluster for cluster in found if may(self.request.user, "create", "pool", cluster)]
        if not self.clusters:
            raise Forbidden("Making a topology takes the permission “pool: create” in a cluster. Ask who has it.")

    def form(self, data: Any = None) -> forms.Form:
        return NewTopologyForm(data, clusters=self.clusters, choices=cluster_choices(self.request))

    def save(self, form: forms.Form) -> str:
        made = topology_create(actor=self.actor, **form.cleaned_data)
        return f"Topology {made.name} is there. Choose it in the pools whose nodes lie so."


class TopologyEdit(TopologyPage):
    submit = "Save topology"

    def prepare(self, **kwargs: Any) -> None:
        self.find(kwargs["pk"], "update")
        self.title = self.topology.name
        self.line = f"A topology of {self.topology.cluster.name}."

    def form(self, data: Any = None) -> forms.Form:
        return TopologyForm(data, topology=self.topology)

    def save(self, form: forms.Form) -> str:
        topology_update(actor=self.actor, topology=self.topology, **form.cleaned_data)
        return f"Topology {self.topology.name} is saved."


class TopologyDelete(TopologyPage):
    template_name = "orgs/confirm_page.html"
    fragment_template = "orgs/confirm_dialog.html"
    submit = "Delete topology"

    def prepare(self, **kwargs: Any) -> None:
        self.find(kwargs["pk"], "delete")
        self.title = f"Delete topology {self.topology.name}?"
        self.line = "Nothing in the cluster changes."

    def form(self, data: Any = None) -> forms.Form:
        return DeleteForm(data, wanted="")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        impact = topology_impact_rows(pools=self.topology.pools.count(), work=hooks.topology_work(self.topology, []))
        return super().get_context_data(impact=impact, keep="Keep topology", **kwargs)

    def save(self, form: forms.Form) -> str:
        topology_delete(actor=self.actor, topology=self.topology)
        return f"Topology {self.topology.name} is deleted."
