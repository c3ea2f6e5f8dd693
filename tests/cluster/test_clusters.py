"""A cluster's credentials and its health, on the real API server."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest
import yaml
from pytest_django.fixtures import Settings

from orgs.models import ClusterInfo, OrgUnit
from orgs.secrets import encrypt
from orgs.services.cluster import cluster_disconnect, cluster_reconnect
from portal.actor import SYSTEM
from scheduling.clusters import registry
from scheduling.clusters.kubernetes import patience, pulse, transport, vet_kubeconfig
from scheduling.clusters.kubernetes.gateway import KubernetesGateway
from scheduling.loops.observer import Observer
from scheduling.loops.pool_loop import PoolLoop
from scheduling.loops.tenure import Tenure
from scheduling.loops.thread import LeasedThread, Loop
from scheduling.models import Decision, Workload
from scheduling.services.workload import workload_submit
from tests.cluster.control_plane import ControlPlane
from tests.cluster.fault_proxy import FaultProxy
from tests.cluster.kubelet import FakeKubelet
from tests.cluster.waiting import eventually
from tests.factories import (
    ADMIN,
    actor_of,
    default_pool_of,
    make_cluster,
    make_pool,
    make_project,
    make_user,
    signed_in,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
State = ClusterInfo.State


@pytest.fixture(autouse=True)
def _local(settings: Settings) -> None:
    settings.ALLOW_LOCAL_CLUSTERS = True


@pytest.fixture
def proxy(control_plane: ControlPlane) -> Iterator[FaultProxy]:
    with FaultProxy(control_plane.address, control_plane.folder / "ca.crt", seed=1) as running:
        yield running


def through(proxy: FaultProxy, kubeconfig: str) -> str:
    """The same cluster at the proxy's address."""
    config = yaml.safe_load(kubeconfig)
    authority = base64.b64encode(proxy.authority.certificate).decode()
    config["clusters"][0]["cluster"] = {"server": proxy.address, "certificate-authority-data": authority}
    return yaml.safe_dump(config)


def connected(kubeconfig: str) -> OrgUnit:
    cluster = make_cluster(mode=ClusterInfo.Mode.KUBERNETES)
    credentials = encrypt(vet_kubeconfig(kubeconfig).credentials)
    ClusterInfo.objects.filter(pk=cluster.pk).update(credentials=credentials, state=State.WAITING)
    return cluster


@contextmanager
def running(**loops: Loop) -> Iterator[None]:
    """Each in a thread, by the name of its lease."""
    threads = []
    for name, loop in loops.items():
        tenure = Tenure.take(name, "test")
        assert tenure is not None
        threads.append(LeasedThread(tenure, loop))
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.stop.set()
        for thread in threads:
            thread.join(10)
    assert not any(thread.is_alive() for thread in threads)


@contextmanager
def observing(cluster: OrgUnit) -> Iterator[Callable[[], ClusterInfo]]:
    """What its row says now."""
    with running(**{f"observer:cluster:{cluster.pk}": Observer(cluster.pk, Event(), Event())}):
        yield lambda: ClusterInfo.objects.get(pk=cluster.pk)


def test_health_is_told_and_new_credentials_are_taken_up(control_plane: ControlPlane, kubeconfig: str) -> None:
    cluster = connected(kubeconfig)
    with observing(cluster) as info:
        eventually(lambda: info().state == State.CONNECTED and info().latency_ms is not None)
        now = info()
        nodes = len(control_plane.api.items("/api/v1/nodes"))
        assert (now.server_version[:3], now.missing_rights, now.watched["nodes"]) == ("v1.", [], nodes)
        assert now.state_since
        assert now.identity == control_plane.api.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
        weak = control_plane.service_account_kubeconfig("signs-in-only", [])
        cluster_reconnect(actor=actor_of(), cluster=cluster, kubeconfig=weak)
        eventually(lambda: info().state == State.DISCONNECTED)
        eventually(lambda: {"list nodes", "create pods/binding"} <= set(info().missing_rights))
        assert info().state_since != now.state_since
        cluster_reconnect(actor=actor_of(), cluster=cluster, kubeconfig=kubeconfig)
        eventually(lambda: info().state == State.CONNECTED, seconds=30)
        assert info().missing_rights == []


def test_another_cluster_in_place_of_the_one_that_was_connected_is_refused(kubeconfig: str) -> None:
    cluster = connected(kubeconfig)
    ClusterInfo.objects.filter(pk=cluster.pk).update(identity="of another")
    with observing(cluster) as info:
        eventually(lambda: "another cluster than the one" in info().state_message)
        assert info().state == State.DISCONNECTED


def test_the_same_cluster_is_connected_once(kubeconfig: str) -> None:
    first, second = connected(kubeconfig), make_cluster("again", mode=ClusterInfo.Mode.KUBERNETES)
    with observing(first) as info:
        eventually(lambda: info().state == State.CONNECTED)
        ClusterInfo.objects.filter(pk=second.pk).update(credentials=info().credentials)
        with observing(second) as other:
            eventually(lambda: "connected already, under another name" in other().state_message)
            assert (other().state, other().identity) == (State.DISCONNECTED, "")
        cluster_disconnect(actor=actor_of(), cluster=first)
    first.delete()
    with observing(second) as other:
        eventually(lambda: other().state == State.CONNECTED)


