"""Pools as a table: totals and use, from what the loops last published; no row of a node or pod is read."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from django.http import HttpRequest

from orgs.access import may
from quotas.models import Pool

from .pool_lines import PoolLine
from .pools import NO_HARDWARE, Hardware, clusters_in_scope, hardware, pools_in_scope
from .sums import NOTHING, Amounts, guaranteed

STATES = {"ready": "ready", "not-ready": "not ready", "in-two-pools": "in two pools", "empty": "paused"}
"""In addresses, and the words of `PoolLine.state`."""
KINDS = ("gpu", "cpu")


@dataclass(frozen=True, slots=True)
class PoolRow:
    pool: Pool
    hardware: Hardware
    state: tuple[str, str]
    cpu_only: bool
    used: Amounts | None
    """None: not for this reader; so `guaranteed`, `running` and `waiting`."""
    guaranteed: Amounts | None = None
    running: int | None = None
    waiting: int | None = None

    @property
    def label(self) -> str:
        return "" if self.pool.is_default else f"{self.pool.label_key}={self.pool.label_value}"


SORTS: dict[str, Callable[[PoolRow], object]] = {
    "name": lambda row: row.pool.name,
    "nodes": lambda row: row.hardware.nodes,
    "gpus": lambda row: row.hardware.gpu_milli,
    "used": lambda row: row.used.gpu_milli if row.used else -1,
    "cpu": lambda row: row.hardware.ready.cpu_millicores,
    "memory": lambda row: row.hardware.ready.memory_bytes,
    "guaranteed": lambda row: row.guaranteed.gpu_milli if row.guaranteed else -1,
    "running": lambda row: -1 if row.running is None else row.running,
    "waiting": lambda row: -1 if row.waiting is None else row.waiting,
}


def pool_table(
    request: HttpRequest, search: str = "", states: Collection[str] = (), kinds: Collection[str] = (), sort: str = ""
) -> list[PoolRow]:
    """Those that match, in the order of `sort` (a key of SORTS, a minus before it for downwards). Four queries."""
    pools = list(pools_in_scope(request))
    machines = hardware(pool.pk for pool in pools)
    use = set(clusters_in_scope(request, "node:read").values_list("pk", flat=True))
    whole = {pool.cluster_id for pool in pools if may(request.user, "read", "quota", pool.cluster)}
    sums = guaranteed(whole)
    rows = [
        _row(pool, machines.get(pool.pk, NO_HARDWARE), pool.cluster_id in use, pool.cluster_id in whole, sums)
        for pool in pools
    ]
    wanted = {STATES[state] for state in states if state in STATES}
    found = [
        row
        for row in rows
        if (not search or search in row.pool.name or search in row.label)
        and (not wanted or row.state[0] in wanted)
        and (not kinds or ("cpu" if row.cpu_only else "gpu") in kinds)
    ]
    key = SORTS.get(sort.removeprefix("-"), SORTS["name"])
    return sorted(found, key=lambda row: (key(row), row.pool.name), reverse=sort.startswith("-"))


def _row(pool: Pool, machines: Hardware, use: bool, whole: bool, sums: dict[tuple[int, int], Amounts]) -> PoolRow:
    line, summary = PoolLine(pool, machines, None), getattr(pool, "summary", None)
    used = NOTHING
    if summary is not None:
        used = Amounts(summary.allocated_gpu_milli, summary.allocated_cpu_millicores, summary.allocated_memory_bytes)
    return PoolRow(
        pool,
        machines,
        line.state,
        line.cpu_only,
        used if use else None,
        sums.get((pool.cluster_id, pool.pk), NOTHING) if whole else None,
        (summary.running if summary else 0) if whole else None,
        (summary.pending if summary else 0) if whole else None,
    )
