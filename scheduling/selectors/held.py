"""What a workload held, where and when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils import timezone

from orgs.access import may
from quotas.models import Node
from scheduling.engine.decisions import EvictCode
from scheduling.models import Allocation, Workload

MOST = 100
ENDS: dict[str, str] = {
    EvictCode.RECLAIM: "taken back",
    EvictCode.PREEMPT: "made way for a higher priority",
    EvictCode.CONSOLIDATE: "moved",
    EvictCode.STALE: "ran below its minimum",
}


@dataclass(frozen=True, slots=True)
class Stay:
    """On one node at one level."""

    node: int | None
    """The key of its page, for those who may open it."""
    node_name: str
    pool: int
    gpu_milli: int
    pods: int
    started_at: datetime
    ended_at: datetime | None
    end: str
    """Why it was stopped, in words; empty where it came to its end."""

    @property
    def seconds(self) -> int:
        return int(((self.ended_at or timezone.now()) - self.started_at).total_seconds())


def stays_of(workload: Workload, user: Any) -> list[Stay]:
    """The newest first; of rows that only a new week parts, one. Two queries, and the right to read nodes."""
    newest = Allocation.objects.filter(workload=workload.pk).order_by("-started_at", "node")
    fields = ("node", "pool_id", "gpu_milli", "pods", "started_at", "ended_at", "end_code")
    rows = list(newest.values_list(*fields)[:MOST])
    nodes = dict(Node.objects.filter(pk__in={row[0] for row in rows}).values_list("pk", "name"))
    opens = may(user, "read", "node", workload.project)
    return _joined(
        Stay(
            node=node if opens and node in nodes else None,
            node_name=nodes.get(node, "a node that is gone"),
            pool=pool,
            gpu_milli=gpu_milli,
            pods=pods,
            started_at=started_at,
            ended_at=ended_at,
            end=ENDS.get(code, ""),
        )
        for node, pool, gpu_milli, pods, started_at, ended_at, code in rows
    )


def _joined(stays: Iterable[Stay]) -> list[Stay]:
    found: list[Stay] = []
    first_of: dict[Any, int] = {}
    for stay in stays:
        key = (stay.node_name, stay.pool, stay.gpu_milli, stay.pods)
        at = first_of.get(key)
        if at is not None and found[at].started_at == stay.ended_at and not stay.end:
            found[at] = replace(found[at], started_at=stay.started_at)
        else:
            first_of[key] = len(found)
            found.append(stay)
    return found
