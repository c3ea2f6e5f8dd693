"""The fair share of every unit: its quota, and its part of what is spare.

Each resource is divided on its own, level by level: departments divide the pool, the children of a unit divide the fair
share of that unit. Among siblings everybody first gets the quota, as far as it is asked for; a parent with less than
its children's quotas together does not scale them down. What is left goes to the highest rank that still asks, inside a
rank by weight, then to the next rank.

Rounding: amounts are exact integers, and spare GPUs are handed out as whole devices, so that what a department is due
does not fall between its projects in parts too small to run anything. A round gives everybody the part rounded down.
What rounding leaves over goes on to the lower ranks, and what they leave goes back, highest rank first, one device
(millicore, byte) each to those who lost most by rounding, then to the older unit, then to the lower id. Nothing is lost
and nothing given twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .arithmetic import RESOURCES
from .tree import Tree
from .types import NOTHING, Amounts, Unit

GRAINS = Amounts(gpu_milli=1000, cpu_millicores=1, memory_bytes=1)
"""What spare is handed out in."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What one sibling brings to the division of one resource."""

    quota: int | None
    """None = everything there is."""
    asked: int
    """What it could use: its request, not above what its limits let it have."""
    rank: int
    weight: int
    seniority: tuple[int, int]
    """Creation time and id: decides between equals."""


def divide(amount: int, claims: Sequence[Claim], *, grain: int = 1) -> list[int]:
    """Shares of `amount` in the order of the claims. Spare is given in multiples of `grain`, or all that is asked."""
    shares = [min(amount if claim.quota is None else claim.quota, claim.asked) for claim in claims]
    spare = amount - sum(shares)
    ranks = [
        [index for index, claim in enumerate(claims) if claim.rank == rank and claim.weight > 0]
        for rank in sorted({claim.rank for claim in claims}, reverse=True)
    ]
    lost: dict[int, int] = {}
    for members in ranks:
        spare, lost_here = _divide_by_weight(spare, members, claims, shares, grain)
        lost |= lost_here
    for members in ranks:
        order = sorted(members, key=lambda index: (-lost.get(index, 0), claims[index].seniority))
        spare = _divide_rest(spare, order, claims, shares, grain)
    return shares


def _divide_by_weight(
    spare: int, members: Sequence[int], claims: Sequence[Claim], shares: list[int], grain: int
) -> tuple[int, dict[int, int]]:
    """Rounds among one rank, until nobody leaves anything to the others. Returns what rounding leaves, and of whom."""
    while spare > 0:
        needs = {index: claims[index].asked - shares[index] for index in members if claims[index].asked > shares[index]}
        weights = sum(claims[index].weight for index in needs)
        offers = {index: spare * claims[index].weight for index in needs}
        given = {
            index: need if need * weights <= offers[index] else offers[index] // weights // grain * grain
            for index, need in needs.items()
        }
        for index, part in given.items():
            shares[index] += part
            spare -= part
        if not any(need * weights < offers[index] for index, need in needs.items()):
            return spare, {index: offers[index] - given[index] * weights for index in needs}
    return spare, {}


def _divide_rest(spare: int, order: Sequence[int], claims: Sequence[Claim], shares: list[int], grain: int) -> int:
    """One grain each, again and again; returns what is left when all have what they ask for."""
    while spare > 0 and any(claims[index].asked > shares[index] for index in order):
        for index in order:
            part = min(grain, claims[index].asked - shares[index], spare)
            shares[index] += part
            spare -= part
    return spare


def fair_shares(tree: Tree, requested: Mapping[int, Amounts], capacity: Amounts) -> dict[int, Amounts]:
    """The fair share of every unit. `requested`: of every unit; only that of the leaves is used."""
    usable = _usable(tree, requested)
    shares: dict[int, Amounts] = {}
    for parent, children in tree.children.items():
        available = capacity if parent is None else shares[parent]
        columns = [
            divide(available[resource], [_claim(child, resource, usable[child.id]) for child in children], grain=grain)
            for resource, grain in enumerate(GRAINS)
        ]
        for child, share in zip(children, zip(*columns, strict=True), strict=True):
            shares[child.id] = Amounts(*share)
    return shares


def _claim(unit: Unit, resource: int, usable: Amounts) -> Claim:
    return Claim(unit.quota[resource], usable[resource], unit.rank, _weight(unit, resource), (unit.created_ms, unit.id))


def _weight(unit: Unit, resource: int) -> int:
    weight = unit.weight_milli
    return weight if isinstance(weight, int) else weight[resource]


def _usable(tree: Tree, requested: Mapping[int, Amounts]) -> dict[int, Amounts]:
    """What each unit could hold of what it asks for. What a child may not have does not count for its parents."""
    usable: dict[int, Amounts] = {}
    for unit in tree.bottom_up():
        children = tree.children[unit.id]
        asked = [sum(usable[child.id][resource] for child in children) for resource in range(len(RESOURCES))]
        usable[unit.id] = _capped(unit, Amounts(*asked) if children else requested[unit.id])
    return usable


def _capped(unit: Unit, asked: Amounts) -> Amounts:
    if unit.blocked:
        return NOTHING
    caps = unit.limit if unit.over_quota else (*unit.limit, *unit.quota)
    return Amounts(
        *(min([amount, *_present(caps[resource :: len(RESOURCES)])]) for resource, amount in enumerate(asked))
    )


def _present(bounds: Sequence[int | None]) -> list[int]:
    return [bound for bound in bounds if bound is not None]
