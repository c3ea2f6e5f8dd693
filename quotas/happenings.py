"""What webhooks can tell of quotas and findings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import QuerySet

from orgs.happenings import Happening, Kind, Log, Marks
from portal.models import AuditEvent
from quotas.finding_words import finding_words
from quotas.models import GuardFinding
from quotas.models.guard import UNTOLD
from quotas.resources import RESOURCES
from quotas.services.finding import findings_take

READ_QUOTAS = ("quota:read", "pool:read")
CHANGED = Kind("quota.changed", "Quota changed", "Quotas", READ_QUOTAS)
OPENED = Kind("finding.opened", "Guarantees do not add up", "Quotas", READ_QUOTAS)
RESOLVED = Kind("finding.resolved", "Guarantees add up again", "Quotas", READ_QUOTAS)


class QuotaChanges(Log):
    """Changes of quotas, as the audit log has them."""

    name = "quotas"

    def rows(self) -> QuerySet[AuditEvent]:
        return AuditEvent.objects.all()

    def wanted(self, rows: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        return rows.filter(entity="quota", action__in=("create", "update", "delete"))

    def told(self, rows: Sequence[AuditEvent]) -> Iterable[tuple[AuditEvent, Happening]]:
        for row in rows:
            data = {
                "text": f"{row.actor_name} changed the quota of {row.entity_name}",
                "unit": {"id": row.unit, "name": row.unit_name},
                "quota": row.entity_name,
                "change": row.action,
                "before": row.before,
                "after": row.after,
                "by": row.actor_name,
            }
            yield row, Happening(CHANGED.code, f"quota:{row.entity_name}"[:120], row.at, row.unit_path, data)


class Findings(Marks):
    """Findings as they arise and are resolved."""

    def any(self) -> bool:
        return GuardFinding.objects.filter(UNTOLD).exists()

    def take(self) -> list[Happening]:
        told = []
        for finding in findings_take():
            if finding.told == GuardFinding.Told.NOTHING:
                told.append(_happening(finding, OPENED, finding.since))
            if finding.resolved_at:
                told.append(_happening(finding, RESOLVED, finding.resolved_at))
        return told


def _happening(finding: GuardFinding, kind: Kind, at: Any) -> Happening:
    resource = list(RESOURCES.values())[finding.resource]
    data = {
        "text": finding_words(finding),
        "id": finding.pk,
        "unit": {"id": finding.unit_id, "name": finding.unit.name},
        "pool": finding.pool and {"id": finding.pool.pk, "name": finding.pool.name},
        "measured_in": resource.field,
        "sum": finding.sum,
        "ceiling": finding.ceiling,
    }
    return Happening(kind.code, f"finding:{finding.pk}", at, finding.unit.path, data)
