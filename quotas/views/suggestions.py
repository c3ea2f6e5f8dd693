"""The dialog that makes the pools which the labels of the nodes suggest."""

from __future__ import annotations

from typing import Any

from django import forms

from orgs.access import NotVisible, require
from orgs.views.form import FormPage
from portal.errors import Refused
from portal.formats import counted
from quotas.forms.suggested import SuggestedForm
from quotas.selectors.pools import clusters_in_scope
from quotas.selectors.suggestions import suggestions
from quotas.services.pools import NewPool, pools_create
from quotas.views.pools import pools_url


class PoolsSuggested(FormPage):
    """Which pools, and how they are called: made in one transaction."""

    permission = "pool:create"
    template_name = "quotas/suggested_page.html"
    fragment_template = "quotas/suggested_dialog.html"
    submit = "Create pools"

    def prepare(self, **kwargs: Any) -> None:
        self.cluster = clusters_in_scope(self.request, "pool:create").filter(pk=kwargs["cluster"]).first()
        if self.cluster is None:
            raise NotVisible("There is no such cluster, or you may not make pools in it.")
        require(self.actor, "create", "pool", self.cluster)
        wanted = (kwargs["what"], kwargs["key"])
        found = [one for one in suggestions([self.cluster]) if (one.what, one.key) == wanted]
        self.key, self.pools = kwargs["key"], found[0].pools if found else ()
        self.title = f"Pools by {self.key}"
        self.line = (
            f"{counted(found[0].nodes, 'node')} and {counted(found[0].gpus, 'GPU')} leave the default pool. "
            "What runs on them goes on, charged there until it ends."
            if found
            else "No node in the default pool has this label any more. Close this, and look at the suggestions again."
        )

    def form(self, data: Any = None) -> forms.Form:
        return SuggestedForm(data, pools=self.pools)

    def save(self, form: forms.Form) -> str:
        assert isinstance(form, SuggestedForm)
        assert self.cluster is not None
        chosen = form.chosen()
        pools = [NewPool(name, self.key, value) for _, name, value in chosen]
        try:
            made = pools_create(actor=self.actor, cluster=self.cluster, pools=pools)
        except Refused as refusal:
            raise _at_rows(refusal, [place for place, _, _ in chosen]) from None
        if len(made) == 1:
            return f"Pool {made[0].name} is there."
        return f"{counted(len(made), 'pool')} are there: {', '.join(pool.name for pool in made)}."

    def back(self) -> str:
        return pools_url(self.request)


def _at_rows(refusal: Refused, places: list[int]) -> Refused:
    """Names the rows of the form; what is wrong with a label stands at its name, as labels cannot be typed there."""
    parts: dict[str, list[str]] = {}
    for field, texts in refusal.message_dict.items():
        name, _, place = field.rpartition("_")
        parts[f"name_{places[int(place)]}" if name else ""] = texts
    return Refused(parts)
