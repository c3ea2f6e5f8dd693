"""The fair share of every unit: its quota, and its part of what is spare.

Each resource is divided on its own, level by level: departments divide the pool, the children of a unit divide the fair
share of that unit. Among siblings everybody first gets the quota, as far as it is asked for; a parent with less than
its children's quotas together does not scale them down. What is left goes to the highest rank that still asks, inside a
rank by weight, then to the next rank. (KAI-Scheduler, resource division; numbers of this page's rules in brackets.)

Past use [k]: a unit's claim on the spare is its part of the weights w, plus k times what it used less than w in the
past, minus k times what it used more; never below nothing.

Rounding: amounts are exact integers, and spare is handed out in whole grains (a device, a millicore, a byte), so that
what a department is due does not fall between its projects in parts too small to run anything. A round gives everybody
its part rounded down. What rounding leaves over goes, highest rank first, one grain each, to those who lost most by it,
then to the older unit, then to the lower id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

PPM = 1_000_000


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
    usage_ppm: int = 0
    """Its part of the whole in the past, in millionths."""


def divide(amount: int, claims: Sequence[Claim], *, grain: int = 1, usage_weight_milli: int = 0) -> list[int]:
    """Shares of `amount` in the order of the claims. Spare is given in multiples of `grain`, or all that is asked."""
    shares = [min(amount if claim.quota is None else claim.quota, claim.asked) for claim in claims]
    spare = amount - sum(shares)
    if spare <= 0:
        return shares
    lost: dict[int, Fraction] = {}
    ranks: dict[int, list[int]] = {}
    for index, claim in enumerate(claims):
        if claim.asked > shares[index]:
            ranks.setdefault(claim.rank, []).append(index)
    order = sorted(ranks, reverse=True)
    for rank in order:
        spare = _divide_by_weight(spare, ranks[rank], claims, shares, lost, grain, usage_weight_milli)
        if spare <= 0:
            return shares
    for rank in order:
        members = [index for index in ranks[rank] if index in lost]
        for index in sorted(members, key=lambda index: (-lost[index], claims[index].seniority)):
            part = min(grain, spare)
            shares[index] += part
            spare -= part
    return shares


def _divide_by_weight(
    spare: int,
    members: Sequence[int],
    claims: Sequence[Claim],
    shares: list[int],
    lost: dict[int, Fraction],
    grain: int,
    usage_weight_milli: int,
) -> int:
    """Rounds among one rank, until nobody leaves anything to the others. Returns what is left. `lost`: what rounding
    last took from whom; a round that comes out even leaves what an earlier one took."""
    while spare > 0:
        asking = [index for index in members if claims[index].asked > shares[index]]
        parts = _parts(asking, claims, usage_weight_milli)
        whole = sum(parts)
        if not whole:
            return spare
        left_over = False
        remaining = spare
        for index, part in zip(asking, parts, strict=True):
            need, offer = claims[index].asked - shares[index], remaining * part
            if not part:
                continue
            if need * whole <= offer:
                left_over |= need * whole < offer
                given = need
                lost.pop(index, None)
            else:
                given = offer // (whole * grain) * grain
                if offer > given * whole:
                    lost[index] = Fraction(offer - given * whole, whole)
            shares[index] += given
            spare -= given
        if not left_over:
            return spare
    return spare


def _parts(asking: Sequence[int], claims: Sequence[Claim], usage_weight_milli: int) -> list[int]:
    """The claims on the spare, in proportion."""
    weights = sum(claims[index].weight for index in asking)
    if not usage_weight_milli:
        return [claims[index].weight for index in asking]
    return [
        max(
            0,
            claims[index].weight * PPM * (1000 + usage_weight_milli)
            - usage_weight_milli * claims[index].usage_ppm * weights,
        )
        if claims[index].weight
        else 0
        for index in asking
    ]
