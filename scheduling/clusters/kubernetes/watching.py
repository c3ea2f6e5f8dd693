"""Following all kinds of objects of a cluster at once."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator, Sequence
from threading import Event

from ..gateway import GatewayError
from ..seen import Health, Seen
from .batch import Batch
from .calls import Calls
from .kinds import KINDS
from .pulse import Pulse
from .reflector import Change, Reflector

BATCH_SIZE = 1000
BATCH_SECONDS, LONGEST_BATCH_SECONDS = 0.2, 0.5
# So many times as long as a batch took the observer, the next one gathers: each costs it something of its own.
BATCH_TIMES = 4
# What comes closer together wakes the observer once.
GATHER_SECONDS = 0.02
# Changes that wait for the observer; beyond that the cluster has to keep them.
MAX_WAITING_CHANGES = 10_000
STOP_SECONDS = 2.0


class Watching(Calls):
    _reflectors: Sequence[Reflector] = ()
    _pulse: Pulse | None = None

    def health(self) -> Health:
        told = ((reflector.kind.name, reflector.followed) for reflector in self._reflectors)
        watched = {kind: number for kind, number in told if number is not None}
        return Health(self._pulse.latency_ms if self._pulse else None, watched)

    def watch(self, stop: Event) -> Iterator[Seen]:
        """The first batch that is not empty holds everything there is."""
        changes: queue.Queue[Change] = queue.Queue(MAX_WAITING_CHANGES)
        ended = Event()
        reflectors = [Reflector(self.transport, kind, changes, ended) for kind in KINDS]

        def look_again() -> None:
            for reflector in reflectors:
                reflector.interrupt()

        pulse = Pulse(self.transport, self.timeout_seconds, changes, ended, look_again)
        self._reflectors, self._pulse = reflectors, pulse
        for thread in (*reflectors, pulse):
            thread.start()
        batch = Batch()
        has_begun = False
        seconds = BATCH_SECONDS
        try:
            while not stop.is_set():
                _fill(batch, changes, _is_full if has_begun else _holds_everything, seconds)
                if has_begun or _holds_everything(batch):
                    has_begun = True
                    began = time.monotonic()
                    yield batch.seen()
                    took = time.monotonic() - began
                    seconds = min(max(BATCH_SECONDS, took * BATCH_TIMES), LONGEST_BATCH_SECONDS)
                    batch = Batch()
                else:
                    yield Seen()
        finally:
            ended.set()
            look_again()
            for thread in (*reflectors, pulse):
                thread.join(STOP_SECONDS)


def _is_full(batch: Batch) -> bool:
    return len(batch) >= BATCH_SIZE


def _holds_everything(batch: Batch) -> bool:
    """However much that is."""
    return len(batch.complete) == len(KINDS)


def _fill(batch: Batch, changes: queue.Queue[Change], is_enough: Callable[[Batch], bool], seconds: float) -> None:
    """Gather changes until that is enough or so many `seconds` are over. Raises the error that ended the following."""
    deadline = time.monotonic() + seconds
    while not is_enough(batch) and (remaining := deadline - time.monotonic()) > 0:
        try:
            change = changes.get(timeout=remaining)
        except queue.Empty:
            return
        if isinstance(change, GatewayError):
            raise change
        batch.add(change)
        if changes.empty():
            time.sleep(min(GATHER_SECONDS, remaining))
