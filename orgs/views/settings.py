"""The Settings page and its dialogs, and those about people."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from orgs.access import NotVisible, may, require
from orgs.forms.cluster import ConnectForm, SimulateForm
from orgs.forms.user import UserForm
from orgs.models import ClusterInfo, OrgUnit, UnitKind, User
from orgs.selectors.clusters import clusters
from orgs.services.cluster import cluster_create
from orgs.services.user import NewUser, user_activate, user_create, user_deactivate
from orgs.views.base import Page
from orgs.views.form import FormPage
from orgs.words import settings_answer
from portal.shell import settings_parts


class SettingsPage(Page):
    permission = "settings:read"
    template_name = "orgs/settings.html"
    fragment_template = "orgs/settings_body.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.request.user
        found, may_connect = clusters(user), may(user, "create", "cluster")
        context = super().get_context_data(**kwargs)
        context |= {
            "clusters": found,
            "answer": settings_answer(found, may_connect),
            "may_connect": may_connect,
            "may_disconnect": may(user, "delete", "cluster"),
            "parts": settings_parts(self.request),
        }
        return context


class SettingsForm(FormPage):
    """A form that changes the settings; `entity` is made on the account."""

    permission = "settings:read"
    entity: str
    action = "create"

    def prepare(self, **kwargs: Any) -> None:
        account = OrgUnit.objects.filter(kind=UnitKind.ACCOUNT).first()
        if account is None:
            raise NotVisible("There is no account yet.")
        require(self.actor, self.action, self.entity, account)

    def back(self) -> str:
        return reverse("settings")


class ClusterConnect(SettingsForm):
    entity = "cluster"
    form_class = ConnectForm
    title = "Connect a Kubernetes cluster"
    line = "Bursar watches its nodes and pods, and binds the pods of its own workloads."
    submit = "Connect cluster"

    def save(self, form: forms.Form) -> str:
        cluster = cluster_create(actor=self.actor, mode=ClusterInfo.Mode.KUBERNETES, **form.cleaned_data)
        return f"Cluster {cluster.name} is being connected."


class ClusterSimulate(SettingsForm):
    entity = "cluster"
    form_class = SimulateForm
    title = "Simulate a cluster"
    line = "It has nodes and runs workloads for their stated time, all of it made up."
    submit = "Simulate cluster"

    def save(self, form: forms.Form) -> str:
        cluster = cluster_create(actor=self.actor, mode=ClusterInfo.Mode.SIMULATED, **form.cleaned_data)
        return f"Simulated cluster {cluster.name} is there."


class PeopleForm(SettingsForm):
    """About people, who are listed on the Access page."""

    entity = "user"

    def back(self) -> str:
        return reverse("people")


@method_decorator(never_cache, name="dispatch")
class UserCreate(PeopleForm):
    """Ends with the password on the screen, once: it is kept nowhere."""

    form_class = UserForm
    title = "New person"
    line = "May sign in and has no rights yet: give roles under Rules."
    submit = "Create person"
    new: NewUser

    def save(self, form: forms.Form) -> str:
        self.new = user_create(actor=self.actor, **form.cleaned_data)
        return f"{self.new.user.name} may sign in."

    def leave(self, request: HttpRequest) -> HttpResponse:
        self.template_name, self.fragment_template = "orgs/new_user_page.html", "orgs/new_user_dialog.html"
        return self.render_to_response({"new": self.new, "back": self.back()})


class PersonConfirm(PeopleForm):
    """Confirms what is about to be done to the account of a person."""

    template_name = "orgs/confirm_page.html"
    fragment_template = "orgs/confirm_dialog.html"
    action = "update"
    form_class = forms.Form
    keep: str
    """The button that leaves all as it is."""

    def prepare(self, **kwargs: Any) -> None:
        super().prepare(**kwargs)
        self.person = get_object_or_404(User.objects.people(), pk=kwargs["pk"])

    def impact(self) -> list[dict[str, Any]]:
        """What follows: rows as the tag `confirm` takes them."""
        return []

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(impact=self.impact(), keep=self.keep, **kwargs)


class UserDeactivate(PersonConfirm):
    submit = "Deactivate person"
    keep = "Keep active"

    def prepare(self, **kwargs: Any) -> None:
        super().prepare(**kwargs)
        self.title = f"Deactivate {self.person.name}?"
        self.line = f"{self.person.email} is let in no more, from the next click on."

    def impact(self) -> list[dict[str, Any]]:
        return [{"text": "Roles and workloads are kept", "figure": None, "tone": "kept"}]

    def save(self, form: forms.Form) -> str:
        user_deactivate(actor=self.actor, user=self.person)
        return f"{self.person.name} is let in no more."


class UserActivate(PersonConfirm):
    """Takes nothing away; the same dialog the other way round."""

    submit = "Activate person"
    keep = "Keep inactive"

    def prepare(self, **kwargs: Any) -> None:
        super().prepare(**kwargs)
        self.title = f"Activate {self.person.name}?"
        self.line = f"{self.person.email} may sign in again, with the roles from before."

    def save(self, form: forms.Form) -> str:
        user_activate(actor=self.actor, user=self.person)
        return f"{self.person.name} may sign in again."
