"""Integer arithmetic on quantities of resources, and exact fractions."""

from __future__ import annotations

from collections.abc import Iterable

from .types import Amounts

RESOURCES: tuple[str, ...] = Amounts._fields
"""Names of the resources with their units, in the order of `Amounts` and `Bounds`."""


Numbers = dict[str, int | str]
"""Figures of a decision or a reason, by name."""


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


class Ratio:
    """A part of a whole, compared exactly by cross-multiplication. Something of nothing is infinite."""

    __slots__ = ("part", "whole")

    def __init__(self, part: int, whole: int) -> None:
        self.part = part
        self.whole = whole if part or whole else 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ratio) and self.part * other.whole == other.part * self.whole

    def __lt__(self, other: Ratio) -> bool:
        return self.part * other.whole < other.part * self.whole

    def __hash__(self) -> int:
        raise TypeError("A ratio is for comparing only.")
