"""The snapshot of a pool, kept from cycle to cycle: only what the change feed names is read again.

Decisions under way and pauses after failed starts are few: they are read each time and compared. Every so often
everything is read anew, and held against what was kept: a difference is a writer that did not tell, and is logged.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, replace

import structlog

from portal.reading import as_of_one_moment
from portal.selectors.feed import Missed, News, feed_read
from scheduling.engine import types as engine

from .back_off import backs_off_until_ms
from .history import History
from .snapshot import (
    PoolRow,
    Reading,
    open_decisions,
    pods_of,
    read_all,
    read_pool,
    read_topologies,
    read_usage,
    usual_near,
)
from .snapshot_nodes import nodes_of, strangers_on
from .snapshot_units import units_of
from .snapshot_workloads import workloads_of

CHECK_SECONDS = 60.0
MOST_TOUCHED = 5000
"""Of more workloads than these it is quicker to read everything."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Look:
    """A snapshot, and how it differs from the one before."""

    snapshot: engine.Snapshot
    changed: tuple[engine.Workload, ...] | None
    """Workloads that are new or changed; None: everything may have changed, or their order has."""
    gone: tuple[int, ...] = ()
    is_same: bool = False
    """Nothing has changed but the time."""
    has_open: bool = True
    """Decisions are under way."""


class KeptSnapshot:
    """One pool's."""

    def __init__(self, pool: int, check_seconds: float = CHECK_SECONDS) -> None:
        self.pool = pool
        self._history = History(pool)
        self._check_seconds = check_seconds
        self._reading: Reading | None = None
        self._snapshot: engine.Snapshot | None = None
        self._check_at = 0.0

    def look(self) -> Look:
        """The pool now. Raises Gone."""
        now_ms = time.time_ns() // 1_000_000
        with as_of_one_moment():
            row = read_pool(self.pool)
            try:
                if self._reading is None:
                    return self._read_all(now_ms)
                look = self._edit(row, feed_read(row.cluster_id, self._reading.seq), now_ms)
            except Missed:
                return self._read_all(now_ms)
            if time.monotonic() < self._check_at:
                return look
            kept, usage = look.snapshot, self._reading.usage
            look = self._read_all(now_ms)
            if usage == self._reading.usage and kept != look.snapshot:
                log.error("snapshot_differed", pool=self.pool, differs=_where(kept, look.snapshot))
            return look

    def _read_all(self, now_ms: int) -> Look:
        self._reading = read_all(self.pool, self._history)
        self._snapshot = self._reading.snapshot(now_ms)
        self._check_at = time.monotonic() + self._check_seconds
        return Look(self._snapshot, None, has_open=bool(self._reading.opened))

    def _edit(self, row: PoolRow, news: News, now_ms: int) -> Look:
        kept = self._reading
        assert kept is not None
        assert self._snapshot is not None
        topologies = read_topologies(row.cluster_id) if news.config else kept.topologies
        if news.workloads is None or usual_near(topologies, row.topology_id) != kept.usual:
            return self._read_all(now_ms)
        opened, backing_off = open_decisions(self.pool), backs_off_until_ms(self.pool)
        touched = set(news.workloads) | {row.workload for row in kept.opened ^ opened}
        touched |= {workload for workload, _ in kept.backing_off.items() ^ backing_off.items()}
        if len(touched) > MOST_TOUCHED:
            return self._read_all(now_ms)
        usage = read_usage(row, self._history)
        units = kept.units
        if news.config or usage != kept.usage:
            units = units_of(row.cluster_id, self.pool, usage)
        nodes, strangers = kept.nodes, kept.strangers
        if news.nodes or self._concerns_strangers(touched):
            nodes, strangers = nodes_of(self.pool)
        is_same = not touched and (row, topologies, units, nodes) == (kept.row, kept.topologies, kept.units, kept.nodes)
        self._reading = replace(
            kept,
            seq=news.seq,
            row=row,
            topologies=topologies,
            usage=usage,
            units=kept.units if units == kept.units else units,
            nodes=kept.nodes if nodes == kept.nodes else nodes,
            strangers=strangers,
            opened=opened,
            backing_off=backing_off,
        )
        if is_same:
            self._snapshot = replace(self._snapshot, now_ms=now_ms)
            return Look(self._snapshot, (), is_same=True, has_open=bool(opened))
        changed, gone, is_in_order = self._read_workloads(touched)
        self._snapshot = self._reading.snapshot(now_ms)
        return Look(self._snapshot, changed if is_in_order else None, gone, has_open=bool(opened))

    def _concerns_strangers(self, touched: set[int]) -> bool:
        assert self._reading is not None
        if not touched.isdisjoint(self._reading.strangers):
            return True
        return bool(touched) and strangers_on(self.pool).filter(workload__in=touched).exists()

    def _read_workloads(self, touched: Collection[int]) -> tuple[tuple[engine.Workload, ...], tuple[int, ...], bool]:
        """Reads these again. Those that are new or changed, ids of those that are gone, and whether the new ones come
        after all others."""
        reading = self._reading
        assert reading is not None
        if not touched:
            return (), (), True
        last = next(reversed(reading.workloads), 0)
        pods = pods_of(self.pool, reading.opened, touched)
        found = {item.id: item for item in workloads_of(pods, reading.usual, reading.backing_off)}
        changed = tuple(item for pk, item in found.items() if item != reading.workloads.get(pk))
        gone = tuple(pk for pk in sorted(touched) if pk in reading.workloads and pk not in found)
        is_in_order = all(item.id in reading.workloads or item.id > last for item in changed)
        for pk in gone:
            del reading.workloads[pk]
        reading.workloads.update((item.id, item) for item in changed)
        if not is_in_order:
            reading.workloads = dict(sorted(reading.workloads.items()))
        return changed, gone, is_in_order


def _where(kept: engine.Snapshot, read: engine.Snapshot) -> list[str]:
    """The fields that differ; of workloads, which."""
    fields = [name for name in ("nodes", "units", "topologies") if getattr(kept, name) != getattr(read, name)]
    before, after = ({item.id: item for item in snapshot.workloads} for snapshot in (kept, read))
    fields += [f"workload {pk}" for pk in sorted(before.keys() | after.keys()) if before.get(pk) != after.get(pk)][:10]
    return fields or ["settings or order"]
