"""Start what fits into free room, in serving order."""

from __future__ import annotations

from .cycle import Cycle
from .gang import Chunk, has_reservation
from .order import Queue
from .placement import fit
from .policy import refusal
from .types import Workload


def allocate(cycle: Cycle) -> None:
    """Afterwards nothing that waits could start: passes repeat until one of them starts nothing."""
    while _pass(cycle):
        pass


def _pass(cycle: Cycle) -> bool:
    """Workloads for which room is reserved come first. The others grow by one chunk at a time, in competition."""
    started = False
    reserving: list[Workload] = []
    others: list[Workload] = []
    for workload in cycle.snapshot.workloads:
        (reserving if has_reservation(cycle.ledger, workload) else others).append(workload)

    queue = Queue(cycle.standing, reserving)
    while head := queue.pop():
        if _start(cycle, *head):
            started = True
            others.append(head[0])

    queue = Queue(cycle.standing, others)
    failed: set[tuple[object, ...]] = set()
    while head := queue.pop():
        shape = cycle.shape(*head)
        if shape in failed:
            continue
        if _start(cycle, *head):
            started = True
            queue.push(head[0])
        else:
            failed.add(shape)
    return started


def _start(cycle: Cycle, workload: Workload, chunk: Chunk) -> bool:
    """In the rooms reserved for it as far as they are free, otherwise anywhere."""
    kept = cycle.set_aside(chunk)
    if not refusal(cycle.ledger, cycle.tree, workload, chunk.asked):
        for preferred in (kept, {}) if kept else ({},):
            rooms = fit(cycle.ledger, cycle.snapshot, chunk.pods, now=True, preferred=preferred)
            if rooms is not None:
                cycle.place(workload, rooms)
                return True
    cycle.keep(kept)
    return False
