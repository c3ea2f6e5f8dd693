"""A snapshot as a loop reads it that has kept nothing."""

from __future__ import annotations

import time

from portal.reading import as_of_one_moment
from scheduling.engine.types import Snapshot
from scheduling.loops.history import History
from scheduling.loops.snapshot import read_all


def take_snapshot(pool: int, history: History | None = None) -> Snapshot:
    """The pool with this id, now. `history` remembers past use between cycles. Raises Gone."""
    with as_of_one_moment():
        return read_all(pool, history or History(pool)).snapshot(time.time_ns() // 1_000_000)
