"""Answers that are kept for whoever sends a request a second time, because the first answer got lost."""

from __future__ import annotations

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.models import KeptAnswer
from portal.services.purge import rows_purge

KEPT = timedelta(hours=24)


def answer_begin(*, user: int, key: str, request: str) -> tuple[KeptAnswer, bool]:
    """The answer that is about to be made, or the one that was made, and whether it is new. In the transaction of the
    act: a request that comes twice at one time waits here until the first is through, and is done where that failed.
    """
    try:
        with transaction.atomic():
            return KeptAnswer.objects.create(user=user, key=key, request=request), True
    except IntegrityError:
        return KeptAnswer.objects.get(user=user, key=key), False


def answer_end(*, answer: KeptAnswer, status: int, location: str, etag: str, body: object) -> None:
    """Keeps what was answered."""
    answer.status, answer.location, answer.etag, answer.body = status, location, etag, body
    answer.save(update_fields=["status", "location", "etag", "body"])


def kept_answers_purge() -> int:
    """Forgets answers after a day. Returns how many."""
    return rows_purge(rows=KeptAnswer.objects.filter(at__lt=timezone.now() - KEPT))
