"""Asking a server every few seconds whether it is there: a watch can be silent for more than a minute."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

from ..gateway import GatewayError
from .patience import Patience, passes
from .reflector import Change, tell
from .request import Request
from .transport import Transport

PULSE_SECONDS = 5.0
PATH = "/version"


class Pulse(threading.Thread):
    """Measures the latency until `ended`; when there is no answer any more, that is the last change.

    `is_back` is called when some call had none: what stood open may be dead by then, and nobody says so.
    """

    def __init__(
        self,
        transport: Transport,
        timeout_seconds: float,
        changes: queue.Queue[Change],
        ended: threading.Event,
        is_back: Callable[[], None],
    ) -> None:
        super().__init__(name=f"pulse of {transport.server}", daemon=True)
        self.latency_ms: int | None = None
        self._transport = transport
        self._timeout_seconds = timeout_seconds
        self._changes = changes
        self._ended = ended
        self._is_back = is_back

    def run(self) -> None:
        patience, silences = Patience(), self._transport.silences
        while not self._ended.is_set():
            began = time.monotonic()
            try:
                self._transport.send(Request("GET", PATH, self._timeout_seconds))
            except GatewayError as error:
                if not (passes(error) and patience.wait(error, self._ended)):
                    tell(self._changes, error, self._ended)
                    return
                continue
            patience.renew()
            if silences != self._transport.silences:
                silences = self._transport.silences
                self._is_back()
            self.latency_ms = int((time.monotonic() - began) * 1000)
            self._ended.wait(PULSE_SECONDS)
