"""Confirms that pools are closed, or opened, to units that have no quota in them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.urls import reverse

from orgs.access import NotVisible, require
from orgs.forms.unit import DeleteForm
from orgs.models import OrgUnit, UnitKind
from orgs.views.form import FormPage
from quotas.access_words import closing_rows
from quotas.selectors.access import closing
from quotas.services.access import default_access_set


class DefaultAccessEdit(FormPage):
    permission = "settings:read"
    template_name = "orgs/confirm_page.html"
    fragment_template = "orgs/confirm_dialog.html"
    closed = False

    def prepare(self, **kwargs: Any) -> None:
        account = OrgUnit.objects.filter(kind=UnitKind.ACCOUNT).first()
        if account is None:
            raise NotVisible("There is no account yet.")
        require(self.actor, "update", "settings", account)
        if self.closed:
            self.title, self.submit = "Close pools to units without a quota?", "Close pools"
            self.line = (
                "In every pool, new ones and those that are there, nothing starts for a department or project that has "
                "no quota there."
            )
        else:
            self.title, self.submit = "Open pools to units without a quota?", "Open pools"
            self.line = (
                "Departments and projects without a quota in a pool may use what is spare there, as best effort."
            )

    def form(self, data: Any = None) -> forms.Form:
        return DeleteForm(data, wanted="")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = closing_rows(closing(self.request.user)) if self.closed else []
        return super().get_context_data(impact=rows, keep="Leave it", **kwargs)

    def save(self, form: forms.Form) -> str:
        default_access_set(actor=self.actor, closed=self.closed)
        return "Pools are closed to units without a quota." if self.closed else "Pools are open, as best effort."

    def back(self) -> str:
        return reverse("settings")
