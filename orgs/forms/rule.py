from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from django import forms
from django.db.models import QuerySet

from orgs.forms.scope import ScopeChoices, ScopesField
from orgs.models import AccessRule, Role, Subject
from orgs.names import LONGEST_EMAIL, checked_email

MOST_SUBJECTS = 200


def role_field() -> forms.ModelChoiceField:
    return forms.ModelChoiceField(
        Role.objects.none(),
        label="Role",
        empty_label="Choose a role",
        error_messages={
            "required": "The role is missing. Choose one.",
            "invalid_choice": "There is no such role, or you may not grant it here. Choose one of the list.",
        },
    )


def until_field() -> forms.DateField:
    return forms.DateField(
        label="Until",
        required=False,
        help_text="The last day on which it holds. Empty: for good.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "This is no day. Write it like 2027-03-31, or leave it empty."},
    )


def end_of(day: date | None) -> datetime | None:
    """The first moment after a day, UTC."""
    return None if day is None else datetime.combine(day, time.min, UTC) + timedelta(days=1)


def in_order(roles: Sequence[Role]) -> QuerySet[Role]:
    """Predefined ones first."""
    return Role.objects.filter(pk__in=[role.pk for role in roles]).order_by("-built_in", "id")


class RuleForm(forms.Form):
    """Who gets which role, and until when."""

    person = forms.CharField(
        label="Person, group or application",
        help_text="The address this person signs in with, or the name of a group or application.",
        widget=forms.TextInput(attrs={"maxlength": LONGEST_EMAIL, "list": "people", "autocomplete": "off"}),
        error_messages={
            "required": "The person is missing. Type an e-mail address, or the name of a group or application."
        },
    )
    role = role_field()
    expires_at = until_field()

    def __init__(self, *args: object, roles: Sequence[Role], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["role"].queryset = in_order(roles)  # type: ignore[attr-defined]

    def clean_person(self) -> Subject:
        return subject_named(self.cleaned_data["person"])

    def clean_expires_at(self) -> datetime | None:
        return checked_end(self.cleaned_data["expires_at"])


class RuleUpdateForm(forms.Form):
    """Another role, another end."""

    role = role_field()
    expires_at = until_field()

    def __init__(self, *args: object, roles: Sequence[Role], rule: AccessRule, **kwargs: object) -> None:
        kwargs["initial"] = {"role": rule.role_id, "expires_at": rule.last_moment and rule.last_moment.date()}
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["role"].queryset = in_order([*roles, rule.role])  # type: ignore[attr-defined]

    def clean_expires_at(self) -> datetime | None:
        return checked_end(self.cleaned_data["expires_at"])


class RulesForm(forms.Form):
    """One role for several people, groups and applications on several units."""

    subjects = forms.CharField(
        label="People, groups, applications",
        help_text="One a line: the address a person signs in with, or the name of a group or application.",
        widget=forms.Textarea(attrs={"rows": 5, "maxlength": 20_000, "spellcheck": "false"}),
        error_messages={
            "required": "Nobody is named. Type an e-mail address or the name of a group or application, one a line."
        },
    )
    role = role_field()
    scopes = ScopesField(label="On")
    expires_at = until_field()

    def __init__(self, *args: object, roles: Sequence[Role], choices: ScopeChoices, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["role"].queryset = in_order(roles)  # type: ignore[attr-defined]
        self.fields["scopes"].give(choices)  # type: ignore[attr-defined]

    def clean_subjects(self) -> list[Subject]:
        names = list(dict.fromkeys(line.strip() for line in self.cleaned_data["subjects"].splitlines() if line.strip()))
        if len(names) > MOST_SUBJECTS:
            raise forms.ValidationError(f"These are {len(names)} names. Give at most {MOST_SUBJECTS} at once.")
        found: dict[int, Subject] = {}
        wrong = []
        for name in names:
            try:
                subject = subject_named(name)
                found[subject.pk] = subject
            except forms.ValidationError as problem:
                wrong.append(f"“{name[:60]}”: {problem.messages[0]}")
        if wrong:
            raise forms.ValidationError(wrong[:5])
        return list(found.values())

    def clean_expires_at(self) -> datetime | None:
        return checked_end(self.cleaned_data["expires_at"])


def checked_end(day: date | None) -> datetime | None:
    try:
        end = end_of(day)
    except OverflowError:
        raise forms.ValidationError("This day is too far away. Choose an earlier one, or none.") from None
    if end is not None and end <= datetime.now(UTC):
        raise forms.ValidationError("This day has passed. Choose today or a later one, or none.")
    return end


def subject_named(text: str) -> Subject:
    """The person with this address, or the group or application of this name."""
    named = Subject.objects.exclude(kind=Subject.Kind.USER).filter(name=text.strip()).select_related("user").first()
    if named is not None:
        return named
    try:
        email = checked_email(text)
    except forms.ValidationError:
        raise forms.ValidationError(
            "This is neither an e-mail address nor the name of a group or application. "
            "Write an address like ana@example.org."
        ) from None
    subject = Subject.objects.filter(kind=Subject.Kind.USER, name=email).select_related("user").first()
    if subject is None:
        raise forms.ValidationError(f"Nobody signs in as {email}. A System administrator adds people under Access.")
    return subject
