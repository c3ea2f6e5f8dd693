"""Forms of node pools. What a legal name or label is, the services say."""

from __future__ import annotations

from typing import Any

from django import forms

from orgs.models import OrgUnit
from quotas.models import Pool
from quotas.rules import MAX_MIN_RUNTIME_SECONDS

SEGMENTS = forms.RadioSelect
WHOLE_MINUTES = "Use whole minutes, 0 for no minimum."
NO_PLACEMENT = {"required": "Choose bin-pack or spread.", "invalid_choice": "Choose bin-pack or spread."}


STALE = "The page is out of date. Load it again."


class PoolForm(forms.Form):
    """What may be changed of a pool; of the default pool no label."""

    expected_version = forms.IntegerField(
        min_value=1,
        max_value=2**31 - 1,
        widget=forms.HiddenInput,
        error_messages={"required": STALE, "invalid": STALE, "min_value": STALE, "max_value": STALE},
    )

    label_key = forms.CharField(label="Label key", error_messages={"required": "The label key is missing. Fill it in."})
    label_value = forms.CharField(label="Label value", required=False)
    gpu_placement = forms.TypedChoiceField(
        label="Work with GPUs", choices=Pool.Placement, coerce=int, widget=SEGMENTS, error_messages=NO_PLACEMENT
    )
    cpu_placement = forms.TypedChoiceField(
        label="Work without GPUs", choices=Pool.Placement, coerce=int, widget=SEGMENTS, error_messages=NO_PLACEMENT
    )
    min_runtime_minutes = forms.IntegerField(
        label="Minimum runtime",
        min_value=0,
        max_value=MAX_MIN_RUNTIME_SECONDS // 60,
        help_text="So long after its start a workload is not stopped for others.",
        error_messages={
            "required": WHOLE_MINUTES,
            "invalid": WHOLE_MINUTES,
            "min_value": WHOLE_MINUTES,
            "max_value": f"Use at most {MAX_MIN_RUNTIME_SECONDS // 60:,} minutes, which is 30 days.",
        },
    )

    def __init__(self, data: Any = None, *, pool: Pool | None = None) -> None:
        self.pool = pool
        shown = pool or Pool()
        initial = {
            "expected_version": shown.version,
            "label_key": shown.label_key,
            "label_value": shown.label_value,
            "gpu_placement": shown.gpu_placement,
            "cpu_placement": shown.cpu_placement,
            "min_runtime_minutes": shown.min_runtime_seconds // 60,
        }
        super().__init__(data, initial=initial)
        self.fields["label_key"].widget.attrs["maxlength"] = 317
        self.fields["label_value"].widget.attrs["maxlength"] = 63
        if shown.is_default:
            del self.fields["label_key"], self.fields["label_value"]

    def values(self) -> dict[str, Any]:
        """What the services take."""
        values = dict(self.cleaned_data)
        minutes = values.pop("min_runtime_minutes")
        untouched = self.pool is not None and minutes == self.pool.min_runtime_seconds // 60
        values["min_runtime_seconds"] = self.pool.min_runtime_seconds if self.pool and untouched else minutes * 60
        return {"label_key": "", "label_value": ""} | values


class NewPoolForm(PoolForm):
    """A pool that does not exist yet: its name, and its cluster where there is a choice."""

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
