"""How the units stand after the cycle."""

from __future__ import annotations

from collections import Counter

from . import gang
from .cycle import Cycle
from .decisions import UnitShare
from .order import Queue


def unit_shares(cycle: Cycle) -> tuple[UnitShare, ...]:
    running: Counter[int] = Counter()
    waiting: Counter[int] = Counter()
    for workload in cycle.snapshot.workloads:
        for unit in cycle.tree.path(workload.unit):
            running[unit.id] += gang.is_bound(cycle.ledger, workload)
            waiting[unit.id] += gang.waits(cycle.ledger, workload)
    accounts = cycle.ledger.accounts
    return tuple(
        UnitShare(
            unit=unit.id,
            quota=unit.quota,
            fair_share=cycle.standing.fair_shares[unit.id],
            allocated=accounts[unit.id].allocated,
            allocated_non_preemptible=accounts[unit.id].non_preemptible,
            requested=accounts[unit.id].requested,
            running=running[unit.id],
            pending=waiting[unit.id],
        )
        for unit in Queue(cycle.standing, cycle.snapshot.workloads).units()
    )
