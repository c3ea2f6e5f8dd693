"""How the wanted leases spread over the live workers: none holds two more than another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """How many of the wanted leases each live worker holds, as one of them sees it."""

    mine: int
    others: tuple[int, ...]
    """One number for each other live worker."""
    wanted: int

    @classmethod
    def of(cls, mine: int, live: Collection[str], holders: Mapping[str, str], wanted: int) -> Spread:
        """`live`: the other workers; `holders`: by lease that is held."""
        held = Counter(holders.values())
        return cls(mine, tuple(held[holder] for holder in live), wanted)

    @property
    def fewest(self) -> int:
        """Of the others."""
        return min(self.others, default=self.wanted)

    def takes(self) -> bool:
        """Up to its part at once; what is left then goes to who holds fewest."""
        return self.mine < self.wanted // (len(self.others) + 1) or self.mine <= self.fewest

    def gives(self) -> bool:
        """It holds most, and another would still not hold more than it with one of its leases."""
        return self.mine > self.fewest + 1 and self.mine >= max(self.others)
