"""What is done to the parts. Each fault says when it was over; what comes after that is recovery."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from .database import end_connections, patiently
from .processes import Part, Parts, Server


class Hurtable(Protocol):
    """A process that can be signalled, killed, and started again."""

    def send(self, number: signal.Signals) -> None: ...

    def kill(self) -> None: ...

    def start(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Fault:
    """`hurt` does it and returns when it is over: a dead process is not waited for, what is away is back."""

    name: str
    hurt: Callable[[], None]
    then: Callable[[], None] = lambda: None
    """After recovery was measured from the end of `hurt`: nothing, or what a process manager does in the meantime."""


class Faults:
    """Draws faults from a seed: every kind once, in some order, then every kind again."""

    def __init__(self, parts: Parts, server: Server, seed: int) -> None:
        self._parts = parts
        self._server = server
        self._random = random.Random(f"faults {seed}")

    def draw(self) -> Iterator[Fault]:
        while True:
            kinds = self._kinds()
            self._random.shuffle(kinds)
            for kind in kinds:
                yield kind()

    def _kinds(self) -> list[Callable[[], Fault]]:
        return [
            self._worker_killed,
            self._worker_killed,
            self._workers_killed,
            lambda: self._frozen("worker frozen, shorter than a lease", self._worker(), 2, 5),
            lambda: self._frozen("worker frozen, longer than a lease", self._worker(), 12, 16),
            self._worker_stopped,
            lambda: self._away("beat killed", self._parts.beat, 1, 3),
            lambda: self._away("web killed", self._parts.web, 0, 3),
            lambda: self._frozen("web frozen", self._parts.web, 2, 6),
            lambda: self._away("Redis killed", self._parts.redis, 1, 5),
            lambda: self._frozen("Redis frozen", self._parts.redis, 2, 6),
            self._connections_ended,
            self._database_crashed,
        ]

    def _worker(self) -> Part:
        return self._random.choice(self._parts.workers)

    def _worker_killed(self) -> Fault:
        """Over at once: the other worker has to take over. It is started again meanwhile."""
        worker, pause = self._worker(), self._random.uniform(1, 4)

        def again() -> None:
            time.sleep(pause)
            worker.start()

        return Fault("worker killed", worker.kill, again)

    def _workers_killed(self) -> Fault:
        def hurt() -> None:
            for worker in self._parts.workers:
                worker.kill()
            for worker in self._parts.workers:
                worker.start()

        return Fault("both workers killed, started at once", hurt)

    def _worker_stopped(self) -> Fault:
        worker = self._worker()

        def hurt() -> None:
            assert worker.stop_warm() == 0, "a warm stop failed"
            worker.start()

        return Fault("worker stopped warm", hurt)

    def _frozen(self, name: str, part: Hurtable, least: float, most: float) -> Fault:
        seconds = self._random.uniform(least, most)

        def hurt() -> None:
            part.send(signal.SIGSTOP)
            time.sleep(seconds)
            part.send(signal.SIGCONT)

        return Fault(name, hurt)

    def _away(self, name: str, part: Hurtable, least: float, most: float) -> Fault:
        seconds = self._random.uniform(least, most)

        def hurt() -> None:
            part.kill()
            time.sleep(seconds)
            part.start()

        return Fault(name, hurt)

    def _connections_ended(self) -> Fault:
        def hurt() -> None:
            patiently(end_connections)

        return Fault("database connections ended", hurt)

    def _database_crashed(self) -> Fault:
        return Fault("database crashed and started", self._server.crash_and_start)
