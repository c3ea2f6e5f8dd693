"""Rows that are told in the order of their numbers, such as events: how far none can come any more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

MOST_RECENT = 2000
"""So many of the newest are looked at for numbers that are missing."""
SETTLES = timedelta(seconds=10)
"""A number is given before its row is saved: so long a missing one may still come, and what follows it waits."""


def settled(rows: QuerySet[Any], after: int) -> int:
    """The highest number, from `after` on, up to which no row can come any more. `rows` have an `at`."""
    recent = list(rows.filter(pk__gt=after).order_by("-pk").values_list("pk", "at")[:MOST_RECENT])
    late = timezone.now() - SETTLES
    last = after if len(recent) < MOST_RECENT else recent[-1][0] - 1
    for number, at in reversed(recent):
        if number != last + 1 and at > late:
            break
        last = number
    return last
