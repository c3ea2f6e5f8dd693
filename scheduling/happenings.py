"""What webhooks can tell of workloads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import QuerySet

from orgs.happenings import Happening, Kind, Log
from portal.models import AuditEvent
from scheduling.engine.decisions import EvictCode
from scheduling.events import event_text
from scheduling.models import Decision, Event, Workload
from scheduling.reasons import evict_reason
from scheduling.services.workload_access import ENTITIES

READ_WORK = tuple(f"{entity}:read" for entity in dict.fromkeys(ENTITIES.values()))
EVICTED = Kind("workload.evicted", "Work stopped for others", "Workloads", READ_WORK)
_EVENTS = {
    "submitted": "Work submitted",
    "moved": "Work assigned to a pool or moved",
    "starting": "Work starts",
    "running": "Work runs",
    "degraded": "Work runs in part",
    "waiting": "Work waits again",
    "completed": "Work completed",
    "failed": "Work failed",
    "stop_asked": "Work stopped by somebody",
    "stopping": "Work shuts down",
    "stopped": "Work has stopped",
    "resume_asked": "Work resumed by somebody",
    "delete_asked": "Work deleted by somebody",
}
KINDS = {code: Kind(f"workload.{code}", label, "Workloads", READ_WORK) for code, label in _EVENTS.items()}
"""By the code of their event."""
EVICT_CODES = (*(str(code) for code in EvictCode), Decision.GANG_INCOMPLETE)


class WorkloadEvents(Log):
    """The timelines of workloads."""

    name = "events"

    def rows(self) -> QuerySet[Event]:
        return Event.objects.all()

    def wanted(self, rows: QuerySet[Event]) -> QuerySet[Event]:
        return rows.filter(code__in=KINDS).select_related("workload__project", "workload__pool")

    def told(self, rows: Sequence[Event]) -> Iterable[tuple[Event, Happening]]:
        for row in rows:
            text = event_text(row.code, row.numbers)
            yield row, _happening(KINDS[row.code], row.workload, row.at, text)


class Evictions(Log):
    """Workloads that a loop stopped, as the audit log has them."""

    name = "evictions"

    def rows(self) -> QuerySet[AuditEvent]:
        return AuditEvent.objects.all()

    def wanted(self, rows: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        return rows.filter(entity="workload", action__in=EVICT_CODES, actor=None)

    def told(self, rows: Sequence[AuditEvent]) -> Iterable[tuple[AuditEvent, Happening]]:
        ids = {row.entity_id for row in rows if row.entity_id}
        workloads = Workload.objects.select_related("project", "pool").in_bulk(ids)
        for row in rows:
            workload = workloads.get(row.entity_id or 0)
            if workload is not None:
                yield row, _happening(EVICTED, workload, row.at, _why(row), reason=row.action)


def _why(row: AuditEvent) -> str:
    """In words that name neither other work nor units, as these may lie outside of what a webhook is told of."""
    numbers = row.after | ({"unit": row.after["unit_id"]} if "unit_id" in row.after else {})
    return evict_reason(row.action, numbers, "another workload", lambda unit: "its project or department")


def _happening(kind: Kind, workload: Workload, at: Any, text: str, **more: Any) -> Happening:
    data = {
        "text": text,
        "workload": {"id": workload.pk, "uid": str(workload.uid), "name": workload.name},
        "kind": workload.get_kind_display(),
        "project": {"id": workload.project_id, "name": workload.project.name},
        "pool": workload.pool and {"id": workload.pool.pk, "name": workload.pool.name},
        **more,
    }
    return Happening(kind.code, f"workload:{workload.uid}", at, workload.project.path, data)
