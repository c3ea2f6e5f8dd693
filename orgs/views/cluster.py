"""One connected cluster: how it is, and other credentials for it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.urls import reverse

from orgs import hooks
from orgs.access import NotVisible, may, require
from orgs.cluster_words import cluster_answer, watched_words
from orgs.forms.cluster import ReconnectForm
from orgs.models import ClusterInfo, OrgUnit, UnitKind
from orgs.scope import visible_units
from orgs.services.cluster import cluster_reconnect
from orgs.views.base import Page
from orgs.views.form import FormPage


def visible_cluster(user: Any, pk: int) -> OrgUnit:
    """NotVisible where there is none that `user` may see."""
    units = visible_units(user).filter(kind=UnitKind.CLUSTER).select_related("cluster_info")
    if (cluster := units.filter(pk=pk).first()) is None:
        raise NotVisible("There is no such cluster, or you may not see it.")
    return cluster


class ClusterPage(Page):
    permission = "cluster:read"
    template_name = "orgs/cluster.html"
    fragment_template = "orgs/cluster_body.html"

    def prepare(self, **kwargs: Any) -> None:
        self.cluster = visible_cluster(self.request.user, kwargs["pk"])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        info, user = self.cluster.cluster_info, self.request.user
        return super().get_context_data(
            cluster=self.cluster,
            info=info,
            answer=cluster_answer(info),
            watched=watched_words(info.watched),
            rooms=hooks.cluster_room(self.cluster) if may(user, "read", "pool", self.cluster) else None,
            may_reconnect=info.mode == ClusterInfo.Mode.KUBERNETES and may(user, "update", "cluster", self.cluster),
            may_disconnect=may(user, "delete", "cluster", self.cluster),
            **kwargs,
        )


class ClusterReconnect(FormPage):
    permission = "cluster:read"
    form_class = ReconnectForm
    line = "For the same cluster: a new token or certificate, or another address. What runs there goes on."
    submit = "Replace credentials"

    def prepare(self, **kwargs: Any) -> None:
        self.cluster = visible_cluster(self.request.user, kwargs["pk"])
        require(self.actor, "update", "cluster", self.cluster)
        self.title = f"Replace the credentials for {self.cluster.name}"

    def save(self, form: forms.Form) -> str:
        cluster_reconnect(actor=self.actor, cluster=self.cluster, **form.cleaned_data)
        return f"Cluster {self.cluster.name} is being connected with the new credentials."

    def back(self) -> str:
        return reverse("cluster", args=[self.cluster.pk])
