"""How many generated examples a property is tried on."""

from __future__ import annotations

import os

from hypothesis import settings

FACTOR = int(os.environ.get("BURSAR_SOAK", "1"))
"""1 in `make test`; `make soak` tries so many times as many, and others each time."""


def examples(number: int) -> settings:
    """Decorator of a property: `number` examples, the same on every machine unless soaking."""
    return settings(max_examples=number * FACTOR, derandomize=FACTOR == 1, deadline=None, database=None)
