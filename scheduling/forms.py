"""The forms of Submit: what people type, in their units, turned into what the service takes."""

from __future__ import annotations

import shlex
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html

from orgs.forms.scope import ScopeChoices, ScopeField, ScopeMenu
from portal.templatetags.ui import icon
from quotas.models import Pool, Topology
from scheduling import group_rows
from scheduling.group_rows import shape, whole
from scheduling.models import Priority, Workload
from scheduling.services.workload_rules import ENTRIES, NAME_LENGTH, TEXT_LENGTH

KINDS = {
    Workload.Kind.WORKSPACE: ("Workspace", "square-terminal", "interactive"),
    Workload.Kind.TRAINING: ("Training", "play", "one or more pods"),
    Workload.Kind.DISTRIBUTED: ("Distributed", "share-2", "workers start together"),
    Workload.Kind.INFERENCE: ("Inference", "radio", "serves requests"),
}


def kind_choices() -> list[tuple[int, str]]:
    return [
        (kind, format_html('{} {}<br><span class="note">{}</span>', icon(name, size=14), word, note))
        for kind, (word, name, note) in KINDS.items()
    ]


NO_LEVEL = {"invalid_choice": "Choose one of the levels here, or none."}


def text_field(help_text: str, label: str | None = None) -> forms.CharField:
    """Lines, or a command."""
    return forms.CharField(
        label=label,
        required=False,
        max_length=TEXT_LENGTH,
        help_text=help_text,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


def level_field(label: str, help_text: str) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=(), required=False, help_text=help_text, error_messages=NO_LEVEL)


