"""Asks the web process, as a person would, to start something in every pool: that it starts means all is well again."""

from __future__ import annotations

import time
import urllib.error
import urllib.parse
import urllib.request
from itertools import count
from typing import Any

from scheduling.models import Workload

from .database import patiently
from .load import Ledger
from .stage import Stage
from .world import World

TOKEN = "f" * 32
REPLY_SECONDS = 10
State = Workload.State


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """The address is what is asked for."""


class Prober:
    def __init__(self, stage: Stage, world: World, ledger: Ledger, port: int) -> None:
        self._run_time = stage.probe_run_time()
        self._world = world
        self._ledger = ledger
        self._address = f"http://127.0.0.1:{port}/submit/"
        self._headers = {"Cookie": f"sessionid={world.cookie}; csrftoken={TOKEN}"}
        self._open = urllib.request.build_opener(NoRedirect).open
        self._number = count()

    def submit_everywhere(self, deadline: float) -> list[str]:
        """One to each pool; their names."""
        return [self._submitted(pool.name, deadline) for pool in self._world.pools]

    def are_in_cluster(self, names: list[str]) -> bool:
        """Whether all of them were handed on to the cluster."""
        return patiently(Workload.objects.filter(name__in=names, applied=True).count) == len(names)

    def have_started(self, names: list[str]) -> bool:
        return patiently(Workload.objects.filter(name__in=names).exclude(state=State.WAITING).count) == len(names)

    def _submitted(self, pool: str, deadline: float) -> str:
        """Its name, once web has said that it has it. What it did not answer for is asked for anew."""
        while True:
            name = f"probe-{next(self._number)}"
            self._ledger.asked(name, State.COMPLETED)
            if self._post(name, pool):
                self._ledger.acknowledged.add(name)
                return name
            if time.monotonic() > deadline:
                return name
            time.sleep(0.2)

    def _post(self, name: str, pool: str) -> bool:
        values = {"csrfmiddlewaretoken": TOKEN, "kind": int(Workload.Kind.TRAINING), "name": name, "priority": 50}
        values |= {"project": self._world.probes.pk, "image": "python:3.12", "pods": 1, "gpus": 0, "cores": 1}
        values |= {"memory": 1, "pools": pool, "preemptible": "on", **self._run_time}
        request = urllib.request.Request(self._address, urllib.parse.urlencode(values).encode(), self._headers)
        try:
            self._open(request, timeout=REPLY_SECONDS)
        except urllib.error.HTTPError as answer:
            if answer.code in (403, 404, 422):
                raise AssertionError(f"{answer.code} for {values}: {answer.read()[:2000]!r}") from None
            return answer.code == 302
        except (OSError, ValueError):
            return False
        return False
