"""Applications: their list, and the forms about them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.shortcuts import get_object_or_404

from orgs.access import require
from orgs.access_words import applications_answer
from orgs.forms.application import ApplicationForm
from orgs.models import AccessRule, Application, OrgUnit, UnitKind
from orgs.selectors.access_keys import applications, keys_of
from orgs.selectors.rule_list import rules_in_scope
from orgs.services.application import application_create, application_delete, application_update
from orgs.views.access import AccessPage, access_url, on_account, paged
from orgs.views.base import searched
from orgs.views.form import FormPage
from portal.asked import whole_number


class ApplicationsPage(AccessPage):
    permission = "application:read"
    tab = "applications"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.request.user
        found = applications(searched(self.request))
        page = paged(self.request, found)
        wanted = whole_number(self.request.GET.get("application", ""))
        application = found.filter(pk=wanted).first() if wanted else None
        chosen = application or next(iter(page.object_list), None)
        keys_seen = on_account(user, "read", "access_key")
        rules = rules_in_scope(self.request).select_related("role", "scope").order_by("scope__path", "id")
        return super().get_context_data(
            answer=applications_answer(),
            page=page,
            application=chosen,
            application_chosen=application is not None,
            rules=list(rules.filter(subject__user=chosen.user_id)[:50]) if chosen else [],
            keys=keys_of(chosen.user_id) if chosen and keys_seen else [],
            keys_seen=keys_seen,
            **{f"may_{action}": on_account(user, action, "application") for action in ("create", "update", "delete")},
            **{
                f"may_{action}_keys": on_account(user, action, "access_key")
                for action in ("create", "update", "delete")
            },
            **kwargs,
        )


class ApplicationForms(FormPage):
    """`action` on applications is asked on the account first; applications belong to it."""

    permission = "application:read"
    form_class: type[forms.Form] = ApplicationForm
    action = "update"
    application: Application | None = None

    def prepare(self, **kwargs: Any) -> None:
        require(self.actor, self.action, "application", OrgUnit.objects.get(kind=UnitKind.ACCOUNT))
        if "pk" in kwargs:
            self.application = get_object_or_404(Application, pk=kwargs["pk"])

    def back(self) -> str:
        chosen = {"application": self.application.pk} if self.application and self.application.pk else {}
        return access_url("applications", **chosen)


class ApplicationCreate(ApplicationForms):
    action = "create"
    title = "New application"
    line = "A program with rights and keys of its own: it stays when people leave."
    submit = "Create application"

    def save(self, form: forms.Form) -> str:
        self.application = application_create(actor=self.actor, **form.cleaned_data)
        return f"Application {self.application.name} is there, without keys and roles."


class ApplicationUpdate(ApplicationForms):
    submit = "Save application"
    application: Application

    def prepare(self, **kwargs: Any) -> None:
        super().prepare(**kwargs)
        self.title = f"Change application {self.application.name}"

    def form(self, data: Any = None) -> forms.Form:
        initial = {"name": self.application.name, "description": self.application.description}
        return ApplicationForm(data, initial=initial)

    def save(self, form: forms.Form) -> str:
        application_update(actor=self.actor, application=self.application, **form.cleaned_data)
        return f"Application {form.cleaned_data['name']} is saved."


class ApplicationDelete(ApplicationForms):
    """Confirms that an application goes, with its keys and roles."""

    template_name = "orgs/confirm_page.html"
    fragment_template = "orgs/confirm_dialog.html"
    form_class = forms.Form
    action = "delete"
    submit = "Delete application"
    application: Application

    def prepare(self, **kwargs: Any) -> None:
        super().prepare(**kwargs)
        self.title = f"Delete application {self.application.name}?"
        self.line = "Programs that use its keys are refused from the next request on."

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.application.user_id
        rows: list[dict[str, Any]] = [
            {"text": "Keys are revoked", "figure": keys_of(user).count()},
            {"text": "Access rules are removed", "figure": AccessRule.objects.filter(subject__user=user).count()},
            {"text": "Its workloads are kept", "figure": None, "tone": "kept"},
        ]
        return super().get_context_data(impact=rows, keep="Keep application", **kwargs)

    def save(self, form: forms.Form) -> str:
        name = self.application.name
        application_delete(actor=self.actor, application=self.application)
        self.application.pk = None
        return f"Application {name} is deleted."
