"""How amounts are typed and shown: GPUs and cores with a point, memory with a unit, spans of time with a letter."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

import click

NONE = "none"
MEMORY = {"": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
WHOLE = 2**53 - 1


class Amount(click.ParamType):
    """A number with a unit behind it, as a whole number of the smallest. `empty`: whether `none` can be typed."""

    def __init__(self, name: str, units: dict[str, int], example: str, *, empty: bool = False) -> None:
        self.name, self.units, self.example, self.empty = name, units, example, empty

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if isinstance(value, int) or value is None:
            return value
        if self.empty and value == NONE:
            return NONE
        match = re.fullmatch(r"([0-9.]{1,20})([A-Za-z]*)", value)
        try:
            number = Decimal(match[1]) * self.units[match[2]] if match else Decimal("NaN")
        except (InvalidOperation, KeyError):
            number = Decimal("NaN")
        if not number.is_finite() or number != int(number) or number > WHOLE:
            also = ", or none" if self.empty else ""
            self.fail(f"“{value}” is no amount of {self.name}. Type it like {self.example}{also}.", param, ctx)
        return int(number)


class Yes(click.ParamType):
    """Yes or no."""

    name = "yes|no"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if isinstance(value, bool) or value is None:
            return value
        if value not in ("yes", "no"):
            self.fail(f"“{value}” is neither yes nor no.", param, ctx)
        return value == "yes"


GPUS = Amount("GPUs", {"": 1000}, "2 or 0.5")
GPUS_OR_NONE = Amount("GPUs", {"": 1000}, "2 or 0.5", empty=True)
CORES = Amount("cores", {"": 1000, "m": 1}, "4 or 500m")
CORES_OR_NONE = Amount("cores", {"": 1000, "m": 1}, "4 or 500m", empty=True)
BYTES = Amount("memory", MEMORY, "8Gi")
BYTES_OR_NONE = Amount("memory", MEMORY, "8Gi", empty=True)
SPAN = Amount("time", SECONDS, "90s, 15m or 2h")
SPAN_OR_NONE = Amount("time", SECONDS, "90s, 15m or 2h", empty=True)
COUNT_OR_NONE = Amount("things", {"": 1}, "3", empty=True)
WEIGHT = Amount("weight", {"": 1000}, "2 or 0.5")
YES = Yes()


def thousandths(number: int | None) -> str:
    """Of GPUs or cores, as they are typed."""
    return "-" if number is None else f"{Decimal(number) / 1000:f}"


def memory(number: int | None) -> str:
    if number is None:
        return "-"
    for unit in ("Ti", "Gi", "Mi", "Ki"):
        if number and number % MEMORY[unit] == 0:
            return f"{number // MEMORY[unit]}{unit}"
    return str(number)


def span(number: int | None) -> str:
    if number is None:
        return "-"
    for unit in ("d", "h", "m"):
        if number and number % SECONDS[unit] == 0:
            return f"{number // SECONDS[unit]}{unit}"
    return f"{number}s"


def yes(value: bool | None) -> str:
    return "-" if value is None else "yes" if value else "no"


def moment(text: str | None) -> str:
    """A point in time, to the minute, in UTC."""
    return "-" if not text else text[:16].replace("T", " ")
