"""Kubernetes quantities ("500m", "64Gi", "1e3") as integers, rounded up."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache

FACTORS = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    **{prefix: Decimal(1000) ** (power + 1) for power, prefix in enumerate(("k", "M", "G", "T", "P", "E"))},
    **{prefix: Decimal(1024) ** (power + 1) for power, prefix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"))},
}
# Sums over a cluster's nodes are 64-bit columns, and a cluster may claim anything.
MAX_AMOUNT = 2**48
FORM = re.compile(r"([+-]?[0-9.]{1,40})(?:[eE]([+-]?[0-9]{1,3})|([numkMGTPE]|[KMGTPE]i)?)", re.ASCII)


@lru_cache(maxsize=4096)
def units(quantity: str) -> int:
    """Bytes, devices, pods. Raises ValueError."""
    return _rounded_up(_amount(quantity))


@lru_cache(maxsize=4096)
def thousandths(quantity: str) -> int:
    """Millicores, milli-GPU. Raises ValueError."""
    return _rounded_up(_amount(quantity) * 1000)


def _amount(quantity: str) -> Decimal:
    if not (found := FORM.fullmatch(quantity)):
        raise ValueError(f"not a quantity: {quantity[:40]!r}")
    number, exponent, suffix = found.groups()
    try:
        return Decimal(f"{number}e{exponent or 0}") * FACTORS[suffix or ""]
    except ArithmeticError:
        raise ValueError(f"not a quantity: {quantity[:40]!r}") from None


def _rounded_up(amount: Decimal) -> int:
    return int(min(max(amount, Decimal(0)), Decimal(MAX_AMOUNT)).to_integral_value(ROUND_CEILING))
