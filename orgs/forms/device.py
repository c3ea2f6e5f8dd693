from __future__ import annotations

from django import forms

DAYS = {1: "in a day", 30: "in 30 days", 90: "in 90 days"}
CHOICE = {
    "required": "Nothing is chosen. Choose when the key ends.",
    "invalid_choice": "There is no such choice. Choose one of the list.",
}


class CodeForm(forms.Form):
    """What the terminal shows."""

    code = forms.CharField(
        label="Code",
        widget=forms.TextInput(attrs={"maxlength": 20, "autocomplete": "off", "placeholder": "BCDF-GHJK"}),
        error_messages={"required": "The code is missing. Type what the terminal shows."},
    )


class LetInForm(forms.Form):
    """How long it stays signed in."""

    days = forms.TypedChoiceField(
        label="The key ends", coerce=int, choices=list(DAYS.items()), initial=30, error_messages=CHOICE
    )
