"""Takes free leases and runs a thread for each: the background target of a worker."""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid

import structlog
from django.db import Error, connection

from portal.wake import WakeListener

from .assigner import Assigner
from .observer import Observer
from .pool_loop import PoolLoop
from .tenure import Tenure
from .thread import LeasedThread, Loop
from .wanted import Wanted, wanted_leases

LOOK_SECONDS = 1.0
END_SECONDS = 4.0
log = structlog.get_logger()


def supervise(stop: threading.Event) -> None:
    """Runs until `stop`, then ends its threads, which give their leases back."""
    supervisor = Supervisor()
    listener = WakeListener(stop)
    listener.add(supervisor.wake)
    listener.start()
    try:
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

    def look(self) -> None:
        """Forgets threads that have ended, stops those that nobody wants any more, and takes what is free."""
        self.threads = {name: thread for name, thread in self.threads.items() if thread.is_alive()}
        try:
            wanted = {item.lease: item for item in wanted_leases()}
            for name, thread in self.threads.items():
                if name not in wanted:
                    thread.stop.set()
            for name, item in wanted.items():
                if name not in self.threads:
                    self._take(item)
        except Error as problem:
            log.warning("database_away", problem=type(problem).__name__)
            connection.close()

    def _take(self, wanted: Wanted) -> None:
        tenure = Tenure.take(wanted.lease, self.holder)
        if tenure is None:
            return
        wake = self._wakes[wanted.lease] = threading.Event()
        thread = self.threads[wanted.lease] = LeasedThread(tenure, self._loop(wanted, wake))
        thread.start()

    def _loop(self, wanted: Wanted, wake: threading.Event) -> Loop:
        if wanted.pool is not None:
            return PoolLoop(wanted.pool, wake)
        return Assigner(wanted.cluster, wake) if wanted.chooses else Observer(wanted.cluster, self.wake)

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
        for thread in self.threads.values():
            thread.stop.set()
            self._wakes[thread.name].set()
        deadline = time.monotonic() + END_SECONDS
        for thread in self.threads.values():
            thread.join(max(deadline - time.monotonic(), 0))
        connection.close()
