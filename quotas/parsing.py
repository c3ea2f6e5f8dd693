"""Quantities as people type them. Refused says what is wrong and what to do; nothing is rounded."""

from __future__ import annotations

import re
from decimal import Decimal

from portal.errors import Refused

_NUMBER = re.compile(r"([0-9]{1,15}|[0-9]{1,3}(?:,[0-9]{3}){1,4})(?:\.([0-9]{1,15}))?")
_MEMORY = re.compile(r"(?P<number>[0-9.,]+)\s*(?P<unit>[a-z]*)", re.IGNORECASE)
_RUNTIME = re.compile(r"(?P<number>[0-9]{1,9}|[0-9]{1,3}(,[0-9]{3}){1,2})\s*(?P<unit>s|min|h|)", re.IGNORECASE)
_SECONDS = {"s": 1, "min": 60, "": 60, "h": 3600}
_UNITS = {"mib": 1024**2, "mi": 1024**2, "": 1024**3, "gib": 1024**3, "gi": 1024**3, "tib": 1024**4, "ti": 1024**4}


def gpus(text: str) -> int:
    """GPUs with at most two decimals, as milli-GPUs."""
    return _scaled(text, "12.25")


def cores(text: str) -> int:
    """Cores with at most two decimals, as millicores."""
    return _scaled(text, "1.5")


def weight(text: str) -> int:
    """A weight with at most two decimals, in thousandths."""
    return _scaled(text, "2.5")


def memory(text: str) -> int:
    """GiB, or what the unit behind the number says (MiB, GiB, TiB), as bytes; parts of a byte are cut off."""
    match = _MEMORY.fullmatch(text.strip())
    if match is None or match["unit"].lower() not in _UNITS:
        raise Refused("Type a number of GiB, for example 64, or with its unit: 512 MiB, 1.5 TiB.")
    return int(_number(match["number"], "1.5") * _UNITS[match["unit"].lower()])


def runtime(text: str) -> int:
    """Whole minutes, or what the unit behind the number says (s, min, h), as seconds."""
    match = _RUNTIME.fullmatch(text.strip())
    if match is None:
        raise Refused("Type whole minutes, for example 90, or with a unit: 45 s, 2 h.")
    return int(match["number"].replace(",", "")) * _SECONDS[match["unit"].lower()]


def runtime_words(seconds: int) -> str:
    """As `runtime` takes it back: "90 min"; "45 s" where it is not whole minutes."""
    return f"{seconds:,} s" if seconds % 60 else f"{seconds // 60:,} min"


def _scaled(text: str, example: str) -> int:
    return int(_number(text.strip(), example) * 1000)


def _number(text: str, example: str) -> Decimal:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise Refused(f"Type a number from 0 up, for example {example}.")
    if len((match[2] or "").rstrip("0")) > 2:
        raise Refused(f"Use at most two decimals, for example {example}.")
    return Decimal(text.replace(",", ""))
