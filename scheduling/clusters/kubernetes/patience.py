"""Trying again what fails."""

from __future__ import annotations

import random
import threading
import time

from ..gateway import GatewayError
from .errors import ApiError, UnreachableError

# What passes by itself, as a rule: too much to do, a change of leader, a server that starts.
PASSING = frozenset({429, 500, 502, 503, 504})
# Before what does not pass counts; between two tries, doubled each time.
PATIENCE_SECONDS = 8.0
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 2.0
CHANCE = random.SystemRandom()


class Patience:
    """How long what fails is tried again, one pause longer than the one before."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Something went well."""
        self._until: float | None = None
        self._pause = SHORTEST_PAUSE_SECONDS

    def renew_after(self, seconds: float) -> None:
        """What goes on so long went well, however it ends."""
        if seconds > PATIENCE_SECONDS:
            self.renew()

    def wait(self, error: GatewayError, ended: threading.Event) -> bool:
        """Pauses, as long as the server asks for if it does; False, without a pause, when there is no patience left."""
        now = time.monotonic()
        self._until = self._until or now + PATIENCE_SECONDS
        asked = error.retry_after_seconds if isinstance(error, ApiError) else None
        pause = max(asked or 0.0, self._pause * CHANCE.uniform(0.5, 1.0))
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
        if now + pause > self._until:
            return False
        ended.wait(pause)
        return True


def passes(error: GatewayError) -> bool:
    """Worth trying again. Where nobody answers at all, the cluster is out of reach, and who observes it is to know."""
    if isinstance(error, UnreachableError):
        return error.may_have_arrived
    return isinstance(error, ApiError) and error.status in PASSING
