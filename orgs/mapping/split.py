"""Divides the GPUs of a pool among projects."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from django.db import models

WHOLE = 1000
SMALLEST = 10
"""milli-GPU: people see and type two decimals."""
MOST_GPUS = 1_000_000


class Method(models.TextChoices):
    """How a pool is divided."""

    NONE = "none", "Not at all"
    EVENLY = "evenly", "Evenly"
    HEADS = "heads", "By head count"
    HAND = "hand", "By hand"


def divided(total_milli: int, weights: Sequence[int]) -> list[int]:
    """Parts in proportion to the weights that add up to the total, by largest remainder.

    In whole GPUs where everybody with a weight gets one at least, else in hundredths.
    """
    among = sum(weights)
    if not among:
        return [0] * len(weights)
    for step in (WHOLE, SMALLEST):
        steps = total_milli // step
        parts = [steps * weight // among for weight in weights]
        # Who lost most by rounding down gets one of the steps that are left, among equals whoever stands first.
        by_loss = sorted(range(len(weights)), key=lambda at: (-(steps * weights[at] % among), at))
        for at in by_loss[: steps - sum(parts)]:
            parts[at] += 1
        if total_milli % step == 0 and all(part for part, weight in zip(parts, weights, strict=True) if weight):
            return [part * step for part in parts]
    return [part * step for part in parts]


def milli(text: str) -> int | None:
    """What a person typed as GPUs, with at most two decimals; None for anything else."""
    try:
        gpus = Decimal(text.strip() or "0") if text.isascii() else None
    except InvalidOperation:
        return None
    if gpus is None or not gpus.is_finite() or not 0 <= gpus <= MOST_GPUS or gpus * 100 % 1:
        return None
    return int(gpus * WHOLE)
