"""The audit log's one writer."""

from __future__ import annotations

from typing import Any

from django.db import models

from portal.actor import Actor
from portal.models import AuditEvent


def audit_record(
    *,
    actor: Actor,
    action: str,
    entity: models.Model,
    unit: int | None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> AuditEvent:
    """Writes what `actor` did to `entity` in scope `unit`. Call it in the transaction of the act.

    `before` and `after` hold the fields that differ; never a secret.
    """
    return AuditEvent.objects.create(
        actor=actor.subject_id,
        actor_name=actor.name,
        address=actor.address,
        action=action,
        entity=entity._meta.model_name or "",
        entity_id=entity.pk,
        entity_name=str(entity)[:254],
        unit=unit,
        before=before or {},
        after=after or {},
    )
