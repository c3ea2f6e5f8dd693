"""The dialog in which the pools of a department or project are put in order."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from orgs.access import require
from orgs.models import OrgUnit
from orgs.views.form import FormPage
from orgs.views.unit import visible_unit
from quotas.forms.pool_order import PoolOrderForm
from quotas.models import Pool
from quotas.selectors.pool_order import pool_order, reordered
from quotas.services.pool_order import pool_order_set


class PoolOrderEdit(FormPage):
    """Buttons of the list ask for the same dialog with another order; nothing is kept before it is saved."""

    permission = "pool:read"
    template_name = "quotas/pool_order_page.html"
    fragment_template = "quotas/pool_order_dialog.html"
    submit = "Save order"
    unit: OrgUnit

    def prepare(self, **kwargs: Any) -> None:
        self.unit = visible_unit(self.request.user, kwargs["pk"])
        require(self.actor, "update", "scheduling_rule", self.unit)
        self.known = list(Pool.objects.filter(cluster=self.unit.cluster_id).values_list("name", flat=True))
        self.title = f"Pools of {self.unit.get_kind_display()} {self.unit.name}"
        self.line = "Its work is tried in the first one. It holds for what is submitted from now on."

    def form(self, data: Any = None) -> forms.Form:
        own = pool_order(self.unit)
        names = own.names if own.source == self.unit else []
        return PoolOrderForm(data, known=self.known, own=names)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = kwargs.pop("form", None) or self.form()
        names = form["pools"].value() or []
        above = pool_order(self.unit, above=True)
        return super().get_context_data(
            form=form,
            order=names,
            moved=self.request.POST.get("move", ""),
            unused=[name for name in self.known if name not in names],
            above=above,
            above_words=above.words(),
            **kwargs,
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "move" not in request.POST:
            return super().post(request, *args, **kwargs)
        data = request.POST.copy()
        data.setlist("pools", reordered(data.getlist("pools"), request.POST["move"], self.known))
        return self.render_to_response(self.get_context_data(form=self.form(data)))

    def save(self, form: forms.Form) -> str:
        values = form.cleaned_data
        expected = [name for name in values["expected"].split(",") if name]
        made = pool_order_set(actor=self.actor, unit=self.unit, pools=values["pools"], expected=expected)
        if not made:
            return f"{self.unit.name} takes the order of the unit above."
        return f"Work of {self.unit.name} is tried in {', '.join(pool.name for pool in made)}."

    def back(self) -> str:
        return f"{reverse('organization')}?unit={self.unit.pk}"
