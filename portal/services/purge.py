"""Removes many rows in small transactions, which hold nobody up."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet

BATCH = 500


def rows_purge(*, rows: QuerySet[Any]) -> int:
    """With what hangs on them. Returns how many of `rows` there were."""
    removed = 0
    while ids := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            rows.model._default_manager.filter(pk__in=ids).delete()
        removed += len(ids)
    return removed
