"""What the forms of pools and topologies have in common. What a legal name or label is, the services say."""

from __future__ import annotations

from typing import Any

from django import forms

from orgs.forms.scope import ScopeChoices, ScopeField, ScopeMenu
from orgs.models import OrgUnit

STALE = "The page is out of date. Load it again."


class Versioned(forms.Form):
    """Of something that others may have changed since the page was read."""

    expected_version = forms.IntegerField(
        min_value=1,
        max_value=2**31 - 1,
        widget=forms.HiddenInput,
        error_messages={"required": STALE, "invalid": STALE, "min_value": STALE, "max_value": STALE},
    )


class NewInCluster(Versioned):
    """Of something that does not exist yet: its name, and its cluster where there is a choice."""

    cluster = ScopeField(label="Cluster", widget=ScopeMenu)
    name = forms.CharField(
        label="Name",
        help_text="Small letters, digits and hyphens. It stays.",
        error_messages={"required": "The name is missing. Fill it in."},
    )
    field_order = ["cluster", "name"]

    def __init__(self, data: Any = None, *, clusters: list[OrgUnit], choices: ScopeChoices) -> None:
        super().__init__(data)
        del self.fields["expected_version"]
        self.fields["name"].widget.attrs |= {"maxlength": 63, "autocomplete": "off", "spellcheck": "false"}
        self.fields["cluster"].give(choices)  # type: ignore[attr-defined]
        self.fields["cluster"].initial = clusters[0].pk
        if len(clusters) == 1:
            self.fields["cluster"].widget = forms.HiddenInput()
