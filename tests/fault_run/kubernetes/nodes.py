"""Nodes that are drained, fall silent, or are taken out and come back, one of a pool at a time."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

import urllib3

from tests.cluster.api import MERGE_PATCH, Api, ApiError
from tests.cluster.kubelet import FakeKubelet

PAUSE_SECONDS = 3.0
AWAY_SECONDS = (2.0, 12.0)
GPUS, CORES, MEMORY_GIB = 4, 64, 512


class NodeChanges(threading.Thread):
    """`pools`: by the value of its label the nodes of each."""

    def __init__(self, api: Api, kubelet: FakeKubelet, pools: dict[str, list[str]], seed: int) -> None:
        super().__init__(name="nodes", daemon=True)
        self.ended = threading.Event()
        self.done = 0
        self._api = api
        self._kubelet = kubelet
        self._pools = pools
        self._random = random.Random(f"nodes {seed}")
        self._back: dict[str, tuple[float, Callable[[], None]]] = {}
        """By pool: when what was done there is undone, and how."""

    def run(self) -> None:
        while not self.ended.wait(PAUSE_SECONDS):
            self._undo(time.monotonic())
            pool = self._random.choice(sorted(self._pools))
            change = self._random.choice([self._cordon, self._silence, self._take_out])
            node, away = self._random.choice(self._pools[pool]), self._random.uniform(*AWAY_SECONDS)
            if pool not in self._back:
                act, undo = change(pool, node)
                # Undone in any case: an answer may have been lost.
                self._back[pool] = (time.monotonic() + away, undo)
                self.done += patiently(act)
        while self._back:
            self._undo(float("inf"))
            time.sleep(0.5)

    def _undo(self, now: float) -> None:
        for pool, (at, undo) in list(self._back.items()):
            if at <= now and patiently(undo):
                del self._back[pool]

    def _cordon(self, pool: str, node: str) -> tuple[Callable[[], None], Callable[[], None]]:
        def put(*, away: bool) -> None:
            self._api.patch(f"/api/v1/nodes/{node}", {"spec": {"unschedulable": away}}, MERGE_PATCH)

        return lambda: put(away=True), lambda: put(away=False)

    def _silence(self, pool: str, node: str) -> tuple[Callable[[], None], Callable[[], None]]:
        return (
            lambda: self._kubelet.set_ready(node, is_ready=False),
            lambda: self._kubelet.set_ready(node, is_ready=True),
        )

    def _take_out(self, pool: str, node: str) -> tuple[Callable[[], None], Callable[[], None]]:
        return lambda: self._kubelet.remove_node(node), lambda: add_node(self._kubelet, node, pool)


def add_node(kubelet: FakeKubelet, node: str, pool: str) -> None:
    kubelet.add_node(node, GPUS, {"class": pool}, CORES, MEMORY_GIB)


def patiently(act: Callable[[], None]) -> bool:
    """Whether the server did it, or had done it before its answer was lost."""
    try:
        act()
    except ApiError as error:
        return error.status in (404, 409)
    except urllib3.exceptions.HTTPError:
        return False
    return True
