"""How a unit stands against its quota and its fair share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .arithmetic import Ratio, plus
from .ledger import Ledger
from .tree import Tree
from .types import NOTHING, Amounts, Unit


@dataclass(frozen=True, slots=True)
class Standing:
    """Compares what units hold with what they are entitled to."""

    tree: Tree
    ledger: Ledger
    fair_shares: Mapping[int, Amounts]
    capacity: Amounts
    """Of the nodes that take new work."""

    def stays_within_fair_share(self, unit: Unit, asked: Amounts) -> bool:
        return _within(self.ledger.accounts[unit.id].held, asked, self.fair_shares[unit.id])

    def stays_within_quota(self, unit: Unit, asked: Amounts) -> bool:
        return _within(self.ledger.accounts[unit.id].held, asked, unit.quota)

    def entitlement(self, unit: Unit, resource: int) -> int | None:
        """Quota plus the part of the spare; None = without bound."""
        quota = unit.quota[resource]
        return None if quota is None else max(quota, self.fair_shares[unit.id][resource])

    def dominant_share(self, unit: Unit, held: Amounts, more: Amounts = NOTHING) -> Ratio:
        """The largest part that `held` and `more` make of the unit's entitlement in any resource."""
        shares = [Ratio(amount, self._whole(unit, resource)) for resource, amount in enumerate(plus(held, more))]
        return max(shares)

    def over_service(self, unit: Unit, resources: Sequence[int]) -> Ratio:
        """The largest part that the unit's pods take of its entitlement in one of the resources."""
        allocated = self.ledger.accounts[unit.id].allocated
        return max(
            (Ratio(allocated[resource], self._whole(unit, resource)) for resource in resources), default=Ratio(0, 1)
        )

    def _whole(self, unit: Unit, resource: int) -> int:
        entitlement = self.entitlement(unit, resource)
        if entitlement is not None:
            return entitlement
        limit = unit.limit[resource]
        return self.capacity[resource] if limit is None else limit


def _within(held: Amounts, asked: Amounts, bounds: Sequence[int | None]) -> bool:
    return all(
        not more or bound is None or used + more <= bound for used, more, bound in zip(held, asked, bounds, strict=True)
    )
