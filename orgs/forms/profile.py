from __future__ import annotations

from django import forms

from orgs.names import LONGEST_PERSON


class NameForm(forms.Form):
    name = forms.CharField(
        label="Name",
        widget=forms.TextInput(attrs={"maxlength": LONGEST_PERSON, "autocomplete": "name"}),
        error_messages={"required": "The name is missing. Fill it in."},
    )
