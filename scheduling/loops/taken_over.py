"""Going on with a time that the loop before counted, which may have died."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.utils import timezone


def taken_over(since: Mapping[int, datetime], now: float, most_seconds: float) -> dict[int, float]:
    """Since when something has been so, on the clock of `now`, for a loop that has just begun: by what its rows say, or
    every death of a worker would begin to count anew. Longer than `most_seconds` nothing counts: the loop looks on
    itself for the rest, as what was under way may still arrive."""
    at = timezone.now()
    return {pk: now - min((at - begun).total_seconds(), most_seconds) for pk, begun in since.items()}
