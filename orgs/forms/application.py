from __future__ import annotations

from django import forms

from orgs.names import LONGEST_DESCRIPTION
from orgs.services.application import LONGEST_APPLICATION


class ApplicationForm(forms.Form):
    """Name and description of an application."""

    name = forms.CharField(
        label="Name",
        widget=forms.TextInput(attrs={"maxlength": LONGEST_APPLICATION, "autocomplete": "off"}),
        error_messages={"required": "The name is missing. Fill it in."},
    )
    description = forms.CharField(
        label="Description", required=False, widget=forms.Textarea(attrs={"rows": 2, "maxlength": LONGEST_DESCRIPTION})
    )
