"""The units of a pool as a tree."""

from __future__ import annotations

from collections.abc import Sequence

from .types import Unit


class Tree:
    """Departments and projects by id, with children in the order of the snapshot."""

    def __init__(self, units: Sequence[Unit]) -> None:
        """`units`: parents before children."""
        self.units: dict[int, Unit] = {}
        self.children: dict[int | None, list[Unit]] = {None: []}
        self._paths: dict[int, tuple[Unit, ...]] = {}
        for unit in units:
            above = () if unit.parent is None else self._paths[unit.parent]
            self.units[unit.id] = unit
            self.children[unit.id] = []
            self.children[unit.parent].append(unit)
            self._paths[unit.id] = (unit, *above)

    def path(self, unit: int) -> tuple[Unit, ...]:
        """The unit, its parent, and so on up to a department without parent."""
        return self._paths[unit]

    def siblings(self, unit: Unit) -> list[Unit]:
        return [other for other in self.children[unit.parent] if other.id != unit.id]

    def fork(self, unit: Unit, other: int) -> tuple[int, Unit]:
        """Where the ways up from two units meet: the level of the first below that point, and the other side there."""
        levels = {above.id: level for level, above in enumerate(self._paths[unit.id])}
        side = next(above for above in self._paths[other] if above.parent is None or above.parent in levels)
        return (len(levels) if side.parent is None else levels[side.parent]) - 1, side

    def bottom_up(self) -> list[Unit]:
        """Children before parents."""
        return list(reversed(self.units.values()))
