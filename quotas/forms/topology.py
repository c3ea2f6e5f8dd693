"""Forms of a topology."""

from __future__ import annotations

from typing import Any

from django import forms

from quotas.forms.base import NewInCluster, Versioned
from quotas.models import Topology


class TopologyForm(Versioned):
    """The levels of a topology; its name stays. A dialog: the page below may have a form with the same names."""

    levels = forms.CharField(
        label="Levels",
        max_length=3000,
        widget=forms.Textarea(attrs={"rows": 4, "class": "code", "spellcheck": "false"}),
        help_text="Label keys of nodes, one a line, from the widest (a hall) to the narrowest (a rack).",
        error_messages={"required": "The levels are missing. Write a label key, such as example.org/rack."},
    )

    def __init__(self, data: Any = None, *, topology: Topology | None = None) -> None:
        initial = {"expected_version": topology.version, "levels": "\n".join(topology.levels)} if topology else None
        super().__init__(data, initial=initial, auto_id="topology_%s")

    def clean_levels(self) -> list[str]:
        lines = self.cleaned_data["levels"].splitlines()
        return [line.strip() for line in lines if line.strip()]


class NewTopologyForm(NewInCluster, TopologyForm):
    """A topology that does not exist yet."""
