"""Dialogs that grant roles, change rules and take them away."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.shortcuts import get_object_or_404
from django.urls import reverse

from orgs.access import Forbidden, require, scopes_with, within
from orgs.forms.rule import RuleForm, RulesForm, RuleUpdateForm
from orgs.forms.scope import ScopeChoices
from orgs.models import AccessRule, OrgUnit, Role
from orgs.selectors.rules import grantable_roles
from orgs.selectors.suggestions import suggested
from orgs.services.rule import Granted, rule_create, rule_delete, rule_update, rules_create
from orgs.views.access import access_url
from orgs.views.form import FormPage
from orgs.views.unit import UnitFormPage, organization_url
from portal.errors import Refused
from portal.formats import counted


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
        return super().get_context_data(people=suggested(), **kwargs)

    def save(self, form: forms.Form) -> str:
        values = form.cleaned_data
        subject, role = values["person"], values["role"]
        rule_create(actor=self.actor, subject=subject, role=role, scope=self.unit, expires_at=values["expires_at"])
        return f"{subject.title} is {role.name} on {self.unit.name}."


class RulesCreate(FormPage):
    """One role for several people, groups and applications on several units."""

    permission = "access_rule:create"
    title = "New rules"
    line = "Each of those named gets the role on each of the units, and on everything below it."
    submit = "Give role"

    def form(self, data: Any = None) -> forms.Form:
        user = self.request.user
        roles: dict[int, Role] = {}
        for path in scopes_with(user, "access_rule:create")[:MOST_TOPS]:
            roles |= {role.pk: role for role in grantable_roles(user, OrgUnit(path=path))}
        choices = ScopeChoices(user, "access_rule:create", self.scope)
        asked = self.request.GET
        initial = {"subjects": asked.get("who", "")[:300], "scopes": asked.getlist("on")[:20]}
        return RulesForm(data, roles=list(roles.values()), choices=choices, initial=initial)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(people=suggested(), adds_to="subjects", **kwargs)

    def save(self, form: forms.Form) -> str:
        try:
            return granted_words(rules_create(actor=self.actor, **form.cleaned_data))
        except Forbidden as refusal:
            raise Refused({"role": str(refusal)}) from None

    def back(self) -> str:
        return access_url()


MOST_TOPS = 50
"""Units whose roles are offered, where somebody administers many single ones."""


def granted_words(granted: Granted) -> str:
    parts = [f"{counted(len(granted.made), 'rule')} made"]
    if granted.prolonged:
        parts.append(f"{len(granted.prolonged)} prolonged")
    if granted.kept:
        parts.append(f"{len(granted.kept)} were there already")
    return ", ".join(parts) + "."


class RulePage(FormPage):
    """About one rule: `action` is asked on its scope."""

    permission = "access_rule:read"
    action: str

    def prepare(self, **kwargs: Any) -> None:
        rules = AccessRule.objects.select_related("subject__user", "role", "scope")
        self.rule = get_object_or_404(within(rules, self.request.user, self.permission, "scope"), pk=kwargs["pk"])
        require(self.actor, self.action, "access_rule", self.rule.scope)

    def back(self) -> str:
        """Where the dialog was opened: a tab of the Access page, or the unit."""
        htmx = getattr(self.request, "htmx", None)
        came = urlsplit((htmx and htmx.current_url_abs_path) or self.request.headers.get("Referer", ""))
        if came.path.startswith(reverse("access")) and came.path != self.request.path:
            return came.path + (f"?{came.query}" if came.query else "")
        return organization_url(self.rule.scope)


class RuleUpdate(RulePage):
    action = "update"
    submit = "Save rule"

    def prepare(self, **kwargs: Any) -> None:
        super().prepare(**kwargs)
        self.title = f"Rule {self.rule.pk}: {self.rule.subject.title} on {self.rule.scope.name}"
        self.line = "Somebody else, or another unit, takes a new rule."

    def form(self, data: Any = None) -> forms.Form:
        return RuleUpdateForm(data, roles=grantable_roles(self.request.user, self.rule.scope), rule=self.rule)

    def save(self, form: forms.Form) -> str:
        try:
            rule_update(actor=self.actor, rule=self.rule, **form.cleaned_data)
        except Forbidden as refusal:
            raise Refused({"role": str(refusal)}) from None
        return f"Rule {self.rule.pk} is saved."


class RuleDelete(RulePage):
    """Confirms that a role is taken away."""

    template_name = "orgs/confirm_page.html"
    fragment_template = "orgs/confirm_dialog.html"
    form_class = forms.Form
    action = "delete"
    title = "Take this role away?"
    submit = "Take role away"

    def prepare(self, **kwargs: Any) -> None:
        super().prepare(**kwargs)
        self.line = f"{self.rule.subject.title} is then no longer {self.rule.role.name} on {self.rule.scope.name}."

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kept = [{"text": "Running workloads go on", "figure": None, "tone": "kept"}]
        return super().get_context_data(impact=kept, keep="Keep role", **kwargs)

    def save(self, form: forms.Form) -> str:
        rule_delete(actor=self.actor, rule=self.rule)
        return self.line.replace(" then", "")
