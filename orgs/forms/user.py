from __future__ import annotations

from django import forms

from orgs.names import LONGEST_EMAIL, LONGEST_PERSON


class UserForm(forms.Form):
    """A new person. The password is made up by the service."""

    name = forms.CharField(
        label="Name",
        widget=forms.TextInput(attrs={"maxlength": LONGEST_PERSON, "autocomplete": "off"}),
        error_messages={"required": "The name is missing. Fill it in."},
    )
    email = forms.CharField(
        label="E-mail address",
        help_text="To sign in with.",
        widget=forms.EmailInput(attrs={"maxlength": LONGEST_EMAIL, "autocomplete": "off"}),
        error_messages={"required": "The address is missing. Fill it in."},
    )
