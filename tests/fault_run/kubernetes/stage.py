"""A real control plane behind a network that fails, with kubelets that only pretend."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from orgs.models import ClusterInfo, ProjectInfo
from orgs.secrets import encrypt
from scheduling.clusters.kubernetes.kubeconfig import parse_kubeconfig
from scheduling.models import Decision
from tests.cluster.control_plane import ControlPlane
from tests.cluster.fault_proxy import FaultProxy
from tests.cluster.kubelet import FakeKubelet
from tests.cluster.shipped import shipped_kubeconfig
from tests.cluster.turmoil import differences
from tests.factories import make_cluster
from tests.fault_run.about import About
from tests.fault_run.database import patiently
from tests.fault_run.faults import Faults
from tests.fault_run.processes import Parts, Server
from tests.fault_run.stage import Stage
from tests.fault_run.world import NAMES, NODES, World, make_pools, organize

from .faults import ClusterFaults
from .nodes import NodeChanges, add_node
from .record import Record
from .sign_of_life import SignOfLife

EQUAL_SECONDS = 30.0
KUBERNETES = About(
    title="The fault run on Kubernetes",
    options=" FAULTS_ON=kubernetes",
    hurt="web, two workers, beat, Redis, PostgreSQL, API server, etcd, controllers and the network before them",
    truth="what the API server tells at its own address, past the network that fails,",
    must=" Each bind is also looked at\nby itself, as it happens; each eviction has its decision; and at the end "
    "the database shows exactly what the server has.",
    over="; of the control plane: when it is ready. While the probes\nare in the cluster, and its own controllers make "
    "no pods yet, as a Job shows that Bursar has nothing to do with, no time counts",
)


class KubernetesStage(Stage):
    about = KUBERNETES
    shares = False

    def __init__(self, control_plane: ControlPlane, proxy: FaultProxy, kubelet: FakeKubelet, seed: int) -> None:
        self._control_plane = control_plane
        self._proxy = proxy
        self._kubelet = kubelet
        self.truth = self._record = Record(control_plane.api)
        self._signs: list[SignOfLife] = []
        nodes = {name: [f"{name}-node-{number}" for number in range(NODES)] for name in NAMES}
        self._nodes = NodeChanges(control_plane.api, kubelet, nodes, seed)
        for pool, names in nodes.items():
            for name in names:
                add_node(kubelet, name, pool)

    def build(self, folder: Path) -> World:
        cluster = make_cluster("faults", mode=ClusterInfo.Mode.KUBERNETES)
        credentials = parse_kubeconfig(shipped_kubeconfig(self._control_plane), allow_local=True)
        through = replace(credentials, server=self._proxy.address, ca_data=self._proxy.authority.certificate)
        ClusterInfo.objects.filter(pk=cluster.pk).update(credentials=encrypt(through.dump()))
        world = organize(cluster, make_pools(cluster))
        # The observer is to make their namespaces.
        ProjectInfo.objects.update(phase=ProjectInfo.Phase.CREATING)
        self._record.start()
        return world

    def faults(self, parts: Parts, server: Server, seed: int) -> Faults:
        return ClusterFaults(parts, server, seed, self._control_plane, self._proxy)

    def run_time(self, seconds: int, fails_after: int | None) -> dict[str, Any]:
        script = f"sleep {seconds}" if fails_after is None else f"sleep {fails_after}; exit 1"
        return {"command": ["sh", "-c", script]}

    def probe_run_time(self) -> dict[str, str]:
        return {"command": "sleep 5"}

    def works(self, over: float) -> Callable[[], float | None]:
        sign = SignOfLife(self._control_plane.api, over)
        sign.start()
        self._signs.append(sign)
        return sign.wait

    def begin(self) -> None:
        self._nodes.start()

    def calm(self) -> None:
        self._nodes.ended.set()
        self._nodes.join()

    def problems(self, world: World) -> list[str]:
        deadline = time.monotonic() + EQUAL_SECONDS
        while (found := patiently(lambda: differences(self._control_plane.api, world.cluster))) and (
            time.monotonic() < deadline
        ):
            time.sleep(0.5)
        found = [f"the database differs: {sentence}" for sentence in found]
        evicts = Decision.objects.filter(kind=Decision.Kind.EVICT, pod_uid__in=self._record.evicted)
        decided = set(evicts.values_list("pod_uid", flat=True))
        evicted = self._record.evicted.items()
        found += [f"evicted without a decision: pod {name}" for uid, name in evicted if uid not in decided]
        if not self._record.is_alive:
            found.append("the record of the cluster died")
        return self._record.found + found

    def figures(self) -> dict[str, object]:
        injected = ", ".join(f"{number} {name}" for name, number in sorted(self._proxy.injected.items()))
        took = [sign.at - sign.over for sign in self._signs if sign.at is not None]
        return {
            "until the controllers made pods again, at most, s": f"{max(took, default=0):.1f}",
            "pods bound, as the server told": len(self._record.bound),
            "pods evicted, as the server told": len(self._record.evicted),
            "nodes drained, silenced or taken out": self._nodes.done,
            "answers and lines that failed on the way": injected,
        }
