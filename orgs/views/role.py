"""Forms about custom roles."""

from __future__ import annotations

from typing import Any

from django import forms
from django.shortcuts import get_object_or_404

from orgs.access import Forbidden, require
from orgs.forms.role import RoleForm
from orgs.models import OrgUnit, Role, UnitKind
from orgs.services.role import role_create, role_delete, role_update
from orgs.views.access import access_url
from orgs.views.form import FormPage
from portal.asked import whole_number
from portal.errors import Refused


class RolePage(FormPage):
    """`action` on roles is asked on the account first; roles belong to it."""

    permission = "role:read"
    form_class: type[forms.Form] = RoleForm
    action: str
    role: Role | None = None

    def prepare(self, **kwargs: Any) -> None:
        require(self.actor, self.action, "role", OrgUnit.objects.get(kind=UnitKind.ACCOUNT))
        if "pk" in kwargs:
            self.role = get_object_or_404(Role, pk=kwargs["pk"])

    def back(self) -> str:
        return access_url("roles", role=self.role.pk) if self.role else access_url("roles")


class RoleCreate(RolePage):
    """`?copy=` starts with the cells of another role."""

    action = "create"
    title = "New role"
    line = "It gives nobody anything until a rule grants it."
    submit = "Create role"

    def form(self, data: Any = None) -> forms.Form:
        wanted = whole_number(self.request.GET.get("copy", ""))
        copied = Role.objects.filter(pk=wanted).first() if wanted else None
        if copied is None:
            return RoleForm(data)
        cells = list(copied.permissions.values_list("permission", flat=True))
        return RoleForm(data, initial={"name": f"Copy of {copied.name}", "permissions": cells})

    def save(self, form: forms.Form) -> str:
        values = form.cleaned_data
        self.role = role_create(actor=self.actor, name=values["name"], permissions=values["permissions"])
        return f"Role {self.role.name} is there. A rule gives it to somebody."


class RoleUpdate(RolePage):
    action = "update"
    submit = "Save role"
    role: Role

    def prepare(self, **kwargs: Any) -> None:
        super().prepare(**kwargs)
        if self.role.built_in:
            raise Forbidden(f"{self.role.name} is predefined and stays as it is. Copy it, and change the copy.")
        self.title = f"Change role {self.role.name}"
        self.line = "For everybody who holds it, from the next click on."

    def form(self, data: Any = None) -> forms.Form:
        cells = list(self.role.permissions.values_list("permission", flat=True))
        initial = {"name": self.role.name, "permissions": cells, "expected_version": self.role.version}
        return RoleForm(data, initial=initial)

    def save(self, form: forms.Form) -> str:
        try:
            role_update(actor=self.actor, role=self.role, **form.cleaned_data)
        except Forbidden as refusal:
            raise Refused({"permissions": str(refusal)}) from None
        return f"Role {form.cleaned_data['name']} is saved."


class RoleDelete(RoleUpdate):
    """Confirms that a custom role goes."""

    template_name = "orgs/confirm_page.html"
    fragment_template = "orgs/confirm_dialog.html"
    form_class = forms.Form
    action = "delete"
    submit = "Delete role"

    def prepare(self, **kwargs: Any) -> None:
        super().prepare(**kwargs)
        self.title = f"Delete role {self.role.name}?"
        self.line = "It can be made again from its cells only."

    def form(self, data: Any = None) -> forms.Form:
        return forms.Form(data)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(impact=[], keep="Keep role", **kwargs)

    def save(self, form: forms.Form) -> str:
        name = self.role.name
        role_delete(actor=self.actor, role=self.role)
        self.deleted = True
        return f"Role {name} is deleted."

    def back(self) -> str:
        return access_url("roles") if getattr(self, "deleted", False) else super().back()
