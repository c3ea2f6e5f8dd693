"""Long-lived work that a worker does beside its tasks. Apps register it; `portal.worker` runs it."""

from __future__ import annotations

import threading
from collections.abc import Callable

Target = Callable[[threading.Event], None]
_targets: dict[str, Target] = {}


def register(name: str, target: Target) -> None:
    """`target(stop)` runs in a thread of every worker started with `--loops` and returns soon after `stop` is set."""
    _targets[name] = target


def targets() -> dict[str, Target]:
    return dict(_targets)
