"""The Celery worker's option `--loops`, and the step that runs the registered background work with it."""

from __future__ import annotations

import threading
import time
from typing import Any

import click
import structlog
from celery import Celery, bootsteps

from portal import background
from portal.collector import collect_rarely

STOP_SECONDS = 4.5
RESTART_SECONDS = 1.0
log = structlog.get_logger()


class BackgroundStep(bootsteps.StartStopStep):
    """Starts each registered target in a thread of its own, and ends them with the worker in under 5 s."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, loops: bool = False, **options: Any) -> None:
        self.enabled = loops
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def include_if(self, worker: Any) -> bool:
        return self.enabled

    def start(self, worker: Any) -> None:
        collect_rarely()
        for name, target in background.targets().items():
            thread = threading.Thread(target=self._run, args=(name, target), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self, name: str, target: background.Target) -> None:
        """A target that fails is started again: its error never ends the worker."""
        while not self._stop.is_set():
            try:
                target(self._stop)
            except Exception:
                log.exception("background_failed", target=name)
                self._stop.wait(RESTART_SECONDS)

    def stop(self, worker: Any) -> None:
        self.terminate(worker)

    def terminate(self, worker: Any) -> None:
        self._stop.set()
        deadline = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0))


def install(app: Celery) -> None:
    """Gives `app`'s worker the option and the step."""
    app.user_options["worker"].add(
        click.Option(["--loops"], is_flag=True, help="Also run observers and scheduling loops.")
    )
    app.steps["worker"].add(BackgroundStep)
