"""One run: everything is started, hurt again and again, looked at all the while, and settled at the end."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection

from portal.models import LiveWorker
from scheduling.models import Decision, Workload
from tests.cluster.waiting import eventually

from .accounts import unaccounted, wait_until_settled
from .database import patiently
from .faults import Fault
from .load import Ledger, Load
from .probe import Prober
from .processes import Parts, Server
from .recovery import Recovery, wait_for
from .report import Outcome
from .stage import Stage
from .watcher import Watcher

START_SECONDS = 180
"""Until everything runs at first."""


class Run:
    def __init__(self, stage: Stage, folder: Path, minutes: float, seed: int) -> None:
        call_command("migrate", verbosity=0)
        self.outcome = Outcome(minutes, seed, about=stage.about)
        self._stage = stage
        self._world = stage.build(folder)
        self._parts = Parts(folder)
        with connection.cursor() as cursor:
            cursor.execute("show data_directory")
            self._server = Server(Path(cursor.fetchone()[0]))
        self._ledger = Ledger()
        self._load = Load(stage, self._world, self._ledger, seed)
        self._watcher = Watcher(stage.truth)
        self._prober = Prober(stage, self._world, self._ledger, self._parts.web_port)
        self._faults = stage.faults(self._parts, self._server, seed)
        self._random = random.Random(f"pauses {seed}")
        self._began = time.monotonic()

    def go(self) -> Outcome:
        try:
            eventually(lambda: LiveWorker.objects.count() == len(self._parts.workers), START_SECONDS)
            eventually(lambda: self._recovered(time.monotonic()) is not None, START_SECONDS)
            print(f"        all runs and first probes started, {self.seconds:.0f} s after the start", flush=True)
            self._began = time.monotonic()
            self._watcher.start()
            self._load.start()
            self._stage.begin()
            self._hurt_for(self.outcome.minutes * 60)
            self._conclude()
        finally:
            self._parts.end()
        return self.outcome

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.monotonic() - self._began

    def _hurt_for(self, seconds: float) -> None:
        before = self._cpu()
        for fault in self._faults.draw():
            time.sleep(self._random.uniform(1, 4))
            if self.seconds > seconds:
                break
            self._hurt(fault)
        took, after = self.seconds, self._cpu()
        self.outcome.cores = {name: (after[name] - before[name]) / took for name in after}

    def _hurt(self, fault: Fault) -> None:
        print(f"{self.seconds:6.0f} s  {fault.name}", end="", flush=True)
        fault.hurt()
        over, at = time.monotonic(), self.seconds
        took = self._recovered(over, fault.then)
        print(f": well again after {took:.1f} s" if took is not None else ": NOT WELL AGAIN", flush=True)
        self.outcome.recoveries.append(Recovery(at, fault.name, took))
        if took is None:
            self.outcome.problems.append(f"not well again after: {fault.name} at {at:.0f} s")

    def _recovered(self, over: float, then: Callable[[], None] = lambda: None) -> float | None:
        works = self._stage.works(over)
        then()
        return wait_for(self._prober, over, works)

    def _cpu(self) -> dict[str, float]:
        own = os.times()
        found = {part.name: part.cpu_seconds() for part in self._parts.all}
        return found | {"database": self._server.cpu_seconds(), "load and watcher": own.user + own.system}

    def _conclude(self) -> None:
        self._load.ended.set()
        self._load.join()
        self._stage.calm()
        print(f"{self.seconds:6.0f} s  no more faults; waiting until all has ended", flush=True)
        if not wait_until_settled():
            self.outcome.problems.append("not everything came to its end")
        if not self._watcher.is_alive():
            self.outcome.problems.append("the watcher died")
        self._watcher.ended.set()
        self._watcher.join()
        self.outcome.problems += [f"{text} (at {at:.0f} s)" for text, at in self._watcher.found.items()]
        self.outcome.problems += patiently(lambda: list(unaccounted(self._ledger, self._stage.truth)))
        self.outcome.problems += self._stage.problems(self._world)
        self.outcome.figures = self._figures()

    def _figures(self) -> dict[str, Any]:
        decisions = Decision.objects.all()
        states = Workload.objects.values_list("state", flat=True)
        ended = {state.label: list(states).count(state) for state in Workload.State}
        return {
            "faults": len(self.outcome.recoveries),
            "workloads": ", ".join(f"{number} {label}" for label, number in ended.items() if number),
            "pods started": decisions.filter(kind=Decision.Kind.PLACE, state=Decision.State.OBSERVED).count(),
            "pods stopped for others": decisions.filter(
                kind=Decision.Kind.EVICT, state=Decision.State.OBSERVED
            ).count(),
            "moments looked at": self._watcher.moments,
            "pods seen on nodes": len(self._watcher.pods_seen),
            **self._stage.figures(),
            "load average of the machine, 15 minutes": f"{os.getloadavg()[2]:.1f} on {os.cpu_count()} cores",
        }
