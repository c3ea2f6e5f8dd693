"""Everything that the wizard "New organization" asks, step by step in one form: going back loses nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms

from orgs.forms.scope import ScopeChoices, ScopeField
from orgs.hooks import PoolOffer
from orgs.mapping.lines import MOST_CHARACTERS, Pattern
from orgs.mapping.planned import Division
from orgs.mapping.split import Method, milli
from orgs.models import Role
from portal.formats import gpus

MOST_BY_HAND = 200
"""Projects whose GPUs can be typed on the page; beyond that the list has a column."""
STEPS = ("Pattern", "List", "Quotas", "Preview")
FIELDS: tuple[tuple[str, ...], ...] = (("pattern", "target"), ("text", "upload", "role", "make_people"), (), ())
"""Of each step; the fields of the pools are asked in the third."""


@dataclass(frozen=True, slots=True)
class HandCell:
    """What a project is given by hand in a pool."""

    name: str
    label: str
    value: str


class MappingForm(forms.Form):
    pattern = forms.ChoiceField(
        label="Pattern", choices=Pattern.choices, widget=forms.RadioSelect, initial=Pattern.UNITS
    )
    target = ScopeField(label="Into")
    text = forms.CharField(
        label="List",
        strip=False,
        error_messages={"required": "The list is empty. Type or paste lines, or choose a file."},
        widget=forms.Textarea(attrs={"rows": 12, "class": "code", "spellcheck": "false", "maxlength": MOST_CHARACTERS}),
    )
    upload = forms.FileField(
        label="Or a CSV file",
        required=False,
        allow_empty_file=True,
        help_text="In UTF-8. It takes the place of what the list holds.",
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv"}),
    )
    role = forms.ModelChoiceField(
        Role.objects.none(),
        label="Role of people whose line names none",
        empty_label=None,
        error_messages={
            "required": "The role is missing. Choose one.",
            "invalid_choice": "There is no such role here.",
        },
    )
    make_people = forms.BooleanField(
        label="Make accounts for people who have none",
        required=False,
        help_text="Else they are marked in the preview. New people choose a password by “Forgotten password”.",
    )

    def __init__(self, data: Any = None, files: Any = None, *, user: Any, initial: dict[str, Any]) -> None:
        super().__init__(data, files, initial=initial)
        self.fields["target"].give(ScopeChoices(user, "project:create", clusters=True))  # type: ignore[attr-defined]

    def ask_role(self, roles: Sequence[Role]) -> None:
        """Offers those that can be granted where it goes."""
        self.fields["role"].queryset = Role.objects.filter(pk__in=[role.pk for role in roles])  # type: ignore[attr-defined]
        usual = next((role.pk for role in roles if role.name == "L1 researcher"), "")
        self.initial["role"] = usual
        self.preset("role", usual)

    def ask_pools(self, pools: Sequence[PoolOffer]) -> None:
        """How each pool is divided."""
        self.pools = list(pools)
        for pool in pools:
            left = gpus(max((pool.whole or 0) - pool.given, 0)).replace(",", "")
            self.fields[f"method_{pool.pk}"] = forms.ChoiceField(
                choices=Method.choices,
                initial=Method.NONE,
                required=False,
                widget=forms.Select(attrs={"aria-label": f"How {pool.name} is given"}),
            )
            self.fields[f"amount_{pool.pk}"] = forms.CharField(
                initial=left,
                required=False,
                max_length=12,
                widget=forms.TextInput(attrs={"aria-label": f"GPUs of {pool.name}", "inputmode": "decimal"}),
            )
            self.preset(f"amount_{pool.pk}", left)

    def preset(self, name: str, value: Any) -> None:
        """What a step that was not shown yet starts with."""
        if self.is_bound and name not in self.data:
            self.data[name] = value  # type: ignore[index]

    def divisions(self) -> list[Division]:
        """As chosen, once the form is valid."""
        found = []
        for pool in self.pools:
            method = Method(self.cleaned_data.get(f"method_{pool.pk}") or Method.NONE)
            start = f"hand_{pool.pk}_"
            hand = {name.removeprefix(start): value for name, value in self.data.items() if name.startswith(start)}
            total = milli(self.cleaned_data.get(f"amount_{pool.pk}") or "0") or 0
            found.append(Division(pool, method, total, hand))
        return found

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for pool in getattr(self, "pools", []):
            divided = cleaned.get(f"method_{pool.pk}") in (Method.EVENLY, Method.HEADS)
            if divided and milli(cleaned.get(f"amount_{pool.pk}") or "0") is None:
                self.add_error(f"amount_{pool.pk}", "This is no number of GPUs. Use at most two decimals, like 12.5.")
        return cleaned

    def step_fields(self, step: int) -> list[str]:
        if step == 2:
            return [name for name in self.fields if name.startswith(("method_", "amount_"))]
        return [name for name in FIELDS[step] if name in self.fields]
