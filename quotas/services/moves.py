"""What a move in the tree means for quotas."""

from __future__ import annotations

from orgs.models import OrgUnit


def unit_moving(unit: OrgUnit, new_parent: OrgUnit) -> None:
    """Nothing to write: quotas belong to units and go with them, and sums are made on reading."""
