"""The form of Submit: what people type, in their units, turned into what the service takes."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html

from orgs.models import OrgUnit
from portal.templatetags.ui import icon
from quotas.models import Pool
from scheduling.models import Priority, Workload
from scheduling.services.workload_rules import ENTRIES, MEBIBYTE, NAME_LENGTH, TEXT_LENGTH


def _whole(value: Decimal | int, per_unit: int) -> int:
    return int((Decimal(value) * per_unit).to_integral_value(ROUND_HALF_UP))


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


class SubmitForm(forms.Form):
    """`project` and `pools` offer what the person may choose: projects by id, pools of the chosen project's cluster."""

    kind = forms.TypedChoiceField(
        label="Type", choices=kind_choices, coerce=int, widget=forms.RadioSelect, initial=Workload.Kind.TRAINING
    )
    project = forms.ChoiceField(choices=())
    name = forms.CharField(max_length=NAME_LENGTH, help_text="Small letters, digits and dashes.")
    priority = forms.TypedChoiceField(choices=Priority.choices, coerce=int, initial=Priority.MEDIUM)
    image = forms.CharField(max_length=300, initial="python:3.12", label="Container image")
    pods = forms.IntegerField(min_value=1, max_value=1000, initial=1, help_text="Pods of a training start together.")
    gpus = forms.DecimalField(
        label="GPUs per pod",
        min_value=0,
        max_value=64,
        decimal_places=2,
        max_digits=6,
        initial=1,
        help_text="Whole GPUs, or a share of one such as 0.5.",
    )
    cores = forms.DecimalField(
        label="CPU per pod", min_value=Decimal("0.01"), max_value=1000, decimal_places=2, max_digits=6, initial=4
    )
    memory = forms.DecimalField(
        label="Memory per pod", min_value=Decimal("0.01"), max_value=65536, decimal_places=2, max_digits=8, initial=16
    )
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
    command = forms.CharField(
        required=False,
        max_length=TEXT_LENGTH,
        help_text="As in a shell, without pipes. Empty: what the image runs.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    env = forms.CharField(
        label="Environment variables",
        required=False,
        max_length=TEXT_LENGTH,
        help_text="NAME=value, one a line.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, projects: list[OrgUnit], pools: list[Pool], simulated: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice(self, "project").choices = [(str(project.pk), project.name) for project in projects]
        choice(self, "pools").choices = [(pool.name, pool.name) for pool in pools]
        if not simulated:
            del self.fields["minutes"]

    def clean_command(self) -> list[str]:
        try:
            return shlex.split(self.cleaned_data["command"])
        except ValueError as problem:
            raise ValidationError(f"{problem}. Close every quote.") from None

    def clean_env(self) -> dict[str, str]:
        lines = [line.strip() for line in self.cleaned_data["env"].splitlines() if line.strip()]
        if len(lines) > ENTRIES:
            raise ValidationError(f"{len(lines)} variables are too many. Use at most {ENTRIES}.")
        variables = {}
        for line in lines:
            name, separator, value = line.partition("=")
            if not separator:
                raise ValidationError(f"{line[:40]} has no value. Write NAME=value.")
            variables[name.strip()] = value
        return variables

    def clean_gpus(self) -> Decimal:
        gpus: Decimal = self.cleaned_data["gpus"]
        if gpus > 1 and gpus != int(gpus):
            raise ValidationError(
                f"{gpus.normalize():f} is neither whole nor below 1. Ask for {int(gpus)} or {int(gpus) + 1}."
            )
        return gpus

    def arguments(self) -> dict[str, Any]:
        """What `workload_submit` takes, but actor and project. The form has to be valid."""
        return {
            **{name: self.cleaned_data[name] for name in ("kind", "name", "image", "priority", "preemptible", "pools")},
            "command": self.cleaned_data["command"],
            "env": self.cleaned_data["env"],
            "run_seconds": _whole(minutes, 60) if (minutes := self.cleaned_data.get("minutes")) else None,
            **shape(self.cleaned_data),
        }


def choice(form: forms.Form, name: str) -> forms.ChoiceField:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    return field


def shape(cleaned: Mapping[str, Any]) -> dict[str, int]:
    """Pods and what each asks for, in the units of the service."""
    gpus = Decimal(cleaned["gpus"])
    shared = 0 < gpus < 1
    return {
        "pods": cleaned["pods"],
        "devices": 1 if shared else int(gpus),
        "device_milli": _whole(gpus, 1000) if shared else 1000,
        "cpu_millicores": _whole(cleaned["cores"], 1000),
        "memory_bytes": _whole(cleaned["memory"] * 1024, MEBIBYTE),
    }
