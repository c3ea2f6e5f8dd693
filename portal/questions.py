# mypy: disable-error-code="empty-body"
"""What portal asks of the app that knows the tree. It answers by `<hook>.register` in its AppConfig.ready()."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from portal.hooks import Hook


@dataclass(frozen=True, slots=True)
class UnitNow:
    """How a unit of the organization is called at this moment, and where it lies."""

    name: str
    path: str


@Hook
def units_now(units: Collection[int]) -> dict[int, UnitNow]:
    """The units with these ids, in one query; those that are gone are missing."""
