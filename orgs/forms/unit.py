from __future__ import annotations

from django import forms

from orgs.forms.scope import ScopeChoices, ScopeField
from orgs.models import UnitKind
from orgs.names import LONGEST_DESCRIPTION, LONGEST_NAME, longest_name

RULE = "Lower-case letters, digits and hyphens."


class UnitForm(forms.Form):
    """Name and description of a unit. What a legal name is, the services say."""

    name = forms.CharField(label="Name", error_messages={"required": "The name is missing. Fill it in."})
    description = forms.CharField(
        label="Description", required=False, widget=forms.Textarea(attrs={"rows": 2, "maxlength": LONGEST_DESCRIPTION})
    )

    def __init__(self, *args: object, kind: UnitKind, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        field = self.fields["name"]
        field.widget.attrs |= {"maxlength": longest_name(kind), "autocomplete": "off", "spellcheck": "false"}
        if kind != UnitKind.ACCOUNT:
            field.help_text = RULE


class ProjectForm(UnitForm):
    """With a namespace that is there already, where the project is not to have a new one."""

    namespace = forms.CharField(
        label="Existing namespace",
        required=False,
        help_text="Leave it empty for a new one, called bursar- and the project's name.",
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, kind=UnitKind.PROJECT, **kwargs)
        self.fields["namespace"].widget.attrs |= {
            "maxlength": LONGEST_NAME,
            "autocomplete": "off",
            "spellcheck": "false",
        }


class DeleteForm(forms.Form):
    """Carries the name typed to confirm; asked for only while work is running."""

    confirm_name = forms.CharField(required=False)

    def __init__(self, *args: object, wanted: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.wanted = wanted

    def clean_confirm_name(self) -> str:
        typed: str = self.cleaned_data["confirm_name"]
        if self.wanted and typed != self.wanted:
            raise forms.ValidationError(f"Type {self.wanted} to confirm: there is work running.")
        return typed


class MoveForm(forms.Form):
    """Where a unit goes."""

    parent = ScopeField(label="Into")
    expected_version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: object, choices: ScopeChoices, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["parent"].give(choices)  # type: ignore[attr-defined]
