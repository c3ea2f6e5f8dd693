"""A small simulated cluster with its loops, run by threads or step by step."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orgs.models import OrgUnit
from portal.actor import SYSTEM
from quotas.models import Pool
from scheduling.clusters.simulated import SimulatedGateway, simulate_cluster
from scheduling.loops.observed import Observed
from scheduling.loops.pool_loop import PoolLoop
from scheduling.loops.reconcile import Reconciler
from scheduling.loops.supervisor import supervise
from scheduling.loops.tenure import Tenure
from scheduling.models import Workload
from scheduling.services.workload import workload_submit
from tests.factories import make_cluster, make_pool, make_project

GIB = 1024**3


class World:
    """Two nodes with four GPUs in the pool `gpu`, two nodes without in the default pool."""

    def __init__(self, nodes: str = "nodes.json") -> None:
        self.cluster = make_cluster()
        self.pool = make_pool("gpu", self.cluster, label_key="class")
        simulate_cluster(self.cluster, Path(__file__).parent / nodes)
        self.default = Pool.objects.get(cluster=self.cluster, is_default=True)
        self.department = OrgUnit.objects.get(parent=self.cluster, name="default")
        self.gateway = SimulatedGateway(self.cluster.pk)

    def project(self, name: str = "") -> OrgUnit:
        return make_project(name, self.department)

    def submit(self, project: OrgUnit, name: str, devices: int = 1, pods: int = 1, **fields: Any) -> Workload:
        values: dict[str, Any] = {"kind": Workload.Kind.TRAINING, "image": "python:3.12", "cpu_millicores": 1000}
        values |= {"memory_bytes": GIB, "pools": ["gpu"], "run_seconds": 3600}
        return workload_submit(
            actor=SYSTEM, project=project, name=name, devices=devices, pods=pods, **(values | fields)
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        """With the loops of a worker."""
        stop = threading.Event()
        thread = threading.Thread(target=supervise, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(10)
            assert not thread.is_alive()


class Steps:
    """The loops of a world, one step at a time, with a clock that jumps."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.observer = taken(f"observer:cluster:{world.cluster.pk}")
        self.tenure = taken(f"loop:pool:{world.pool.pk}")
        self.loop = PoolLoop(world.pool.pk, threading.Event())
        self.observed = Observed(world.cluster.pk)
        self.reconciler = Reconciler(world.cluster.pk, world.gateway, self.observed)
        self._watch = world.gateway.watch(threading.Event())
        self.observe()

    def successor(self) -> Steps:
        """Another worker's, after this one stopped."""
        self.tenure.release()
        self.observer.release()
        return Steps(self.world)

    def observe(self) -> None:
        """Sees what there is, and reconciles."""
        with self.observer.recording():
            self.observed.write(next(self._watch))
        self.reconciler.tick(self.observer)

    def cycle(self) -> None:
        self.tenure.cycle += 1
        self.loop.cycle(self.tenure)

    def later(self, seconds: float) -> None:
        """Lets so much time pass in the cluster."""
        self.world.gateway.tick(int((time.time() + seconds) * 1000))
        self.observe()

    def start(self) -> None:
        """From submitted to running."""
        self.observe()
        self.observe()
        self.cycle()
        self.observe()
        self.later(3)


def taken(name: str) -> Tenure:
    tenure = Tenure.take(name, "test")
    assert tenure is not None
    return tenure
