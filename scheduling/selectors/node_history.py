"""What happened on a node, as far as the loops decided it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse

from quotas.hooks import NodeEvent
from quotas.models import Node
from scheduling.models import Decision, Workload

from .visible import visible_workloads

LOOKED_AT = 5_000
"""So many of the pool's newest decisions are searched: there is no index by node."""
SHOWN = 12


def node_history(node: Node, user: Any) -> list[NodeEvent]:
    """The newest starts on the node among the last decisions of its pool, oldest first. At most four queries."""
    newest = Decision.objects.filter(pool=node.pool_id).order_by("-cycle", "-id")
    first = newest.values_list("id", flat=True)[LOOKED_AT : LOOKED_AT + 1]
    known = newest.filter(id__gt=first[0]) if first else newest
    rows = list(
        known.filter(node=node.pk, kind=Decision.Kind.PLACE, state=Decision.State.OBSERVED).values_list(
            "workload", "at", "devices"
        )[:SHOWN]
    )
    ids = {workload for workload, _, _ in rows}
    seen = set(visible_workloads(user).filter(id__in=ids).values_list("id", flat=True)) if ids else set()
    names = dict(Workload.objects.filter(id__in=seen).values_list("id", "name")) if seen else {}
    return [_event(names.get(workload, ""), workload, at, devices) for workload, at, devices in reversed(rows)]


def _event(name: str, workload: int, at: datetime, devices: str) -> NodeEvent:
    """A workload that the reader may not see has no name here."""
    numbers = [part for part in devices.split(",") if part]
    where = f" on {'GPU' if len(numbers) == 1 else 'GPUs'} {', '.join(numbers)}" if numbers else ""
    url = reverse("workload", args=[workload]) if name else None
    return NodeEvent(at, f"A pod of {name or 'a workload that you may not see'} started{where}.", url)
