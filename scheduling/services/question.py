"""Asks the loop of a pool, which holds the snapshot. Nothing of what people own changes by it."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from portal.wake import wake_on_commit
from quotas.models import Pool
from scheduling.models import Question


def question_ask(*, pool: Pool, kind: Question.Kind, about: int) -> None:
    """Opens the question, anew where it was answered, and wakes the loops. Asking twice is asking once."""
    with transaction.atomic():
        Question.objects.bulk_create(
            [Question(pool=pool, kind=kind, about=about, asked_at=timezone.now())],
            update_conflicts=True,
            unique_fields=["pool", "kind", "about"],
            update_fields=["asked_at", "is_open"],
        )
        wake_on_commit()
