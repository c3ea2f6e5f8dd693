"""How many calls a cluster is given at once, and when it is left alone."""

from __future__ import annotations

import random
import threading
import time

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 30.0
CHANCE = random.SystemRandom()


class Window:
    """Thread-safe. At most `limit` calls are in flight: half as many after each sign of overload, one more per success.

    After a failure the window is shut for a while, longer with each failure in a row, by chance so that not everybody
    comes back at once. What was in flight then, and fails too, tells nothing new.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = limit
        self._in_flight = 0
        self._failures = 0
        self._failed_at = 0.0
        self._open_at = 0.0
        self._changed = threading.Condition()

    @property
    def is_open(self) -> bool:
        return time.monotonic() >= self._open_at

    @property
    def is_idle(self) -> bool:
        return self.is_open and not self._in_flight

    def acquire(self) -> None:
        """Wait until one more call may be in flight."""
        with self._changed:
            self._changed.wait_for(lambda: self._in_flight < self._size)
            self._in_flight += 1

    def release(self) -> None:
        with self._changed:
            self._in_flight -= 1
            self._changed.notify()

    def succeeded(self) -> None:
        with self._changed:
            self._failures = 0
            self._size = min(self._limit, self._size + 1)

    def overloaded(self, wait_seconds: float) -> None:
        """The cluster asked to be left alone for so long; it is not obeyed for ever."""
        with self._changed:
            self._size = max(1, self._size // 2)
            self._shut(min(wait_seconds, LONGEST_WAIT_SECONDS) * CHANCE.uniform(1.0, 1.5))

    def failed(self, began: float) -> None:
        """No usable answer came to a call that began then, by the monotonic clock."""
        with self._changed:
            if began < self._failed_at:
                return
            self._failed_at = time.monotonic()
            longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(self._failures, 10))
            self._failures += 1
            self._shut(CHANCE.uniform(0.0, longest))

    def _shut(self, seconds: float) -> None:
        self._open_at = max(self._open_at, time.monotonic() + seconds)