class WishesForm(forms.Form):
    """What is said of a workload in the words of Bursar, however its pods are described. `project` and `pools` offer
    what the person may choose, pools those of the chosen project's cluster."""

    project = ScopeField(widget=ScopeMenu)
    priority = forms.TypedChoiceField(choices=Priority.choices, coerce=int, initial=Priority.MEDIUM)
    minutes = forms.DecimalField(
        label="Run time",
        min_value=Decimal("0.1"),
        max_value=43200,
        decimal_places=1,
        max_digits=6,
        required=False,
        help_text="Simulated clusters only: the run ends after it.",
    )
    pools = forms.MultipleChoiceField(choices=(), label="Pools, in the order to try", widget=forms.MultipleHiddenInput)
    preemptible = forms.BooleanField(
        label="May be stopped for others (preemptible)",
        required=False,
        initial=True,
        help_text="Needed to run over quota.",
    )
    delay = forms.DecimalField(
        label="Displaces nobody for",
        min_value=0,
        max_value=43200,
        decimal_places=1,
        max_digits=6,
        required=False,
        help_text="So long nobody is stopped for it, after it was submitted and after each time it was stopped.",
    )
    near_required = level_field("Keep its pods together", "It waits until all find room in one.")
    near_preferred = level_field("Nearer, if possible", "It does not wait for this.")

    def __init__(
        self,
        *args: Any,
        projects: ScopeChoices,
        pools: list[Pool],
        simulated: bool,
        topologies: list[Topology],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.topologies = topologies
        self.fields["project"].give(projects)  # type: ignore[attr-defined]
        choice(self, "pools").choices = [(pool.name, pool.name) for pool in pools]
        if not simulated:
            del self.fields["minutes"]
        for name in ("near_required", "near_preferred"):
            choice(self, name).choices = [("", "wherever"), *level_choices(topologies)]
            if not topologies:
                del self.fields[name]

    def arguments(self) -> dict[str, Any]:
        """What the service takes, but actor and project. The form has to be valid."""
        cleaned = self.cleaned_data
        required, preferred = cleaned.get("near_required", ""), cleaned.get("near_preferred", "")
        return {
            **{name: cleaned[name] for name in ("priority", "preemptible", "pools")},
            "run_seconds": whole(minutes, 60) if (minutes := cleaned.get("minutes")) else None,
            "preemption_delay_seconds": whole(cleaned.get("delay") or 0, 60),
            **self._near(required, preferred),
        }

    def _near(self, required: str, preferred: str) -> dict[str, Any]:
        """Topology and levels. Both levels have to be of one topology, which the service checks."""
        chosen = (required or preferred).partition(":")[0]
        topology = next((topology for topology in self.topologies if str(topology.pk) == chosen), None)
        levels = {"near_required": required, "near_preferred": preferred}
        return {"near_topology": topology} | {name: value.partition(":")[2] for name, value in levels.items()}


class YamlForm(WishesForm):
    """`problems`: what is wrong with the document, which the page has read."""

    manifest = forms.CharField(
        label="Kubernetes document",
        strip=False,
        help_text="One Job, JobSet, StatefulSet or Deployment, as YAML.",
        widget=forms.Textarea(attrs={"rows": 24}),
    )

    def __init__(self, *args: Any, problems: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.problems = problems

    def clean_manifest(self) -> str:
        if self.problems:
            raise ValidationError(self.problems)
        return str(self.cleaned_data["manifest"])

    def arguments(self) -> dict[str, Any]:
        return super().arguments() | {"manifest": self.cleaned_data["manifest"]}


class SubmitForm(WishesForm):
    kind = forms.TypedChoiceField(
        label="Type", choices=kind_choices, coerce=int, widget=forms.RadioSelect, initial=Workload.Kind.TRAINING
    )
    name = forms.CharField(max_length=NAME_LENGTH, help_text="Small letters, digits and dashes.")
    image = forms.CharField(max_length=300, initial="python:3.12", label="Container image")
    pods = group_rows.pods_field(initial=1, help_text="Pods of a training start together.")
    gpus = group_rows.gpus_field(initial=1, help_text="Whole GPUs, or a share of one such as 0.5.")
    cores = group_rows.cores_field(initial=4)
    memory = group_rows.memory_field(initial=16)
    gpu_memory = group_rows.gpu_memory_field(help_text="Of each GPU, instead of a share of it.")
    minimum = group_rows.minimum_field(help_text="The others follow as there is room. Empty: all of a training.")
    group_name = group_rows.name_field()
    retries = forms.IntegerField(
        min_value=0,
        max_value=100,
        required=False,
        help_text="So many of a training's pods may fail before it has failed.",
    )
    node_labels = text_field("key=value, one a line.", "Labels that a node must have")
    tolerations = text_field(
        "key=value:effect, one a line. Without a value: any; without an effect: all.", "Taints that it tolerates"
    )
    command = text_field("As in a shell, without pipes. Empty: what the image runs.")
    env = text_field("NAME=value, one a line.", "Environment variables")

    def __init__(self, *args: Any, rows: list[int], simulated: bool, **kwargs: Any) -> None:
        super().__init__(*args, simulated=simulated, **kwargs)
        self.rows = rows
        self.fields |= group_rows.row_fields(rows)
        if simulated:
            del self.fields["retries"]
        if not rows:
            del self.fields["group_name"]

    @property
    def group_rows(self) -> list[dict[str, Any]]:
        """For the template: the fields of each row, by name, and its number."""
        return [
            {"row": row, **{name: self[group_rows.prefix_of(row) + name] for name in group_rows.MAKERS}}
            for row in self.rows
        ]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for prefix in ("", *map(group_rows.prefix_of, self.rows)):
            for name, wrong in group_rows.problems(cleaned, prefix).items():
                self.add_error(name, wrong)
        names: list[str] = [cleaned["group_name"]] if cleaned.get("group_name") else []
        for row in self.rows:
            field = f"{group_rows.prefix_of(row)}name"
            if cleaned.get(field) in names:
                self.add_error(field, "There is a group of this name already. Name each differently.")
            names.append(cleaned.get(field, ""))
        return cleaned

    def clean_command(self) -> list[str]:
        try:
            return shlex.split(self.cleaned_data["command"])
        except ValueError as problem:
            raise ValidationError(f"{problem}. Close every quote.") from None

    def clean_env(self) -> dict[str, str]:
        lines = lines_of(self.cleaned_data["env"])
        if len(lines) > ENTRIES:
            raise ValidationError(f"{len(lines)} variables are too many. Use at most {ENTRIES}.")
        variables = {}
        for line in lines:
            name, separator, value = line.partition("=")
            if not separator:
                raise ValidationError(f"{line[:40]} has no value. Write NAME=value.")
            variables[name.strip()] = value
        return variables

    def clean_node_labels(self) -> dict[str, str]:
        labels = {}
        for line in lines_of(self.cleaned_data["node_labels"]):
            key, separator, value = line.partition("=")
            if not separator:
                raise ValidationError(f"{line[:40]} has no value. Write key=value.")
            labels[key.strip()] = value.strip()
        return labels

    def clean_tolerations(self) -> list[dict[str, str]]:
        """Without a value it stands for every value, without an effect for all effects."""
        found = []
        for line in lines_of(self.cleaned_data["tolerations"]):
            rest, _, effect = line.partition(":")
            key, separator, value = rest.partition("=")
            toleration = {"key": key.strip(), "operator": "Equal" if separator else "Exists"}
            if not toleration["key"]:
                raise ValidationError(f"{line[:40]} has no key. Write key=value:effect.")
            toleration |= {"value": value.strip()} if separator else {}
            found.append(toleration | ({"effect": effect.strip()} if effect.strip() else {}))
        return found

    def arguments(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        same = ("kind", "name", "image", "command", "env", "node_labels", "tolerations")
        return super().arguments() | {
            **{name: cleaned[name] for name in same},
            "retries": cleaned.get("retries") or 0,
            "group": cleaned.get("group_name") or group_rows.FIRST_NAME,
            "more_groups": [group_rows.group_of(cleaned, row) for row in self.rows],
            **shape(cleaned),
        }


def level_choices(topologies: list[Topology]) -> list[Any]:
    """The levels of each topology, the widest first; under its name where there are several."""
    groups = [
        (topology.name, [(f"{topology.pk}:{level}", f"in one {level}") for level in topology.levels])
        for topology in topologies
    ]
    return groups if len(groups) > 1 else [level for _, levels in groups for level in levels]


def lines_of(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def choice(form: forms.Form, name: str) -> forms.ChoiceField:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    return field
