from __future__ import annotations

from collections.abc import Sequence

from django import forms
from django.db.models import Count

from orgs.models import Role, Subject
from orgs.names import LONGEST_EMAIL, checked_email


class RuleForm(forms.Form):
    """Who gets which role."""

    person = forms.CharField(
        label="Person or group",
        help_text="The address this person signs in with, or the name of a group.",
        widget=forms.TextInput(attrs={"maxlength": LONGEST_EMAIL, "list": "people", "autocomplete": "off"}),
        error_messages={"required": "The person is missing. Type an e-mail address, or a group's name."},
    )
    role = forms.ModelChoiceField(
        Role.objects.none(),
        label="Role",
        empty_label=None,
        error_messages={
            "required": "The role is missing. Choose one.",
            "invalid_choice": "There is no such role, or you may not grant it here. Choose one of the list.",
        },
    )

    def __init__(self, *args: object, roles: Sequence[Role], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        smallest_first = Role.objects.annotate(size=Count("permissions")).order_by("size", "name")
        self.fields["role"].queryset = smallest_first.filter(pk__in=[role.pk for role in roles])  # type: ignore[attr-defined]

    def clean_person(self) -> Subject:
        return subject_named(self.cleaned_data["person"])


def subject_named(text: str) -> Subject:
    """The person with this address, or the group of this name."""
    group = Subject.objects.filter(kind=Subject.Kind.GROUP, name=text.strip()).first()
    if group is not None:
        return group
    try:
        email = checked_email(text)
    except forms.ValidationError as problem:
        raise forms.ValidationError([*problem.messages, "There is no group of this name either."]) from None
    subject = Subject.objects.filter(kind=Subject.Kind.USER, name=email).select_related("user").first()
    if subject is None:
        raise forms.ValidationError(f"Nobody signs in as {email}. A System administrator adds people in Settings.")
    return subject
