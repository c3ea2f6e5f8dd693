"""What stays of a cycle: how long it took, what came out, and who was served in which order."""

from __future__ import annotations

from typing import Any

from scheduling.models import CycleReport

from .cycle import Cycle

MOST_SERVED = 30
"""So many units of the order are kept; a saved cycle has all of them."""


def report_write(cycle: Cycle, epoch: int, record_us: int) -> None:
    """Call in the transaction of the cycle. One that is there already stays."""
    made = cycle.decisions
    timings = {**cycle.timings, "record": record_us}
    evicts = len(made.evicts) + sum(len(unwind.pods) for unwind in cycle.unwinds)
    counts = {
        "places": len(made.places),
        "reserves": len(made.reserves),
        "evicts": evicts,
        "waits": len(made.waits),
    }
    CycleReport.objects.get_or_create(
        pool_id=cycle.pool,
        cycle=cycle.number,
        defaults={
            "epoch": epoch,
            "at": cycle.at,
            "timings": timings,
            "counts": counts,
            "served": _served(cycle),
            "took_us": sum(timings.values()),
            "evicts": evicts,
        },
    )


def _served(cycle: Cycle) -> dict[str, Any]:
    """The first units that wait for something, or were given or lost something, in the order of service."""
    has_gpus = any(node.devices for node in cycle.snapshot.nodes)
    resource = "gpu_milli" if has_gpus else "cpu_millicores"
    concerned = _concerned(cycle)
    rows = []
    for share in cycle.decisions.shares:
        if share.pending or share.unit in concerned:
            amounts = (share.quota, share.fair_share, share.allocated, share.requested)
            rows.append([share.unit, *(getattr(amount, resource) for amount in amounts)])
            if len(rows) == MOST_SERVED:
                break
    return {"resource": resource, "units": rows}


def _concerned(cycle: Cycle) -> set[int]:
    """Projects and the units above them of which something was decided."""
    parents = {unit.id: unit.parent for unit in cycle.snapshot.units}
    made = cycle.decisions
    workloads = {item.workload for item in made.places} | {item.workload for item in made.reserves}
    workloads |= {item.workload for item in made.evicts} | {unwind.workload for unwind in cycle.unwinds}
    found: set[int] = set()
    for workload in cycle.snapshot.workloads:
        unit: int | None = workload.unit if workload.id in workloads else None
        while unit is not None and unit not in found:
            found.add(unit)
            unit = parents[unit]
    return found
