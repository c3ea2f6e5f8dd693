"""Which workers live: each that takes leases says so every second. All times are the database's clock."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Now

from portal.models import LiveWorker

SILENT = timedelta(seconds=3)
"""Who was not heard of for so long counts as dead."""
FORGOTTEN = timedelta(minutes=5)


def worker_seen(*, holder: str) -> set[str]:
    """Says that this worker lives. The holders of all others that do."""
    LiveWorker.objects.bulk_create(
        [LiveWorker(holder=holder, seen_at=Now())],
        update_conflicts=True,
        unique_fields=["holder"],
        update_fields=["seen_at"],
    )
    live = LiveWorker.objects.filter(seen_at__gt=Now() - SILENT)
    return set(live.exclude(holder=holder).values_list("holder", flat=True))


def worker_gone(*, holder: str) -> None:
    """This worker ends. So do, in the table, those that died long ago."""
    LiveWorker.objects.filter(Q(holder=holder) | Q(seen_at__lt=Now() - FORGOTTEN)).delete()
