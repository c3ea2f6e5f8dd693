"""Looks at everything at short intervals, and remembers what was not as it must be."""

from __future__ import annotations

import threading
import time

from django.db import Error, connection

from .checks import half_there, violations
from .moment import Moment, Truth, read

PAUSE_SECONDS = 0.7
FRESH_MS = 3000
"""An older moment says little about how things stood when something was decided."""
EARLIER_MS = 10_000
"""So long ago a cycle may have begun that has decided something now."""


class Watcher(threading.Thread):
    def __init__(self, truth: Truth) -> None:
        super().__init__(name="watcher", daemon=True)
        self._truth = truth
        self.ended = threading.Event()
        self.found: dict[str, float] = {}
        """Sentences, and when each was first true (seconds since the start of the run)."""
        self.moments = 0
        self.pods_seen: set[str] = set()
        self._began = time.monotonic()
        self._half: dict[str, int] = {}
        self._earlier: list[Moment] = []

    def run(self) -> None:
        while not self.ended.wait(PAUSE_SECONDS):
            try:
                self.look()
            except Error:
                connection.close()
        connection.close()

    def look(self) -> None:
        moment = read(self._truth)
        if self._earlier and moment.at_ms - self._earlier[-1].at_ms > FRESH_MS:
            self._earlier = []
        for sentence in [*violations(moment, self._earlier), *half_there(moment, self._half)]:
            if sentence not in self.found:
                self.found[sentence] = time.monotonic() - self._began
                print(f"  NOT WELL: {sentence}", flush=True)
        self._earlier = [each for each in self._earlier if moment.at_ms - each.at_ms < EARLIER_MS] + [moment]
        self.moments += 1
        self.pods_seen |= {pod.uid for pod in moment.pods if "node" in pod.status}
