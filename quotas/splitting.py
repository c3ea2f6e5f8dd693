"""Divides an amount into parts that add up to it exactly."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from quotas.resources import Resource

MIB = 1024**2
GIB = 1024 * MIB
GRAINS = {"gpu": (1000, 10), "cpu": (1000, 10), "memory": (GIB, MIB)}
"""What people divide in: whole GPUs and cores, else hundredths; GiB, else MiB."""


def split(amount: int, weights: Sequence[int], grain: int = 1) -> list[int]:
    """Parts of `amount` in proportion to `weights`, in whole grains; what remains goes, a grain each, to those who
    lost most by rounding, then to the earlier ones. What is less than a grain goes to the first."""
    whole = sum(weights)
    if not whole:
        return [0 for _ in weights]
    grains = amount // grain
    shares = [grains * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda at: (-(grains * weights[at] % whole), at))
    for at in order[: grains - sum(shares)]:
        shares[at] += 1
    parts = [share * grain for share in shares]
    parts[order[0]] += amount - sum(parts)
    return parts


def grain_of(resource: Resource, amount: int, parts: int) -> int:
    """The largest grain that the amount is made of and of which everybody gets at least one; else the smallest."""
    grains = GRAINS[resource.key]
    return next((grain for grain in grains if amount % grain == 0 and amount >= grain * parts), grains[-1])


def split_words(resource: Resource, names: Sequence[str], parts: Sequence[int]) -> str:
    """Who gets what, and where the remainder went: "3 each, and 1 more to lm-align"."""
    least = min(parts)
    more = [name for name, part in zip(names, parts, strict=True) if part > least]
    if not more:
        return f"{resource.words(least)} each."
    extra = resource.words(max(parts) - least)
    others = f"{more[0]}" if len(more) == 1 else f"{len(more)} of them, by name" if len(more) > 3 else ", ".join(more)
    return f"{resource.words(least)} each; what remains goes to {others}: {extra} more."


def typed(resource: Resource, amount: int) -> str:
    """A number of grains exactly, as a person would type it: what is rounded for reading would not add up."""
    if resource.key == "memory":
        return f"{amount // MIB} MiB" if amount % GIB else f"{amount // GIB} GiB"
    return f"{Decimal(amount) / 1000:f}"
