"""Removes audit events that are old enough, seal by seal; the seals stay, so what is left can still be verified."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from portal.actor import SYSTEM
from portal.models import AuditEvent, AuditSeal
from portal.services.audit import audit_record

BATCH = 500
PURGE = "purge"


def audit_purge(now: datetime | None = None) -> int:
    """Removes the events under seals older than AUDIT_DAYS. Returns how many.

    First an event says up to which seal: `verify_audit` takes missing events for removed by somebody without it.
    """
    end = (now or timezone.now()) - timedelta(days=settings.AUDIT_DAYS)
    newest = AuditSeal.objects.filter(at__lt=end).aggregate(number=Max("number"))["number"]
    old = AuditEvent.objects.filter(seal__lte=newest or 0)
    if not old.exists():
        return 0
    seal = AuditSeal.objects.get(number=newest)
    audit_record(actor=SYSTEM, action=PURGE, entity=seal, unit=None, after={"events": old.count()})
    removed = 0
    while ids := list(old.order_by("seal", "id").values_list("id", flat=True)[:BATCH]):
        with transaction.atomic():
            removed += AuditEvent.objects.filter(id__in=ids).purged()
    return removed
