"""Named points at which a test lets a process die or stand still. Off everywhere but in tests (docs/scheduler.md)."""

from __future__ import annotations

import os
import signal
from itertools import count
from typing import Any

from django.conf import settings
from django.core import checks

SIGNALS = {"kill": signal.SIGKILL, "freeze": signal.SIGSTOP}
_passes = count(1)


def point(name: str) -> None:
    """Here this process dies or stands still, if the setting POINT says so: `name:kill` or `name:freeze`, and `:2` for
    the second time that it comes by."""
    if settings.POINT:
        _reached(name)


def _reached(name: str) -> None:
    wanted, action, *number = settings.POINT.split(":")
    if name == wanted and next(_passes) == int(number[0] if number else 1):
        os.kill(os.getpid(), SIGNALS[action])


@checks.register
def no_points(**_: Any) -> list[checks.Error]:
    if not settings.POINT or settings.POINTS_ARE_ALLOWED:
        return []
    return [checks.Error("BURSAR_TEST_POINT is set: this process would kill itself. Unset it.", id="portal.E002")]
