"""Integer arithmetic on quantities of resources, and shares compared exactly."""

from __future__ import annotations

from collections.abc import Iterable

from .types import Amounts

RESOURCES: tuple[str, ...] = Amounts._fields
"""Names of the resources with their units, in the order of `Amounts` and `Bounds`."""

Numbers = dict[str, int | str]
"""Figures of a decision or a reason, by name."""

UNLIMITED = 1 << 62
"""Stands for "without bound" where amounts are compared; more than any hardware has."""

SHIFT = 128
"""Shares are compared as integers, shifted so far: see `ratio`."""


def plus(left: Amounts, right: Amounts) -> Amounts:
    return Amounts(left[0] + right[0], left[1] + right[1], left[2] + right[2])


def minus(left: Amounts, right: Amounts) -> Amounts:
    return Amounts(left[0] - right[0], left[1] - right[1], left[2] - right[2])


def total(amounts: Iterable[Amounts]) -> Amounts:
    gpu = cpu = memory = 0
    for amount in amounts:
        gpu += amount[0]
        cpu += amount[1]
        memory += amount[2]
    return Amounts(gpu, cpu, memory)


def ratio(part: int, whole: int) -> int:
    """A part of a whole as one integer. Ratios of amounts below 2**63 compare as the exact fractions do: two that
    differ do so by more than 2**-126."""
    return (part << SHIFT) // whole
