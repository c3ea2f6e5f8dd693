"""The thread in which a loop runs as long as its lease is held."""

from __future__ import annotations

import threading
from typing import Protocol

import structlog
from django.db import Error, connection

from portal.services.lease import LeaseLost

from .tenure import Tenure

LONGEST_PAUSE = 10.0
log = structlog.get_logger()


class Gone(Exception):  # noqa: N818
    """What the loop is for is no longer there."""


class Loop(Protocol):
    def step(self, tenure: Tenure, stop: threading.Event) -> None:
        """One round: a cycle, or one watch until it breaks. Raises LeaseLost, Gone, or anything at all."""


class LeasedThread(threading.Thread):
    """Repeats `loop.step` until it is stopped or its lease is lost, and then gives the lease back.

    An error ends the round, never the thread. The lease is not renewed in the pause after one: a loop that keeps
    failing here is free for another worker.
    """

    def __init__(self, tenure: Tenure, loop: Loop) -> None:
        super().__init__(name=tenure.name, daemon=True)
        self.tenure = tenure
        self.loop = loop
        self.stop = threading.Event()

    def run(self) -> None:
        structlog.contextvars.bind_contextvars(lease=self.tenure.name, epoch=self.tenure.epoch)
        log.info("lease_taken")
        pause = 0.0
        try:
            while not self.stop.is_set():
                pause = self._step(pause)
                self.stop.wait(pause)
            self.tenure.release()
        except LeaseLost:
            log.warning("lease_lost")
        except Gone:
            log.info("nothing_to_run")
        except Error:
            log.exception("lease_not_released")
        finally:
            connection.close()

    def _step(self, pause: float) -> float:
        """Seconds to pause before the next round: none after a good one, longer and longer after bad ones."""
        try:
            self.loop.step(self.tenure, self.stop)
        except (LeaseLost, Gone):
            raise
        except Exception as problem:
            log.exception("loop_failed")
            if isinstance(problem, Error):
                connection.close()
            return min(max(1.0, pause * 2), LONGEST_PAUSE)
        return 0.0
