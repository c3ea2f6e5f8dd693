"""Who is served next.

From the top of the tree down, among siblings that have something waiting, each with the workload it would send first:
those that stay within their fair share with it before others, then those that stay within quota, then by rank, then by
the lowest dominant share with the workload, without it, then the older unit, then the lower id. Inside a project:
priority, then who lacks its minimum, then who is exactly at it, then the older workload, then the lower id.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import Any

from . import gang
from .gang import Chunk
from .standing import Standing
from .types import NOTHING, Amounts, Unit, Workload

Entry = tuple[tuple[int, ...], Workload, Chunk]


class Queue:
    """Workloads of a pool with something to start, taken out in the order in which they are served."""

    def __init__(self, standing: Standing, workloads: Iterable[Workload]) -> None:
        self._standing = standing
        self._waiting: dict[int, list[Entry]] = {unit: [] for unit in standing.tree.units}
        self._keys: dict[tuple[int, Amounts, Amounts], tuple[Any, ...]] = {}
        for workload in workloads:
            self.push(workload)

    def push(self, workload: Workload) -> None:
        """Put in what the workload starts next; ignored where that is nothing."""
        ledger = self._standing.ledger
        chunk = gang.next_chunk(ledger, workload)
        if chunk:
            key = (-workload.priority, gang.stage(ledger, workload), workload.created_ms, workload.id)
            heapq.heappush(self._waiting[workload.unit], (key, workload, chunk))

    def pop(self) -> tuple[Workload, Chunk] | None:
        best = self._best(None)
        return heapq.heappop(self._waiting[best[1].unit])[1:] if best else None

    def units(self) -> list[Unit]:
        """All units in serving order, each followed by those below it; those without waiting work as they stand."""
        ordered: list[Unit] = []
        self._collect(None, ordered)
        return ordered

    def _collect(self, parent: int | None, ordered: list[Unit]) -> None:
        def key(unit: Unit) -> tuple[Any, ...]:
            best = self._best(unit.id)
            return self._key(unit, best[2].asked if best else NOTHING)

        for unit in sorted(self._standing.tree.children[parent], key=key):
            ordered.append(unit)
            self._collect(unit.id, ordered)

    def _best(self, unit: int | None) -> Entry | None:
        """The workload that a unit (None: the pool) sends first."""
        best: tuple[tuple[Any, ...], Entry] | None = None
        for child in self._standing.tree.children[unit]:
            entry = self._best(child.id)
            if entry is None:
                continue
            key = self._key(child, entry[2].asked)
            if best is None or key < best[0]:
                best = (key, entry)
        if best:
            return best[1]
        own = self._waiting[unit] if unit is not None else []
        return own[0] if own else None

    def _key(self, unit: Unit, asked: Amounts) -> tuple[Any, ...]:
        held = self._standing.ledger.accounts[unit.id].held
        known = (unit.id, held, asked)
        if known not in self._keys:
            self._keys[known] = _serving_key(self._standing, unit, held, asked)
        return self._keys[known]


def _serving_key(standing: Standing, unit: Unit, held: Amounts, asked: Amounts) -> tuple[Any, ...]:
    """Less is served earlier."""
    return (
        not standing.stays_within_fair_share(unit, asked),
        not standing.stays_within_quota(unit, asked),
        -unit.rank,
        standing.dominant_share(unit, held, asked),
        standing.dominant_share(unit, held),
        unit.created_ms,
        unit.id,
    )
