"""Fields of Submit for further groups of pods: one row of them a group, numbered in their names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from scheduling.services.workload_rules import (
    GROUP_NAME_LENGTH,
    MEBIBYTE,
    MOST_GROUPS,
    PodGroup,
    group_name_problem,
    shape_problems,
)

FIRST_NAME = "workers"
USUAL = {"name": "launcher", "pods": "1", "gpus": "0", "cores": "1", "memory": "2"}
"""What a new row holds."""
FIELD_OF = {
    "min_pods": "minimum",
    "devices": "gpus",
    "device_milli": "gpus",
    "gpu_memory_mib": "gpu_memory",
    "cpu_millicores": "cores",
    "memory_bytes": "memory",
}
"""Fields by the service's names for what a group asks for."""


def whole(value: Decimal | int, per_unit: int) -> int:
    return int((Decimal(value) * per_unit).to_integral_value(ROUND_HALF_UP))


class GpusField(forms.DecimalField):
    """Whole GPUs, or a share of one."""

    def clean(self, value: Any) -> Decimal | None:
        gpus: Decimal | None = super().clean(value)
        if gpus is not None and gpus > 1 and gpus != int(gpus):
            raise ValidationError(
                f"{gpus.normalize():f} is neither whole nor below 1. Ask for {int(gpus)} or {int(gpus) + 1}."
            )
        return gpus


def pods_field(**options: Any) -> forms.Field:
    return forms.IntegerField(label="Pods", min_value=1, max_value=1000, **options)


def minimum_field(**options: Any) -> forms.Field:
    return forms.IntegerField(label="Start with at least", min_value=1, max_value=1000, required=False, **options)


def gpus_field(**options: Any) -> forms.Field:
    return GpusField(label="GPUs per pod", min_value=0, max_value=64, decimal_places=2, max_digits=6, **options)


def gpu_memory_field(**options: Any) -> forms.Field:
    return forms.DecimalField(
        label="GPU memory",
        min_value=Decimal("0.01"),
        max_value=1024,
        decimal_places=2,
        max_digits=6,
        required=False,
        **options,
    )


def cores_field(**options: Any) -> forms.Field:
    lowest = Decimal("0.01")
    return forms.DecimalField(
        label="CPU per pod", min_value=lowest, max_value=1000, decimal_places=2, max_digits=6, **options
    )


def memory_field(**options: Any) -> forms.Field:
    lowest = Decimal("0.01")
    return forms.DecimalField(
        label="Memory per pod", min_value=lowest, max_value=65536, decimal_places=2, max_digits=8, **options
    )


def name_field(**options: Any) -> forms.Field:
    return GroupNameField(label="Name of the group", max_length=GROUP_NAME_LENGTH, **options)


class GroupNameField(forms.CharField):
    def validate(self, value: Any) -> None:
        super().validate(value)
        if wrong := group_name_problem(value):
            raise ValidationError(wrong)


MAKERS: dict[str, Callable[..., forms.Field]] = {
    "name": name_field,
    "gpus": gpus_field,
    "cores": cores_field,
    "memory": memory_field,
    "pods": pods_field,
    "gpu_memory": gpu_memory_field,
    "minimum": minimum_field,
}


def prefix_of(row: int) -> str:
    return f"group{row}_"


def row_fields(rows: Iterable[int]) -> dict[str, forms.Field]:
    return {prefix_of(row) + name: make() for row in rows for name, make in MAKERS.items()}


def shape(cleaned: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Pods and what each asks for, in the names and units of the service. `prefix`: of the fields of a row."""
    gpus = Decimal(cleaned[f"{prefix}gpus"])
    shared = 0 < gpus < 1
    gpu_memory = cleaned.get(f"{prefix}gpu_memory") or 0
    return {
        "pods": cleaned[f"{prefix}pods"],
        "min_pods": cleaned.get(f"{prefix}minimum") or None,
        "devices": 1 if shared else int(gpus),
        "device_milli": whole(gpus, 1000) if shared else 1000,
        "gpu_memory_mib": whole(gpu_memory, 1024),
        "cpu_millicores": whole(cleaned[f"{prefix}cores"], 1000),
        "memory_bytes": whole(cleaned[f"{prefix}memory"] * 1024, MEBIBYTE),
    }


def is_complete(cleaned: Mapping[str, Any], prefix: str = "") -> bool:
    return all(cleaned.get(f"{prefix}{name}") is not None for name in ("pods", "gpus", "cores", "memory"))


def problems(cleaned: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """By field: what does not go together in a row whose values are right one by one."""
    if not is_complete(cleaned, prefix):
        return {}
    return {prefix + FIELD_OF.get(name, name): wrong for name, wrong in shape_problems(shape(cleaned, prefix)).items()}


def group_of(cleaned: Mapping[str, Any], row: int) -> PodGroup:
    return PodGroup(name=cleaned[f"{prefix_of(row)}name"], **shape(cleaned, prefix_of(row)))


def rows_in(given: QueryDict) -> tuple[list[int], QueryDict]:
    """Numbers of the rows after what a button asks (`group=add`, `group=drop:2`), and the data with a new row's usual
    values."""
    numbers = [int(text) for text in given.getlist("groups") if text.isascii() and text.isdecimal() and len(text) < 3]
    rows = list(dict.fromkeys(numbers))[: MOST_GROUPS - 1]
    act, _, number = given.get("group", "").partition(":")
    if act == "drop":
        rows = [row for row in rows if str(row) != number]
    if act == "add" and len(rows) < MOST_GROUPS - 1:
        row = max(rows, default=0) + 1
        taken = {given.get(f"{prefix_of(other)}name") for other in rows}
        given = given.copy()
        given["group_name"] = given.get("group_name") or FIRST_NAME
        for name, value in USUAL.items():
            given[f"{prefix_of(row)}{name}"] = value
        if USUAL["name"] in taken:
            given[f"{prefix_of(row)}name"] = f"group-{row + 1}"
        rows.append(row)
    return rows, given
