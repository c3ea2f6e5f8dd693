from __future__ import annotations

from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from orgs.access.table import ACTIONS, all_permissions
from orgs.selectors.roles import role_sections
from orgs.services.role import LONGEST_ROLE


class PermissionTable(forms.SelectMultiple):
    """The permission table with a box in every cell."""

    shape = "picker"

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        context = {"name": name, "sections": role_sections(set(value or ())), "actions": ACTIONS}
        return render_to_string("orgs/access/permission_boxes.html", context)


class RoleForm(forms.Form):
    """A custom role: its name and its cells."""

    name = forms.CharField(
        label="Name",
        widget=forms.TextInput(attrs={"maxlength": LONGEST_ROLE, "autocomplete": "off"}),
        error_messages={"required": "The name is missing. Fill it in."},
    )
    permissions = forms.MultipleChoiceField(
        label="May",
        choices=[(code, code) for code in sorted(all_permissions())],
        widget=PermissionTable,
        error_messages={
            "required": "The role holds nothing yet. Choose at least one box.",
            "invalid_choice": "There is no permission “%(value)s”. Choose them in the table.",
        },
    )
    expected_version = forms.IntegerField(required=False, min_value=1, max_value=10**9, widget=forms.HiddenInput)
