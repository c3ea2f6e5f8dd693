"""What is done to the cluster and to the network before it, besides what is done to the parts of the installation."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.cluster.control_plane import API_SERVER, CONTROLLER_MANAGER, ETCD, ControlPlane
from tests.cluster.fault_proxy import LOSSY, SLOW, FaultProxy, Ways
from tests.fault_run.faults import Fault, Faults
from tests.fault_run.processes import Parts, Server


@dataclass(frozen=True, slots=True)
class ClusterPart:
    """A process of the control plane. It has started when it is ready."""

    control_plane: ControlPlane
    name: str

    def send(self, number: signal.Signals) -> None:
        self.control_plane.send(self.name, number)

    def kill(self) -> None:
        self.control_plane.kill(self.name)

    def start(self) -> None:
        starts = {
            ETCD: self.control_plane.start_etcd,
            API_SERVER: self.control_plane.start_api_server,
            CONTROLLER_MANAGER: self.control_plane.start_controller_manager,
        }
        starts[self.name]()


class ClusterFaults(Faults):
    """Two of the cluster or the network, one of the installation, and so on: each kind once, then each again."""

    def __init__(self, parts: Parts, server: Server, seed: int, control_plane: ControlPlane, proxy: FaultProxy) -> None:
        super().__init__(parts, server, seed)
        self._proxy = proxy
        self._etcd, self._api_server, self._manager = (
            ClusterPart(control_plane, name) for name in (ETCD, API_SERVER, CONTROLLER_MANAGER)
        )

    def draw(self) -> Iterator[Fault]:
        ours = super().draw()
        while True:
            kinds = self._cluster_kinds()
            self._random.shuffle(kinds)
            for number, kind in enumerate(kinds):
                yield kind()
                if number % 2:
                    yield next(ours)

    def _cluster_kinds(self) -> list[Callable[[], Fault]]:
        api, etcd = self._api_server, self._etcd
        return [
            lambda: self._away("API server killed", api, 0, 5),
            lambda: self._frozen("API server frozen, shorter than a call", api, 1, 3),
            lambda: self._frozen("API server frozen, longer than a decision lasts", api, 11, 15),
            lambda: self._away("etcd killed", etcd, 0, 4),
            lambda: self._frozen("etcd frozen", etcd, 3, 9),
            self._both_killed,
            lambda: self._away("controllers killed", self._manager, 0, 3),
            self._cut,
            lambda: self._still("network still, shorter than a call", 1, 3),
            lambda: self._still("network still, longer than a decision lasts", 11, 15),
            self._lost,
            lambda: self._failing("network fails in every way", Ways()),
            lambda: self._failing("network loses and halves answers, repeats lines", LOSSY),
            lambda: self._failing("network slow", SLOW),
            self._worker_killed_in_calls,
        ]

    def _both_killed(self) -> Fault:
        pause = self._random.uniform(0, 2)

        def hurt() -> None:
            self._api_server.kill()
            self._etcd.kill()
            time.sleep(pause)
            self._etcd.start()
            self._api_server.start()

        return Fault("API server and etcd killed", hurt)

    def _cut(self) -> Fault:
        seconds = self._random.uniform(2, 10)

        def hurt() -> None:
            self._proxy.cut()
            time.sleep(seconds)
            self._proxy.mend()

        return Fault("network cut", hurt)

    def _still(self, name: str, least: float, most: float) -> Fault:
        seconds = self._random.uniform(least, most)

        def hurt() -> None:
            self._proxy.still.set()
            time.sleep(seconds)
            self._proxy.still.clear()

        return Fault(name, hurt)

    def _lost(self) -> Fault:
        """As when what stands between has forgotten its connections: nobody is told that they are dead."""
        seconds = self._random.uniform(1, 4)

        def hurt() -> None:
            self._proxy.still.set()
            time.sleep(seconds)
            self._proxy.lose()
            self._proxy.still.clear()

        return Fault("network still, its connections dead ever after", hurt)

    def _failing(self, name: str, ways: Ways) -> Fault:
        seconds = self._random.uniform(5, 10)

        def hurt() -> None:
            self._proxy.ways = ways
            self._proxy.failing.set()
            time.sleep(seconds)
            self._proxy.failing.clear()

        return Fault(name, hurt)

    def _worker_killed_in_calls(self) -> Fault:
        """While its calls wait for an answer. Over when they are answered: then another worker has to take over."""
        worker, seconds, pause = self._worker(), self._random.uniform(2, 4), self._random.uniform(1, 4)

        def hurt() -> None:
            self._proxy.still.set()
            time.sleep(seconds)
            worker.kill()
            self._proxy.still.clear()

        def again() -> None:
            time.sleep(pause)
            worker.start()

        return Fault("worker killed in the middle of calls", hurt, again)
