from __future__ import annotations

from django import forms

from orgs.forms.rule import subject_named
from orgs.models import Subject, User
from orgs.names import LONGEST_DESCRIPTION
from orgs.services.group import LONGEST_GROUP

MOST_PEOPLE = 200


class GroupForm(forms.Form):
    """Name and description of a group."""

    name = forms.CharField(
        label="Name",
        widget=forms.TextInput(attrs={"maxlength": LONGEST_GROUP, "autocomplete": "off"}),
        error_messages={"required": "The name is missing. Fill it in."},
    )
    description = forms.CharField(
        label="Description", required=False, widget=forms.Textarea(attrs={"rows": 2, "maxlength": LONGEST_DESCRIPTION})
    )


class MembersForm(forms.Form):
    """Who joins a group."""

    people = forms.CharField(
        label="People",
        help_text="One a line: the address a person signs in with.",
        widget=forms.Textarea(attrs={"rows": 5, "maxlength": 20_000, "spellcheck": "false"}),
        error_messages={"required": "Nobody is named. Type an e-mail address, one a line."},
    )

    def clean_people(self) -> list[User]:
        names = [line.strip() for line in self.cleaned_data["people"].splitlines() if line.strip()]
        if len(names) > MOST_PEOPLE:
            raise forms.ValidationError(f"These are {len(names)} names. Give at most {MOST_PEOPLE} at once.")
        found: dict[int, User] = {}
        for name in names:
            subject: Subject = subject_named(name)
            if subject.user is None or not subject.is_person:
                what = "a group" if subject.kind == Subject.Kind.GROUP else "an application"
                raise forms.ValidationError(f"{subject.name} is {what}, and groups hold people only. Name people.")
            found[subject.user.pk] = subject.user
        return list(found.values())
