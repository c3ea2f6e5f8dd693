"""What a pool has and what of it is free: the loop's answer to everybody who asks about the pool as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from quotas.models import CapacityHour, PoolSummary
from scheduling.engine.arithmetic import total

from .cycle import Cycle
from .free_nodes import free_rows, free_slots, node_rooms
from .history import LEVEL, SECONDS, Level, full_hour, spans
from .rows import add_rows
from .usage import beyond_quota

FRESH = timedelta(seconds=10)
"""An unchanged summary is written again so often."""


@dataclass(frozen=True, slots=True)
class SummaryChange:
    pool: int
    values: dict[str, Any]
    hours: list[tuple[datetime, Level]]
    """By full hour: what there was to give since that was last added."""

    @classmethod
    def of(cls, cycle: Cycle) -> SummaryChange | None:
        values = summary_values(cycle)
        hours: list[tuple[datetime, Level]] = []
        stamps: dict[str, Any] = {"cycle": cycle.number, "as_of": cycle.at}
        old = PoolSummary.objects.filter(pool=cycle.pool).values(*values, "as_of", "since").first()
        if old is None:
            return cls(cycle.pool, values | stamps | {"since": cycle.at}, hours)
        as_of, since = old.pop("as_of"), old.pop("since")
        before, now = _level(old), _level(values)
        if before != now or (any(before) and full_hour(since) < full_hour(cycle.at)):
            hours = list(spans(before, since, cycle.at))
            stamps["since"] = cycle.at
        elif cycle.at - as_of < FRESH and old == values:
            return None
        return cls(cycle.pool, values | stamps, hours)

    def write(self) -> None:
        PoolSummary.objects.update_or_create(pool_id=self.pool, defaults=self.values)
        add_rows(CapacityHour, ("pool", "at"), SECONDS, [(self.pool, hour, *amounts) for hour, amounts in self.hours])


def _level(values: dict[str, Any]) -> Level:
    gpu, cpu, memory = (values[name] for name in LEVEL)
    return gpu, cpu, memory


def summary_values(cycle: Cycle) -> dict[str, Any]:
    """Every column but `cycle` and `as_of`."""
    nodes = cycle.snapshot.nodes
    ready = [node for node in nodes if node.ready]
    capacity = total(node.capacity for node in ready)
    tops = {unit.id for unit in cycle.snapshot.units if unit.parent is None}
    shares = [share for share in cycle.decisions.shares if share.unit in tops]
    allocated = total(share.allocated for share in shares)
    requested = total(share.requested for share in shares)
    beyond = beyond_quota(cycle)
    rooms = node_rooms(cycle)
    return {
        "nodes": len(nodes),
        "ready": len(ready),
        "gpu_milli": capacity.gpu_milli,
        "cpu_millicores": capacity.cpu_millicores,
        "memory_bytes": capacity.memory_bytes,
        "lost_gpu_milli": sum(node.capacity.gpu_milli for node in nodes if not node.ready),
        "allocated_gpu_milli": allocated.gpu_milli,
        "allocated_cpu_millicores": allocated.cpu_millicores,
        "allocated_memory_bytes": allocated.memory_bytes,
        "over_gpu_milli": sum(beyond[unit][0] for unit in tops if unit in beyond),
        "requested_gpu_milli": max(requested.gpu_milli - allocated.gpu_milli, 0),
        "running": sum(share.running for share in shares),
        "pending": sum(share.pending for share in shares),
        "free_slots": free_slots(rooms),
        "free_nodes": free_rows(rooms),
    }
