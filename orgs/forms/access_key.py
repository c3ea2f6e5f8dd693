from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone

from orgs.access.table import all_permissions
from orgs.forms.rule import checked_end, until_field
from orgs.forms.scope import ScopeChoices, ScopeField, ScopeMenu
from orgs.models import AccessKey, Role
from orgs.services.access_key import LONGEST_KEY_NAME, KeyLimits

USUAL_DAYS = 90
EVERYTHING, READING, AS_NOW = "everything", "reading", "as-now"
OVERLAPS = {0: "at once", 1: "in an hour", 24: "in a day", 24 * 7: "in a week"}
"""By hours."""


def overlap_field(what: str) -> forms.TypedChoiceField:
    """In how many hours the old one ends that something takes the place of."""
    return forms.TypedChoiceField(
        label=f"The old {what} ends",
        coerce=int,
        choices=list(OVERLAPS.items()),
        initial=24,
        error_messages={
            "required": f"Nothing is chosen. Choose when the old {what} ends.",
            "invalid_choice": "There is no such choice. Choose one of the list.",
        },
    )


class KeyForm(forms.Form):
    """What a key is called, what it may do of what its owner may, where, and until when."""

    name = forms.CharField(
        label="Name",
        help_text="Where it is used, for example “nightly training”.",
        widget=forms.TextInput(attrs={"maxlength": LONGEST_KEY_NAME, "autocomplete": "off"}),
        error_messages={"required": "The name is missing. Fill it in."},
    )
    rights = forms.ChoiceField(
        label="May do",
        error_messages={
            "required": "Nothing is chosen. Choose what the key may do.",
            "invalid_choice": "There is no such choice. Choose one of the list.",
        },
    )
    scope = ScopeField(
        label="Only in", required=False, widget=ScopeMenu, help_text="Nothing chosen: wherever the owner may."
    )
    expires_at = until_field()

    def __init__(
        self, data: Any = None, *, choices: ScopeChoices, roles: Sequence[Role], key: AccessKey | None
    ) -> None:
        self.key, self.roles = key, {f"role-{role.pk}": role for role in roles}
        initial: dict[str, Any] = {"expires_at": (timezone.now() + timedelta(days=USUAL_DAYS)).date()}
        if key is not None:
            initial = {"name": key.name, "scope": key.scope_id, "expires_at": key.expiry and key.expiry.date()}
            initial["rights"] = EVERYTHING if key.permissions is None else AS_NOW
        super().__init__(data, initial=initial)
        now = [(AS_NOW, f"As now: {key.limited_to}")] if key and key.permissions is not None else []
        self.fields["rights"].choices = [  # type: ignore[attr-defined]
            (EVERYTHING, "Whatever the owner may do"),
            (READING, "Read, and change nothing"),
            *now,
            *((name, f"As much of it as a {role.name} may") for name, role in self.roles.items()),
        ]
        self.fields["scope"].give(choices)  # type: ignore[attr-defined]

    def clean_expires_at(self) -> Any:
        day = self.cleaned_data["expires_at"]
        if self.key is not None and self.key.expiry is not None and day == self.key.expiry.date():
            return self.key.expiry
        return checked_end(day)

    def limits(self) -> KeyLimits:
        """What was chosen, once it was found valid."""
        values = self.cleaned_data
        permissions, words = self._rights(values["rights"])
        return KeyLimits(values["name"], permissions, words, values["scope"], values["expires_at"])

    def _rights(self, chosen: str) -> tuple[list[str] | None, str]:
        if chosen == READING:
            return [code for code in all_permissions() if code.endswith(":read")], "reading"
        if chosen in self.roles:
            role = self.roles[chosen]
            return list(role.permissions.values_list("permission", flat=True)), role.name
        if chosen == AS_NOW and self.key is not None:
            return self.key.permissions, self.key.limited_to
        return None, ""


class RotateForm(forms.Form):
    """How long the old key works beside the new one."""

    hours = overlap_field("key")
