"""Dialogs that grant roles and take them away."""

from __future__ import annotations

from typing import Any

from django import forms
from django.shortcuts import get_object_or_404

from orgs.access import require, within
from orgs.forms.rule import RuleForm
from orgs.models import AccessRule, User
from orgs.selectors.rules import grantable_roles
from orgs.services.rule import rule_create, rule_delete
from orgs.views.form import FormPage
from orgs.views.unit import UnitFormPage, organization_url

MOST_SUGGESTED = 200


class RuleCreate(UnitFormPage):
    action, entity = "create", "access_rule"
    submit = "Give role"

    def prepare(self, **kwargs: Any) -> None:
        super().prepare(**kwargs)
        self.title = f"Give a role on {self.unit.name}"
        self.line = "It holds here and for everything below, now and later."

    def form(self, data: Any = None) -> forms.Form:
        return RuleForm(data, roles=grantable_roles(self.request.user, self.unit))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        suggested = User.objects.filter(is_active=True).order_by("name")[:MOST_SUGGESTED]
        return super().get_context_data(people=suggested, **kwargs)

    def save(self, form: forms.Form) -> str:
        subject, role = form.cleaned_data["person"], form.cleaned_data["role"]
        rule_create(actor=self.actor, subject=subject, role=role, scope=self.unit)
        return f"{subject.title} is {role.name} on {self.unit.name}."


class RuleDelete(FormPage):
    """Confirms that a role is taken away."""

    permission = "access_rule:read"
    template_name = "orgs/confirm_page.html"
    fragment_template = "orgs/confirm_dialog.html"
    form_class = forms.Form
    title = "Take this role away?"
    submit = "Take role away"

    def prepare(self, **kwargs: Any) -> None:
        rules = AccessRule.objects.select_related("subject__user", "role", "scope")
        self.rule = get_object_or_404(within(rules, self.request.user, self.permission, "scope"), pk=kwargs["pk"])
        require(self.actor, "delete", "access_rule", self.rule.scope)
        self.line = f"{self.rule.subject.title} is then no longer {self.rule.role.name} on {self.rule.scope.name}."

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kept = [{"text": "Running workloads go on", "figure": None, "tone": "kept"}]
        return super().get_context_data(impact=kept, keep="Keep role", **kwargs)

    def save(self, form: forms.Form) -> str:
        rule_delete(actor=self.actor, rule=self.rule)
        return self.line.replace(" then", "")

    def back(self) -> str:
        return organization_url(self.rule.scope)
