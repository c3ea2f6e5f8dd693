"""How over-subscription is guarded: the form of one comparison in the account or a cluster."""

from __future__ import annotations

from typing import Any

from django import forms
from django.urls import reverse

from orgs.access import Forbidden, NotVisible, unit_for
from orgs.models import UnitKind
from orgs.views.form import FormPage
from quotas.forms.guard import GuardForm
from quotas.guard import Level
from quotas.models import GuardSetting
from quotas.models.guard import SET_LEVELS
from quotas.selectors.guard_lines import may_guard
from quotas.services.guard_setting import guard_set
from quotas.words import GUARD_LINES


class GuardEdit(FormPage):
    permission = "settings:read"
    submit = "Save guard"

    def prepare(self, **kwargs: Any) -> None:
        self.unit = unit_for(self.request.user, kwargs["pk"], self.permission)
        if self.unit.kind not in (UnitKind.ACCOUNT, UnitKind.CLUSTER) or kwargs["level"] not in SET_LEVELS:
            raise NotVisible("There is no such guard.")
        if not may_guard(self.request.user, self.unit):
            raise Forbidden(
                "The guard of the account takes the permission “settings: update”, that of a cluster “quota: update” "
                "on the account. Ask a System administrator."
            )
        self.level = Level(kwargs["level"])
        self.title = f"Guard {self.level.label}: {self.unit.name}"
        self.line = GUARD_LINES[self.level]

    def form(self, data: Any = None) -> forms.Form:
        setting = GuardSetting.objects.filter(scope=self.unit, level=self.level).first()
        return GuardForm(data, setting=setting, inherits=self.unit.kind == UnitKind.CLUSTER)

    def save(self, form: forms.Form) -> str:
        guard_set(actor=self.actor, scope=self.unit, level=self.level, **form.cleaned_data)
        return f"The guard {self.level.label} is saved for {self.unit.name}."

    def back(self) -> str:
        return reverse("settings")
