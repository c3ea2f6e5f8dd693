"""Forms of a node pool."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from orgs.forms.scope import ScopeChoices
from orgs.models import OrgUnit
from quotas.forms.base import NewInCluster, Versioned
from quotas.models import Pool, Topology
from quotas.models.pool import CPU_PLACEMENTS
from quotas.rules import (
    MAX_DISRUPTIONS,
    MAX_HISTORY_DAYS,
    MAX_HISTORY_WEIGHT_MILLI,
    MAX_MIN_RUNTIME_SECONDS,
    MAX_STALENESS_SECONDS,
)

SEGMENTS = forms.RadioSelect
WHOLE_MINUTES = "Use whole minutes, 0 for no minimum."
WHOLE_SECONDS = "Use whole seconds, or leave it empty for no end."
WHOLE_HOURS = f"Use whole hours from 1 to {MAX_HISTORY_DAYS * 24}, or leave it empty."
WHOLE_DAYS = f"Use whole days from 1 to {MAX_HISTORY_DAYS}."
WHOLE_PODS = f"Use a whole number up to {MAX_DISRUPTIONS:,}, or leave it empty for no bound."
NO_TOPOLOGY = "Choose one of the topologies here, or none."
NO_PLACEMENT = {"required": "Choose one of the placements.", "invalid_choice": "Choose one of the placements."}


class TopologyField(forms.ModelChoiceField):
    names_cluster = False
    """Topologies of several clusters are offered."""

    def label_from_instance(self, obj: Topology) -> str:
        return f"{obj.name} ({obj.cluster.name})" if self.names_cluster else obj.name


class PoolForm(Versioned):
    """What may be changed of a pool; of the default pool no label."""

    label_key = forms.CharField(label="Label key", error_messages={"required": "The label key is missing. Fill it in."})
    label_value = forms.CharField(label="Label value", required=False)
    gpu_placement = forms.TypedChoiceField(
        label="Work with GPUs", choices=Pool.Placement, coerce=int, widget=SEGMENTS, error_messages=NO_PLACEMENT
    )
    cpu_placement = forms.TypedChoiceField(
        label="Work without GPUs",
        choices=[(item.value, item.label) for item in CPU_PLACEMENTS],
        coerce=int,
        widget=SEGMENTS,
        error_messages=NO_PLACEMENT,
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

    topology = TopologyField(
        Topology.objects.none(),
        label="Topology",
        required=False,
        empty_label="none",
        help_text="Distributed work is kept as near together as its narrowest level.",
        error_messages={"invalid_choice": NO_TOPOLOGY},
    )
    staleness_grace_seconds = forms.IntegerField(
        label="Grace below the minimum",
        required=False,
        min_value=0,
        max_value=MAX_STALENESS_SECONDS,
        help_text="So long a workload may run with fewer pods than it needs. Empty: for ever.",
        error_messages={
            "invalid": WHOLE_SECONDS,
            "min_value": WHOLE_SECONDS,
            "max_value": f"Use at most {MAX_STALENESS_SECONDS:,} seconds, which is 30 days.",
        },
    )
    disruptions_per_workload = forms.IntegerField(
        label="Disturb for one workload",
        required=False,
        min_value=0,
        max_value=MAX_DISRUPTIONS,
        help_text="So many running pods at most, where it reaches for more than its quota. Empty: as many as it takes.",
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), WHOLE_PODS),
    )
    disruptions_per_cycle = forms.IntegerField(
        label="Disturb in one cycle",
        required=False,
        min_value=1,
        max_value=MAX_DISRUPTIONS,
        help_text="Once so many pods are stopped or moved, the others wait for the next cycle. Empty: no bound.",
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), WHOLE_PODS),
    )
    history_weight = forms.DecimalField(
        label="Weight of past use",
        min_value=0,
        max_value=MAX_HISTORY_WEIGHT_MILLI // 1000,
        max_digits=5,
        decimal_places=2,
        help_text="How much past use counts when spare is divided. 0: not at all; 1: it evens out.",
        error_messages={"required": "Type a number, 0 for no history."},
    )
    history_window_days = forms.IntegerField(
        label="Use of the last",
        min_value=1,
        max_value=MAX_HISTORY_DAYS,
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), WHOLE_DAYS),
    )
    history_half_life_hours = forms.IntegerField(
        label="Counts half after",
        required=False,
        min_value=1,
        max_value=MAX_HISTORY_DAYS * 24,
        help_text="Empty: all of it counts alike.",
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), WHOLE_HOURS),
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
            "topology": shown.topology_id,
            "staleness_grace_seconds": shown.staleness_grace_seconds,
            "disruptions_per_workload": shown.disruptions_per_workload,
            "disruptions_per_cycle": shown.disruptions_per_cycle,
            "history_weight": f"{Decimal(shown.history_weight_milli) / 1000:f}",
            "history_window_days": shown.history_window_days,
            "history_half_life_hours": shown.history_half_life_hours,
        }
        super().__init__(data, initial=initial)
        self.fields["label_key"].widget.attrs["maxlength"] = 317
        self.fields["label_value"].widget.attrs["maxlength"] = 63
        if pool is not None:
            self.offer([pool.cluster_id])
        if shown.is_default:
            del self.fields["label_key"], self.fields["label_value"]

    def values(self) -> dict[str, Any]:
        """What the services take."""
        values = dict(self.cleaned_data)
        minutes = values.pop("min_runtime_minutes")
        untouched = self.pool is not None and minutes == self.pool.min_runtime_seconds // 60
        values["min_runtime_seconds"] = self.pool.min_runtime_seconds if self.pool and untouched else minutes * 60
        values["history_weight_milli"] = int(values.pop("history_weight") * 1000)
        return {"label_key": "", "label_value": ""} | values

    def offer(self, clusters: list[int]) -> None:
        """Topologies of these clusters (ids); with the cluster's name where there are several."""
        field = self.fields["topology"]
        assert isinstance(field, TopologyField)
        field.queryset = Topology.objects.filter(cluster__in=clusters).select_related("cluster")
        field.names_cluster = len(clusters) > 1


class NewPoolForm(NewInCluster, PoolForm):
    """A pool that does not exist yet."""

    def __init__(self, data: Any = None, *, clusters: list[OrgUnit], choices: ScopeChoices) -> None:
        super().__init__(data, clusters=clusters, choices=choices)
        self.offer([one.pk for one in clusters])
