"""How many calls a cluster is given at once, and when it is left alone."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

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
        self._shares = 0
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

    @contextmanager
    def share(self) -> Iterator[Share]:
        """For one who sends; as large as those of others who do so now."""
        share = Share(self)
        with self._changed:
            self._shares += 1
        try:
            yield share
        finally:
            with self._changed:
                self._shares -= 1
            share.give_back(share.taken)

    def take(self, taken: int) -> bool:
        """Whether one more call may be in flight, for one who has so many. Who has none waits for it."""
        with self._changed:
            if not taken:
                self._changed.wait_for(lambda: self._in_flight < self._size)
            elif self._in_flight >= self._size or taken >= self._size / self._shares:
                return False
            self._in_flight += 1
            return True

    def give_back(self, calls: int) -> None:
        with self._changed:
            self._in_flight -= calls
            self._changed.notify(calls)

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


class Share:
    """Of the calls that a window has in flight; for one thread."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self.taken = 0

    def take(self) -> bool:
        """One more, if there is room. Waits while it has none."""
        may_call = self._window.take(self.taken)
        self.taken += may_call
        return may_call

    def give_back(self, calls: int = 1) -> None:
        self._window.give_back(calls)
        self.taken -= calls
