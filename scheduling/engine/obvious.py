"""The obvious engine: every pod looks at every node, everything is computed anew. The measure for any faster one."""

from __future__ import annotations

from . import reasons
from .allocate import allocate
from .cycle import Cycle
from .decisions import Decisions
from .preempt import preempt
from .reclaim import reclaim
from .types import Snapshot
from .unit_shares import unit_shares


def decide(snapshot: Snapshot) -> Decisions:
    """One cycle, in the order of how much a step disturbs: start in free room, take back, displace."""
    cycle = Cycle(snapshot)
    allocate(cycle)
    reclaim(cycle)
    preempt(cycle)
    if cycle.evicts or cycle.reserves:
        # A unit that lost something may have come below a limit that kept others of its workloads waiting; and what
        # waits must be waiting for a reason that is true of the state it is left in.
        allocate(cycle)
    return Decisions(
        places=tuple(cycle.places),
        reserves=tuple(cycle.reserves),
        evicts=tuple(cycle.evicts),
        waits=reasons.waits(cycle),
        shares=unit_shares(cycle),
    )
