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
    MAX_BUDGET_DELAY_SECONDS,
    MAX_DISRUPTIONS,
    MAX_HISTORY_DAYS,
    MAX_HISTORY_WEIGHT_MILLI,
    MAX_MIN_RUNTIME_SECONDS,
    MAX_STALENESS_SECONDS,
)

SEGMENTS = forms.RadioSelect
WHOLE_MINUTES = "Use whole minutes, 0 for no minimum."
WHOLE_SECONDS = "Use whole seconds, or leave it empty for no end."
WHOLE_DELAY = "Use whole seconds, or leave it empty for never."
WHOLE_HOURS = f"Use whole hours from 1 to {MAX_HISTORY_DAYS * 24}, or leave it empty."
WHOLE_DAYS = f"Use whole days from 1 to {MAX_HISTORY_DAYS}."
WHOLE_PODS = f"Use a whole number up to {MAX_DISRUPTIONS:,}, or leave it empty for no bound."
NO_TOPOLOGY = "Choose one of the topologies here, or none."
NO_PLACEMENT = {"required": "Choose one of the placements.", "invalid_choice": "Choose one of the placements."}


def _whole(
    label: str, bounds: range, words: str, *, help_text: str = "", too_much: str = "", required: bool = False
) -> forms.IntegerField:
    """A whole number inside the bounds. `words`: what else than these is answered with; `too_much`: above them."""
    return forms.IntegerField(
        label=label,
        required=required,
        min_value=bounds.start,
        max_value=bounds.stop - 1,
        help_text=help_text,
        error_messages={"required": words, "invalid": words, "min_value": words, "max_value": too_much or words},
    )


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
    min_runtime_minutes = _whole(
        "Minimum runtime",
        range(MAX_MIN_RUNTIME_SECONDS // 60 + 1),
        WHOLE_MINUTES,
        help_text="So long after its start a workload is not stopped for others.",
        too_much=f"Use at most {MAX_MIN_RUNTIME_SECONDS // 60:,} minutes, which is 30 days.",
        required=True,
    )
    topology = TopologyField(
        Topology.objects.none(),
        label="Topology",
        required=False,
        empty_label="none",
        help_text="Distributed work is kept as near together as its narrowest level.",
        error_messages={"invalid_choice": NO_TOPOLOGY},
    )
    staleness_grace_seconds = _whole(
        "Grace below the minimum",
        range(MAX_STALENESS_SECONDS + 1),
        WHOLE_SECONDS,
        help_text="So long a workload may run with fewer pods than it needs. Empty: for ever.",
        too_much=f"Use at most {MAX_STALENESS_SECONDS:,} seconds, which is 30 days.",
    )
    disruptions_per_workload = _whole(
        "Disturb for one workload",
        range(MAX_DISRUPTIONS + 1),
        WHOLE_PODS,
        help_text="So many running pods at most, where it reaches for more than its quota. Empty: as many as it takes.",
    )
    disruptions_per_cycle = _whole(
        "Disturb in one cycle",
        range(1, MAX_DISRUPTIONS + 1),
        WHOLE_PODS,
        help_text="Once so many pods are stopped or moved, the others wait for the next cycle. Empty: no bound.",
    )
    disruption_budget_delay_seconds = _whole(
        "Override budgets after",
        range(MAX_BUDGET_DELAY_SECONDS + 1),
        WHOLE_DELAY,
        help_text="Work that waits so long inside its quota takes it in spite of disruption budgets. Empty: never.",
        too_much=f"Use at most {MAX_BUDGET_DELAY_SECONDS:,} seconds, which is 30 days.",
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
    history_window_days = _whole("Use of the last", range(1, MAX_HISTORY_DAYS + 1), WHOLE_DAYS, required=True)
    history_half_life_hours = _whole(
        "Counts half after",
        range(1, MAX_HISTORY_DAYS * 24 + 1),
        WHOLE_HOURS,
        help_text="Empty: all of it counts alike.",
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
            "disruption_budget_delay_seconds": shown.disruption_budget_delay_seconds,
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
