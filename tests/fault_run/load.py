"""What people ask for during the run: drawn from the seed, so that each run with it asks for the same."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import Error, connection

from orgs.models import OrgUnit
from portal.actor import SYSTEM
from portal.errors import Refused
from scheduling.models import Priority, Workload
from scheduling.services.workload import workload_delete, workload_stop, workload_submit

from .database import patiently
from .stage import Stage
from .world import GPUS, STEADY_GPUS, World

GIB = 1024**3
PAUSE_SECONDS = 1.0
MOST_GPUS = 5 * GPUS
"""So much is asked for at once, waiting or running, of three pools."""
State = Workload.State


@dataclass(slots=True)
class Ledger:
    """What was asked for, and how each is to end."""

    endings: dict[str, set[int]] = field(default_factory=dict)
    """By name the states it may end in."""
    acknowledged: set[str] = field(default_factory=set)
    """The database said that it has them."""

    def asked(self, name: str, *endings: int) -> None:
        self.endings[name] = set(endings)


class Load(threading.Thread):
    """Submits, and stops or deletes some of it again, until it is told to end."""

    def __init__(self, stage: Stage, world: World, ledger: Ledger, seed: int) -> None:
        super().__init__(name="load", daemon=True)
        self.ended = threading.Event()
        self._stage = stage
        self._world = world
        self._ledger = ledger
        self._random = random.Random(f"load {seed}")
        self._number = 0
        self._stop_at: list[tuple[float, str, Callable[..., Workload]]] = []

    def run(self) -> None:
        while not self.ended.wait(PAUSE_SECONDS):
            self._stop_some()
            self._ask()
        connection.close()

    def _ask(self) -> None:
        """One workload, by whose turn it is."""
        draw, pool = self._random, self._random.randrange(len(self._world.pools))
        who = draw.choices(["steady", "owner", "borrower"], [4, 2, 6])[0]
        pods, seconds = draw.choice([1, 1, 2, 3, 4]), draw.randrange(4, 20)
        names = [item.name for item in self._world.pools]
        values: dict[str, Any] = {"pods": pods, "devices": draw.choice([1, 1, 2])}
        values["pools"] = [names[pool]]
        if who == "steady":
            project, values["pods"] = self._world.steady[pool], min(pods, 3)
            values["preemptible"] = draw.random() < 0.7
        elif who == "owner":
            project = self._world.owner
            values |= {
                "pods": draw.choice([2, 4]),
                "devices": 2,
                "priority": draw.choice([Priority.LOW, Priority.HIGH]),
            }
        else:
            project = draw.choice(self._world.borrowers)
            values["priority"] = draw.choice([Priority.LOW, Priority.MEDIUM, Priority.HIGH])
            values["min_pods"] = draw.choice([values["pods"], 1])
            values["pools"] = draw.sample(names, draw.choice([1, 2]))
            if draw.random() < 0.2 and self._stage.shares:
                values |= {"devices": 1, "device_milli": 500}
        fails, stops, stops_after = draw.random() < 0.08, draw.random() < 0.08, draw.uniform(1, 8)
        stop = draw.choice([workload_stop, workload_delete])
        name = f"{who}-{self._number}"
        self._number += 1
        if not patiently(lambda: self._has_room(project, who, values)):
            return
        values |= self._stage.run_time(seconds, max(1, seconds // 2) if fails else None)
        if fails:
            self._ledger.asked(name, State.FAILED)
        elif stops:
            self._ledger.asked(name, State.STOPPED, State.COMPLETED)
            self._stop_at.append((time.monotonic() + stops_after, name, stop))
        else:
            self._ledger.asked(name, State.COMPLETED)
        self._submit(project, name, values)

    def _has_room(self, project: OrgUnit, who: str, values: dict[str, Any]) -> bool:
        """Steady projects keep inside their guarantee; nobody asks while very much waits already."""
        active = Workload.objects.filter(is_active=True)
        if who == "steady":
            mine = sum(active.filter(project=project).values_list("requested_gpu_milli", flat=True))
            return bool(mine + values["pods"] * values["devices"] * 1000 <= STEADY_GPUS * 1000)
        return sum(active.values_list("requested_gpu_milli", flat=True)) < MOST_GPUS * 1000

    def _submit(self, project: OrgUnit, name: str, values: dict[str, Any]) -> None:
        common: dict[str, Any] = {"kind": Workload.Kind.TRAINING, "image": "python:3.12", "cpu_millicores": 1000}
        try:
            workload_submit(actor=SYSTEM, project=project, name=name, memory_bytes=GIB, **common, **values)
            self._ledger.acknowledged.add(name)
        except Error:
            # Whether it is there is not known; if it is, it is to end well.
            connection.close()

    def _stop_some(self) -> None:
        now = time.monotonic()
        due = [(name, stop) for at, name, stop in self._stop_at if at <= now]
        self._stop_at = [item for item in self._stop_at if item[0] > now]
        for name, stop in due:
            try:
                workload = Workload.objects.filter(name=name).first()
                if workload:
                    stop(actor=SYSTEM, workload=workload)
            except Refused:
                continue  # has ended meanwhile
            except Error:
                connection.close()
