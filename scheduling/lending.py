"""Who lends to whom: what projects use above their quota is lent by the projects of the pool with idle guarantee and by
the capacity that nobody is guaranteed, in proportion to what each has idle.

Whole numbers of any one unit (milli-GPU now, milli-GPU-seconds of an hour). Rounded by largest remainder, ids break
ties, so everything adds up and nobody lends more than is idle.
"""

from __future__ import annotations

from collections.abc import Mapping

UNASSIGNED = 0
"""The lender that is no project: capacity that nobody is guaranteed."""


def divided(amount: int, weights: Mapping[int, int]) -> dict[int, int]:
    """In proportion to `weights`, none of them negative; nobody gets more than its weight while `amount` is at most
    their sum."""
    whole = sum(weights.values())
    if not whole:
        return dict.fromkeys(weights, 0)
    parts = {key: divmod(amount * weight, whole) for key, weight in weights.items()}
    found = {key: part for key, (part, _) in parts.items()}
    rest = amount - sum(found.values())
    for key in sorted(parts, key=lambda key: (-parts[key][1], key))[:rest]:
        found[key] += 1
    return found


def lent_by(borrowed: int, idle: Mapping[int, int], unassigned: int) -> dict[int, int]:
    """By lender: its part of what is borrowed in the pool. `unassigned`: capacity that nobody is guaranteed.

    Where more is borrowed than all of that, nodes went away under running work: the rest was nobody's either.
    """
    weights = {key: amount for key, amount in idle.items() if amount > 0}
    given = sum(weights.values())
    weights[UNASSIGNED] = max(unassigned, borrowed - given, 0)
    return {key: part for key, part in divided(borrowed, weights).items() if part}


def flows(lent: Mapping[int, int], borrowed: Mapping[int, int]) -> dict[tuple[int, int], int]:
    """By lender and borrower. Both sides, which are equal in sum, come out exactly."""
    left = dict(lent)
    found: dict[tuple[int, int], int] = {}
    for borrower in sorted(borrowed):
        for lender, part in divided(borrowed[borrower], left).items():
            left[lender] -= part
            if part:
                found[lender, borrower] = part
    return found
