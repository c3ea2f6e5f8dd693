"""Dialogs that make, rename and delete units."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import cached_property

from orgs import hooks
from orgs.access import NotVisible, require
from orgs.forms.scope import ScopeChoices
from orgs.forms.unit import DeleteForm, MoveForm, ProjectForm, UnitForm
from orgs.models import ClusterInfo, OrgUnit, UnitKind
from orgs.scope import visible_units
from orgs.selectors.impact import move_impact, unit_impact
from orgs.services.cluster import cluster_disconnect
from orgs.services.department import department_create
from orgs.services.move import unit_move
from orgs.services.project import project_create
from orgs.services.unit import is_left_alone, unit_delete, unit_rename
from orgs.views.form import FormPage
from orgs.words import impact_line, impact_rows, move_rows


def visible_unit(user: Any, pk: int) -> OrgUnit:
    """The unit of any kind, if `user` may see it. NotVisible if not."""
    unit = visible_units(user).filter(pk=pk).select_related("parent", "cluster", "cluster_info").first()
    if unit is None:
        raise NotVisible("There is no such unit, or you may not see it.")
    return unit


def organization_url(unit: OrgUnit | None = None) -> str:
    """The Organization page, with the unit selected."""
    return reverse("organization") + (f"?unit={unit.pk}" if unit else "")


class UnitFormPage(FormPage):
    """A form about the unit that the address names; `action` on `entity` is asked there first."""

    permission = "project:read"
    action: str
    entity: str
    unit: OrgUnit

    def prepare(self, **kwargs: Any) -> None:
        self.unit = visible_unit(self.request.user, kwargs["pk"])
        require(self.actor, self.action, self.entity or self.unit.get_kind_display(), self.unit)

    def back(self) -> str:
        return organization_url(self.unit)


class DepartmentCreate(UnitFormPage):
    action, entity = "create", "department"
    submit = "Create department"
    made: OrgUnit | None = None

    def prepare(self, **kwargs: Any) -> None:
        super().prepare(**kwargs)
        self.title = f"New {self.entity} in {self.unit.name}"

    def form(self, data: Any = None) -> forms.Form:
        return UnitForm(data, kind=UnitKind.DEPARTMENT)

    def save(self, form: forms.Form) -> str:
        self.made = department_create(actor=self.actor, parent=self.unit, **form.cleaned_data)
        return f"Department {self.made.name} is there."

    def back(self) -> str:
        return organization_url(self.made or self.unit)


class ProjectCreate(DepartmentCreate):
    entity = "project"
    line = "It keeps its namespace for good."
    submit = "Create project"

    def form(self, data: Any = None) -> forms.Form:
        return ProjectForm(data) if self.in_kubernetes else UnitForm(data, kind=UnitKind.PROJECT)

    @cached_property
    def in_kubernetes(self) -> bool:
        """Simulated clusters have no namespaces to choose from."""
        return ClusterInfo.objects.filter(pk=self.unit.cluster_id, mode=ClusterInfo.Mode.KUBERNETES).exists()

    def save(self, form: forms.Form) -> str:
        self.made = project_create(actor=self.actor, parent=self.unit, **form.cleaned_data)
        return f"Project {self.made.name} is there, {hooks.unset_access()} in every pool until it has a quota."


class UnitRename(UnitFormPage):
    action, entity = "update", ""
    submit = "Save name"

    def prepare(self, **kwargs: Any) -> None:
        super().prepare(**kwargs)
        self.title = f"Rename {self.unit.get_kind_display()} {self.unit.name}"
        if self.unit.kind == UnitKind.PROJECT:
            self.line = f"Its namespace {self.unit.project_info.namespace} stays as it is."

    def form(self, data: Any = None) -> forms.Form:
        initial = {"name": self.unit.name, "description": self.unit.description}
        return UnitForm(data, kind=UnitKind(self.unit.kind), initial=initial)

    def save(self, form: forms.Form) -> str:
        renamed = unit_rename(actor=self.actor, unit=self.unit, **form.cleaned_data)
        return f"{self.unit.get_kind_display().capitalize()} {renamed.name} is saved."


class UnitMove(UnitFormPage):
    """Chooses where the unit goes and shows what that changes; `?parent=` chooses beforehand."""

    action, entity = "delete", ""
    submit = "Move"
    after_fields = "orgs/move_impact.html"

    def prepare(self, **kwargs: Any) -> None:
        self.unit = visible_unit(self.request.user, kwargs["pk"])
        kind = self.unit.get_kind_display()
        if self.unit.kind not in (UnitKind.DEPARTMENT, UnitKind.PROJECT) or self.unit.parent is None:
            raise NotVisible("Only departments and projects move.")
        require(self.actor, self.action, kind, self.unit.parent)
        self.title = f"Move {kind} {self.unit.name}"
        self.line = f"It lies in {self.unit.parent.name}. Everything inside goes along."
        self.submit = f"Move {kind}"

    def form(self, data: Any = None) -> forms.Form:
        choices = ScopeChoices(self.request.user, f"{self.unit.get_kind_display()}:create", self.unit.cluster)
        initial = {"parent": self.request.GET.get("parent", ""), "expected_version": self.unit.version}
        return MoveForm(data, choices=choices, initial=initial)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(after_fields=self.after_fields, **kwargs)
        form = context["form"]
        parent = form.fields["parent"].choices.find(str(form["parent"].value() or ""))
        if parent is not None and parent.pk != self.unit.parent_id and not self.unit.contains(parent):
            impact = move_impact(self.unit, parent, self.request.user)
            context |= {"impact": move_rows(impact, self.unit, parent), "new_parent": parent}
        return context

    def save(self, form: forms.Form) -> str:
        parent = form.cleaned_data["parent"]
        version = form.cleaned_data["expected_version"]
        moved = unit_move(actor=self.actor, unit=self.unit, parent=parent, expected_version=version)
        return f"{self.unit.get_kind_display().capitalize()} {moved.name} lies in {parent.name} now."


class UnitDelete(UnitFormPage):
    """Shows what goes along; the name has to be typed while work is running."""

    template_name = "orgs/confirm_page.html"
    fragment_template = "orgs/confirm_dialog.html"
    action, entity = "delete", ""
    verb = "Delete"

    def prepare(self, **kwargs: Any) -> None:
        super().prepare(**kwargs)
        self.impact = unit_impact(self.unit, self.request.user)
        self.kind = self.unit.get_kind_display()
        self.title = f"{self.verb} {self.kind} {self.unit.name}?"
        self.line = impact_line(self.impact)
        self.submit = f"{self.verb} {self.kind}"

    def form(self, data: Any = None) -> forms.Form:
        return DeleteForm(data, wanted=self.unit.name if self.impact.work.running else "")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["impact"] = impact_rows(self.impact, self.unit)
        context["keep"] = f"Keep {self.kind}"
        return context

    def save(self, form: forms.Form) -> str:
        unit_delete(actor=self.actor, unit=self.unit)
        return f"{self.kind.capitalize()} {self.unit.name} is being deleted."

    def leave(self, request: HttpRequest) -> HttpResponse:
        self.unit = self.unit.parent or self.unit
        return super().leave(request)


class ClusterDisconnect(UnitDelete):
    entity = "cluster"
    verb = "Disconnect"

    def save(self, form: forms.Form) -> str:
        cluster_disconnect(actor=self.actor, cluster=self.unit)
        if is_left_alone(self.unit):
            return f"Cluster {self.unit.name} is disconnected. What runs there goes on."
        return f"Cluster {self.unit.name} is being disconnected: its workloads are stopped first."

    def back(self) -> str:
        return reverse("settings")
