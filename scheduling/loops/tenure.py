"""A lease as its holder sees it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.conf import settings
from django.db import Error

from portal.services.lease import LeaseLost, fenced, lease_release, lease_renew, lease_take

RENEW_SECONDS = 1.0
log = structlog.get_logger()


class Tenure:
    """The right to run one loop. Its time counts from before the database was asked, so it never seems longer.

    Used by one thread, but for `has_time_to_call`.
    """

    def __init__(self, name: str, epoch: int, cycle: int, asked: float) -> None:
        self.name = name
        self.epoch = epoch
        self.cycle = cycle
        self._asked = asked

    @classmethod
    def take(cls, name: str, holder: str) -> Tenure | None:
        """None while somebody else holds it."""
        asked = time.monotonic()
        taken = lease_take(name=name, holder=holder)
        return cls(name, taken.epoch, taken.cycle, asked) if taken else None

    @property
    def seconds_left(self) -> float:
        return self._asked + settings.LEASE_SECONDS - time.monotonic()

    @property
    def has_time_to_call(self) -> bool:
        """A call to the cluster made now ends, at the latest, while the lease is still held. For any thread."""
        return self.seconds_left > settings.CALL_TIMEOUT_SECONDS

    @contextmanager
    def recording(self) -> Iterator[None]:
        """A fenced transaction. Raises LeaseLost, with nothing written."""
        asked = time.monotonic()
        with fenced(name=self.name, epoch=self.epoch, cycle=self.cycle):
            yield
        self._asked = asked

    def renew(self) -> None:
        """Raises LeaseLost."""
        asked = time.monotonic()
        if not lease_renew(name=self.name, epoch=self.epoch, cycle=self.cycle):
            raise LeaseLost(self.name)
        self._asked = asked

    def keep(self) -> None:
        """Renews when the last renewal is more than a second ago. Raises LeaseLost."""
        if time.monotonic() - self._asked > RENEW_SECONDS:
            self.renew()

    def may_call(self) -> bool:
        """Whether there is time for a call, which is made if need be."""
        if not self.has_time_to_call:
            try:
                self.renew()
            except (LeaseLost, Error) as problem:
                log.warning("calls_stopped", lease=self.name, problem=type(problem).__name__)
        return self.has_time_to_call

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Keeps the lease for so long, or until `stop`. Raises LeaseLost."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not stop.wait(0.5):
            self.keep()

    def release(self) -> None:
        lease_release(name=self.name, epoch=self.epoch)