def test_only_the_authority_that_was_given_is_trusted(proxy: FaultProxy, kubeconfig: str) -> None:
    cluster = connected(through(proxy, kubeconfig))
    with observing(cluster) as info:
        eventually(lambda: info().state == State.CONNECTED)
    proxy.renew_authority()
    # As after a new start: no connection is left from before.
    registry._gateways.pop(cluster.pk)[1].close()
    with observing(cluster) as info:
        eventually(lambda: info().state == State.DISCONNECTED)
        assert "not signed by the authority" in info().state_message
        assert "give it new credentials" in info().state_message
        cluster_reconnect(actor=actor_of(), cluster=cluster, kubeconfig=through(proxy, kubeconfig))
        eventually(lambda: info().state == State.CONNECTED, seconds=30)


class Site:
    """A cluster with a pool of nodes of its own, and a project."""

    def __init__(self, name: str, kubeconfig: str, kubelet: FakeKubelet) -> None:
        self.name = name
        self.cluster = connected(kubeconfig)
        self.pool = make_pool(name, self.cluster, label_key="test")
        self.project = make_project(name, OrgUnit.objects.get(parent=self.cluster, name="default"))
        registry.gateway_for(self.cluster.pk).apply_namespace(self.project.project_info.namespace, name)
        kubelet.add_node(f"{name}-node", 8, labels={"test": name})

    def loops(self) -> dict[str, Loop]:
        seen = Event()
        return {
            f"observer:cluster:{self.cluster.pk}": Observer(self.cluster.pk, seen, Event()),
            f"loop:pool:{self.pool.pk}": PoolLoop(self.pool.pk, seen),
        }

    def submit(self, name: str) -> Workload:
        return workload_submit(
            actor=SYSTEM,
            project=self.project,
            kind=Workload.Kind.TRAINING,
            name=name,
            image="busybox",
            cpu_millicores=500,
            memory_bytes=2**30,
            devices=1,
            pools=[self.pool.name],
        )

    def is_running(self, workload: Workload) -> bool:
        return Workload.objects.filter(pk=workload.pk, state=Workload.State.RUNNING).exists()

    @property
    def info(self) -> ClusterInfo:
        return ClusterInfo.objects.get(pk=self.cluster.pk)


def test_cluster_out_of_reach_holds_up_no_other(
    proxy: FaultProxy, kubeconfig: str, kubelet: FakeKubelet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr(pulse, "PULSE_SECONDS", 0.3)
    # One server stands for two.
    monkeypatch.setattr(KubernetesGateway, "identity", lambda gateway: gateway.transport.server)
    near, far = Site("reach-near", kubeconfig, kubelet), Site("reach-far", through(proxy, kubeconfig), kubelet)
    with running(**near.loops(), **far.loops()):
        before = far.submit("before")
        eventually(lambda: far.is_running(before), seconds=30)
        proxy.cut()
        eventually(lambda: far.info.state == State.DISCONNECTED)
        later, beside = far.submit("later"), near.submit("beside")
        eventually(lambda: near.is_running(beside), seconds=30)
        assert near.info.state == State.CONNECTED
        assert far.is_running(before)
        assert not Decision.objects.filter(workload=later.pk).exists()
        client = signed_in(make_user(role=ADMIN))
        page = client.get(f"/settings/clusters/{far.cluster.pk}/").content.decode()
        assert f"Cluster {far.cluster.name} has not been connected for" in page
        assert f"Cluster {far.cluster.name} was last connected" in client.get("/workloads/").content.decode()
        proxy.mend()
        eventually(lambda: far.is_running(later), seconds=30)
        assert far.info.state == State.CONNECTED
    assert "was last connected" not in client.get("/workloads/").content.decode()


def test_loops_of_a_cluster_that_is_away_decide_nothing(kubeconfig: str) -> None:
    cluster = connected(kubeconfig)
    ClusterInfo.objects.filter(pk=cluster.pk).update(state=State.DISCONNECTED)
    pool = default_pool_of(cluster)
    tenure = Tenure.take(f"loop:pool:{pool.pk}", "test")
    assert tenure is not None
    loop, stop = PoolLoop(pool.pk, Event()), Event()
    loop.step(tenure, stop)
    assert loop._decided_in == 0
    ClusterInfo.objects.filter(pk=cluster.pk).update(state=State.CONNECTED)
    loop.step(tenure, stop)
    assert loop._decided_in > 0
    assert not Decision.objects.exists()


def test_token_of_the_pod_that_bursar_runs_in_is_read_anew(
    control_plane: ControlPlane, kubeconfig: str, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SERVICE_ACCOUNT_FOLDER = str(tmp_path)
    monkeypatch.setattr(transport, "TOKEN_SECONDS", 0.0)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", control_plane.address.rsplit(":", 1)[1])
    (tmp_path / "ca.crt").write_bytes((control_plane.folder / "ca.crt").read_bytes())
    token = tmp_path / "token"
    token.write_text("not this one")
    with observing(connected("in-cluster")) as info:
        eventually(lambda: "credentials are not accepted" in info().state_message)
        token.write_text(yaml.safe_load(kubeconfig)["users"][0]["user"]["token"])
        eventually(lambda: info().state == State.CONNECTED, seconds=30)
