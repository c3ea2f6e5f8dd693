"""The snapshot of a pool, kept from cycle to cycle: only what the change feed names is read again.

Decisions under way and pauses after failed starts are few: they are read each time and compared. Every so often
everything is read anew, and held against what was kept: a difference is a writer that did not tell, and is logged.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

import structlog

from portal.reading import as_of_one_moment
from portal.selectors.feed import Missed, feed_read, feed_seq
from scheduling.engine import types as engine

from .back_off import pauses_of
from .history import History
from .snapshot import (
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
        self._check_at = 0.0

    def has_news(self) -> bool:
        """Whether the change feed has told anything since the last look, or nobody has looked yet. One query."""
        return self._reading is None or feed_seq(self._reading.row.cluster_id) != self._reading.seq

    def look(self) -> Look:
        """The pool now. Raises Gone."""
        now_ms = time.time_ns() // 1_000_000
        with as_of_one_moment():
            edited = None if self._reading is None else self._edit(self._reading, now_ms)
            if edited is not None and time.monotonic() < self._check_at:
                return edited
            kept = self._reading
            read = self._reading = read_all(self.pool, self._history)
        self._check_at = time.monotonic() + self._check_seconds
        snapshot = read.snapshot(now_ms)
        # Past use is read by the clock, so it may be another without a word.
        if kept and edited and kept.usage == read.usage and edited.snapshot != snapshot:
            log.error("snapshot_differed", pool=self.pool, differs=_where(edited.snapshot, snapshot))
        return Look(snapshot, None, has_open=bool(read.opened))

    def _edit(self, kept: Reading, now_ms: int) -> Look | None:
        """What was kept, with what has changed since; None: everything has to be read."""
        row = read_pool(self.pool)
        try:
            news = feed_read(row.cluster_id, kept.seq)
        except Missed:
            return None
        topologies = read_topologies(row.cluster_id) if news.config else kept.topologies
        if news.workloads is None or usual_near(topologies, row.topology_id) != kept.usual:
            return None
        opened, pauses = open_decisions(self.pool), pauses_of(self.pool)
        touched = set(news.workloads) | {row.workload for row in kept.opened ^ opened}
        touched |= {workload for workload, _ in kept.pauses.starts.items() ^ pauses.starts.items()}
        touched |= kept.pauses.held ^ pauses.held
        if len(touched) > MOST_TOUCHED:
            return None
        usage = read_usage(row, self._history)
        units, nodes, strangers = kept.units, kept.nodes, kept.strangers
        if news.config or usage != kept.usage:
            units = units_of(row.cluster_id, self.pool, usage)
        if news.nodes or self._concerns_strangers(kept, touched):
            nodes, strangers = nodes_of(self.pool)
        reading = self._reading = Reading(
            pool=self.pool,
            seq=news.seq,
            row=row,
            topologies=topologies,
            usage=usage,
            units=units,
            nodes=nodes,
            strangers=strangers,
            opened=opened,
            pauses=pauses,
            workloads=kept.workloads,
        )
        changed, gone, is_in_order = _read_workloads(reading, touched)
        frame = (row, topologies, units, nodes)
        return Look(
            snapshot=reading.snapshot(now_ms),
            changed=changed if is_in_order else None,
            gone=gone,
            is_same=not (changed or gone) and frame == (kept.row, kept.topologies, kept.units, kept.nodes),
            has_open=bool(opened),
        )

    def _concerns_strangers(self, kept: Reading, touched: set[int]) -> bool:
        if not touched.isdisjoint(kept.strangers):
            return True
        return bool(touched) and strangers_on(self.pool).filter(workload__in=touched).exists()


def _read_workloads(
    reading: Reading, touched: Collection[int]
) -> tuple[tuple[engine.Workload, ...], tuple[int, ...], bool]:
    """Reads these again. Those that are new or changed, ids of those that are gone, and whether the new ones come after
    all others."""
    if not touched:
        return (), (), True
    workloads = reading.workloads
    last = next(reversed(workloads), 0)
    pods = pods_of(reading.pool, reading.opened, touched)
    found = {item.id: item for item in workloads_of(pods, reading.usual, reading.pauses)}
    changed = tuple(item for pk, item in found.items() if item != workloads.get(pk))
    gone = tuple(pk for pk in sorted(touched) if pk in workloads and pk not in found)
    is_in_order = all(item.id in workloads or item.id > last for item in changed)
    for pk in gone:
        del workloads[pk]
    workloads.update((item.id, item) for item in changed)
    if not is_in_order:
        reading.workloads = dict(sorted(workloads.items()))
    return changed, gone, is_in_order


def _where(kept: engine.Snapshot, read: engine.Snapshot) -> list[str]:
    """The fields that differ; of workloads, which."""
    fields = [name for name in ("nodes", "units", "topologies") if getattr(kept, name) != getattr(read, name)]
    before, after = ({item.id: item for item in snapshot.workloads} for snapshot in (kept, read))
    fields += [f"workload {pk}" for pk in sorted(before.keys() | after.keys()) if before.get(pk) != after.get(pk)][:10]
    return fields or ["settings or order"]
