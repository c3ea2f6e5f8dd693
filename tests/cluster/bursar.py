"""Bursar at work on the real API server: observer, reconciler and the loop of one pool, step by step."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from orgs.models import ClusterInfo, OrgUnit
from portal.actor import SYSTEM
from scheduling.clusters.gateway import Gateway
from scheduling.clusters.kubernetes.gateway import KubernetesGateway
from scheduling.clusters.kubernetes.kubeconfig import parse_kubeconfig
from scheduling.clusters.orders import WorkloadKey
from scheduling.loops.observed import Observed
from scheduling.loops.pool_loop import PoolLoop
from scheduling.loops.reconcile import Reconciler
from scheduling.loops.tenure import Tenure
from scheduling.models import Workload
from scheduling.services.workload import workload_submit
from scheduling.workload_keys import KEY, key_of
from tests.cluster.api import Api, Object
from tests.cluster.kubelet import FakeKubelet
from tests.factories import make_cluster, make_pool, make_project

STATES = Workload.State


def gateway_for(kubeconfig: str) -> KubernetesGateway:
    return KubernetesGateway(parse_kubeconfig(kubeconfig, allow_local=True), call_timeout_seconds=4, allow_local=True)


class Bursar:
    """A pool of nodes of its own, which no other test binds to, and a project with its namespace."""

    def __init__(self, api: Api, gateway: Gateway, kubelet: FakeKubelet, name: str) -> None:
        self.api, self.gateway, self.kubelet, self.name = api, gateway, kubelet, name
        self.cluster = make_cluster(mode=ClusterInfo.Mode.KUBERNETES)
        self.pool = make_pool(name, self.cluster, label_key="test")
        default = OrgUnit.objects.get(parent=self.cluster, name="default")
        self.project = make_project(name, default)
        self.namespace = self.project.project_info.namespace
        gateway.apply_namespace(self.namespace, name)
        self._observer = _taken(f"observer:cluster:{self.cluster.pk}")
        self._tenure = _taken(f"loop:pool:{self.pool.pk}")
        self._loop = _Loop(self.pool.pk, gateway)
        self.watch()

    def watch(self) -> None:
        """From here on, as after a new start."""
        self.stop = threading.Event()
        self._watch = self.gateway.watch(self.stop)
        self._observed = Observed(self.cluster.pk)
        self._reconciler = Reconciler(self.cluster.pk, self.gateway, self._observed)

    def end(self) -> None:
        self.stop.set()
        self._watch.close()  # type: ignore[attr-defined]

    def note_kinds(self) -> dict[str, int]:
        """Writes down what is followed here, as the observer does: a number of objects by kind."""
        watched: dict[str, int] = self.until(lambda: self._observed.listed and self.gateway.health().watched)
        ClusterInfo.objects.filter(pk=self.cluster.pk).update(watched=watched)
        return watched

    def node(self, name: str, gpus: int = 8) -> str:
        full = f"{self.name}-{name}"
        self.kubelet.add_node(full, gpus, labels={"test": self.name})
        return full

    def submit(self, name: str, kind: Workload.Kind = Workload.Kind.TRAINING, **fields: Any) -> Workload:
        values: dict[str, Any] = {"image": "busybox", "cpu_millicores": 500, "memory_bytes": 2**30, "devices": 1}
        values |= {"pools": [self.pool.name]} | fields
        return workload_submit(actor=SYSTEM, project=self.project, kind=kind, name=name, **values)

    def until(self, holds: Callable[[], Any], seconds: float = 30) -> Any:
        """Observes, reconciles and schedules until something is so; what `holds` says then."""
        deadline = time.monotonic() + seconds
        for seen in self._watch:
            with self._observer.recording():
                self._observed.write(seen)
            if self._observed.listed:
                self._reconciler.tick(self._observer)
                self._loop.cycle(self._tenure)
            if found := holds():
                return found
            assert time.monotonic() < deadline, f"not so after {seconds} s: {list(self._states())}"
        raise AssertionError("the watch has ended")

    def until_state(self, workload: Workload, state: int, seconds: float = 30) -> None:
        def reached() -> bool:
            workload.refresh_from_db()
            return workload.state == state

        self.until(reached, seconds)

    def running(self, name: str, kind: Workload.Kind = Workload.Kind.TRAINING, **fields: Any) -> Workload:
        workload = self.submit(name, kind, **fields)
        self.until_state(workload, STATES.RUNNING)
        return workload

    def key(self, workload: Workload) -> WorkloadKey:
        return key_of(*Workload.objects.values_list(*KEY).get(pk=workload.pk))

    def wake(self, workload: Workload) -> None:
        """What makes its pods, as where some are missing for long. Those that are there stay."""
        there = {pod["metadata"]["uid"] for pod in self.pods(workload)}
        groups = list(workload.sub_groups.values_list("name", flat=True))
        self.gateway.wake_workload(self.key(workload), groups)
        assert {pod["metadata"]["uid"] for pod in self.pods(workload)} == there

    def pods(self, workload: Workload) -> list[Object]:
        """As the server has them, those that are going left out."""
        path, selector = f"/api/v1/namespaces/{self.namespace}/pods", f"bursar.dev/workload={workload.uid}"
        found = self.api.items(path, labelSelector=selector)
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def objects(self, workload: Workload, resource: str) -> list[Object]:
        """`resource`: with its group, as `apps/v1/deployments`."""
        group, _, name = resource.rpartition("/")
        path = f"/api/{group}" if group == "v1" else f"/apis/{group}"
        selector = f"bursar.dev/workload={workload.uid}"
        return self.api.items(f"{path}/namespaces/{self.namespace}/{name}", labelSelector=selector)

    def _states(self) -> Iterator[Any]:
        yield from Workload.objects.values_list("name", "state", "state_message", "pods_running")


class _Loop(PoolLoop):
    def __init__(self, pool: int, gateway: Gateway) -> None:
        super().__init__(pool, threading.Event())
        self._given = gateway

    def _gateway(self) -> Gateway:
        return self._given


def _taken(name: str) -> Tenure:
    tenure = Tenure.take(name, "test")
    assert tenure is not None
    return tenure


@contextmanager
def at_work(api: Api, gateway: Gateway, kubelet: FakeKubelet, name: str) -> Iterator[Bursar]:
    made = Bursar(api, gateway, kubelet, name)
    try:
        yield made
    finally:
        made.end()
