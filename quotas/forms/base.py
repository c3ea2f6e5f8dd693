"""What the forms of pools and topologies have in common. What a legal name or label is, the services say."""

from __future__ import annotations

from typing import Any

from django import forms

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

    cluster = forms.ModelChoiceField(
        OrgUnit.objects.none(),
        label="Cluster",
        empty_label=None,
        error_messages={"invalid_choice": "Choose a cluster."},
    )
    name = forms.CharField(
        label="Name",
        help_text="Small letters, digits and hyphens. It stays.",
        error_messages={"required": "The name is missing. Fill it in."},
    )
    field_order = ["cluster", "name"]

    def __init__(self, data: Any = None, *, clusters: list[OrgUnit]) -> None:
        super().__init__(data)
        del self.fields["expected_version"]
        self.fields["name"].widget.attrs |= {"maxlength": 63, "autocomplete": "off", "spellcheck": "false"}
        cluster = self.fields["cluster"]
        assert isinstance(cluster, forms.ModelChoiceField)
        cluster.queryset = OrgUnit.objects.filter(pk__in=[one.pk for one in clusters])
        if len(clusters) == 1:
            cluster.widget, cluster.initial = forms.HiddenInput(), clusters[0].pk
