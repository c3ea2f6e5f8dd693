"""Runs web and worker as children of one command, and brings back whichever dies."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

STOP_SECONDS = 4.0
"""How long children have to end by themselves; Ctrl-C is over within 5 s."""
QUICK_DEATH_SECONDS = 5.0


@dataclass(slots=True)
class Child:
    """A process that is to run as long as the command does. Its output goes to a file of its name."""

    name: str
    command: list[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    quick_deaths: int = 0

    def start(self) -> None:
        output: IO[bytes]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A session of its own: Ctrl-C reaches the command alone, which then stops its children in order.
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )
        self.started_at = time.monotonic()

    def died(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def revive_later(self) -> float:
        """Notes that it died. Gives the seconds until its next start: more, the more often it died right away."""
        quick = time.monotonic() - self.started_at < QUICK_DEATH_SECONDS
        self.quick_deaths = self.quick_deaths + 1 if quick else 0
        pause: float = min(0.2 * 2**self.quick_deaths, 10.0)
        self.process, self.start_at = None, time.monotonic() + pause
        return pause


def _die_with_parent() -> None:
    """Asks the kernel to end this process when its parent is killed, so that nothing is left holding the port."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


class Supervisor:
    """Keeps the children running until it is told to stop."""

    def __init__(self, children: list[Child], say: Callable[[str], None]) -> None:
        self.children = children
        self.say = say
        self.stopping = False

    def start(self) -> None:
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, self._stop_wanted)
        for child in self.children:
            child.start()

    def _stop_wanted(self, *_: object) -> None:
        self.stopping = True

    def run(self) -> None:
        """Until Ctrl-C or SIGTERM; then stops the children."""
        while not self.stopping:
            self.revive()
            time.sleep(0.1)
        self.stop()

    def revive(self) -> None:
        """Starts again what has died."""
        for child in self.children:
            if child.process and child.died():
                code = child.process.returncode
                self.say(
                    f"{child.name} ended ({code}) and is started again in {child.revive_later():.1f} s. See {child.log}"
                )
            if child.process is None and time.monotonic() >= child.start_at:
                child.start()

    def stop(self) -> None:
        """Asks every child to end, and makes the slow ones."""
        running = [child.process for child in self.children if child.process and not child.died()]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in running:
            try:
                process.wait(max(deadline - time.monotonic(), 0.01))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
