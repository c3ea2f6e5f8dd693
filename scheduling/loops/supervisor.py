"""Takes its part of the free leases and runs a thread for each: the background target of a worker."""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.db import Error, connection

from portal.services.lease import lease_holders
from portal.services.live_worker import worker_gone, worker_seen
from portal.wake import WakeListener
from scheduling.clusters.registry import make_ready

from .assigner import Assigner
from .explainer import Explainer
from .observer import Observer
from .pool_loop import PoolLoop
from .spread import Spread
from .tenure import Tenure
from .thread import LeasedThread, Loop
from .wanted import Wanted, wanted_leases

LOOK_SECONDS = 1.0
END_SECONDS = 4.0
STRANDED_SECONDS = 3.0
"""What was free for so long is taken by anybody."""
log = structlog.get_logger()


def supervise(stop: threading.Event) -> None:
    """Runs until `stop`, then ends its threads, which give their leases back."""
    supervisor = Supervisor()
    listener = WakeListener(stop)
    listener.add(supervisor.wake)
    listener.start()
    try:
        with _patient():
            # While what a dead worker held is not free yet.
            make_ready()
        while not stop.is_set():
            supervisor.look()
            supervisor.wait(stop)
    finally:
        supervisor.end()


class Supervisor:
    def __init__(self) -> None:
        self.holder = f"{socket.gethostname()[:60]}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
        self.wake = threading.Event()
        self.threads: dict[str, LeasedThread] = {}
        self._wakes: dict[str, threading.Event] = {}
        self._free_since: dict[str, float] = {}

    def look(self) -> None:
        """Forgets threads that have ended, stops those that nobody wants any more, and takes or gives back leases."""
        self.threads = {name: thread for name, thread in self.threads.items() if thread.is_alive()}
        with _patient():
            wanted = {item.lease: item for item in wanted_leases()}
            for name in self.threads.keys() - wanted.keys():
                self._end(name)
            self._spread(wanted)

    def _spread(self, wanted: dict[str, Wanted]) -> None:
        live = worker_seen(holder=self.holder)
        holders = lease_holders(names=wanted)
        running = [name for name, thread in self.threads.items() if not thread.stop.is_set()]
        mine, now = len(running), time.monotonic()
        free = [name for name in wanted if name not in holders and name not in self.threads]
        self._free_since = {name: self._free_since.get(name, now) for name in free}
        for name in free:
            is_stranded = now - self._free_since[name] > STRANDED_SECONDS
            if is_stranded or Spread.of(mine, live, holders, len(wanted)).takes():
                mine += self._take(wanted[name])
        is_settled = not free and len(running) == len(self.threads)
        if is_settled and Spread.of(mine, live, holders, len(wanted)).gives():
            log.info("lease_given", lease=running[-1])
            self._end(running[-1])

    def _end(self, name: str) -> None:
        """Lets the thread end between two steps; it gives its lease back."""
        self.threads[name].stop.set()
        self._wakes[name].set()

    def _take(self, wanted: Wanted) -> bool:
        """Whether nobody was quicker."""
        tenure = Tenure.take(wanted.lease, self.holder)
        if tenure is None:
            return False
        wake = self._wakes[wanted.lease] = threading.Event()
        thread = self.threads[wanted.lease] = LeasedThread(tenure, self._loop(wanted, wake))
        thread.start()
        return True

    def _loop(self, wanted: Wanted, wake: threading.Event) -> Loop:
        if wanted.pool is not None:
            return PoolLoop(wanted.pool, wake)
        if wanted.explains:
            return Explainer(wanted.cluster)
        return Assigner(wanted.cluster, wake) if wanted.chooses else Observer(wanted.cluster, self.wake, wake)

    def wait(self, stop: threading.Event) -> None:
        """Until it is time to look again; passes wake-ups on to the loops at once."""
        deadline = time.monotonic() + LOOK_SECONDS
        while not stop.is_set() and time.monotonic() < deadline:
            if self.wake.wait(0.2):
                self.wake.clear()
                for name in self.threads:
                    self._wakes[name].set()

    def end(self) -> None:
        """Stops all threads and waits for them."""
        for name in self.threads:
            self._end(name)
        deadline = time.monotonic() + END_SECONDS
        for thread in self.threads.values():
            thread.join(max(deadline - time.monotonic(), 0))
        with _patient():
            worker_gone(holder=self.holder)
        connection.close()


@contextmanager
def _patient() -> Iterator[None]:
    """The database may be away: the next look tries again."""
    try:
        yield
    except Error as problem:
        log.warning("database_away", problem=type(problem).__name__)
        connection.close()
