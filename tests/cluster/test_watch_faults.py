"""Whatever fails on the way while a cluster changes: the database ends with exactly what the server has."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Event

import pytest

from orgs.models import ClusterInfo, OrgUnit
from orgs.secrets import encrypt
from scheduling.clusters.gateway import GatewayError
from scheduling.clusters.kubernetes import pulse, reflector
from scheduling.clusters.kubernetes.gateway import KubernetesGateway
from scheduling.clusters.kubernetes.kubeconfig import parse_kubeconfig
from scheduling.loops.observer import Observer
from scheduling.loops.tenure import Tenure
from scheduling.loops.thread import LeasedThread
from tests.cluster.control_plane import ControlPlane
from tests.cluster.fault_proxy import FaultProxy
from tests.cluster.kubelet import FakeKubelet
from tests.cluster.turmoil import Turmoil, differences
from tests.cluster.waiting import eventually
from tests.examples import FACTOR
from tests.factories import make_cluster, make_project

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

FAULT_SECONDS = 6.0
RECOVERY_SECONDS = 15.0
ROUNDS = 2


@pytest.fixture
def proxy(control_plane: ControlPlane) -> Iterator[FaultProxy]:
    with FaultProxy(control_plane.address, control_plane.folder / "ca.crt", seed=FACTOR) as running:
        yield running


@pytest.fixture
def cluster(proxy: FaultProxy, kubeconfig: str, settings: object) -> OrgUnit:
    """Connected through the proxy."""
    settings.ALLOW_LOCAL_CLUSTERS = True  # type: ignore[attr-defined]
    made = make_cluster(mode=ClusterInfo.Mode.KUBERNETES)
    credentials = parse_kubeconfig(kubeconfig, allow_local=True)
    through = replace(credentials, server=proxy.address, ca_data=proxy.authority.certificate)
    ClusterInfo.objects.filter(pk=made.pk).update(credentials=encrypt(through.dump()))
    return made


@contextmanager
def observing(cluster: OrgUnit) -> Iterator[LeasedThread]:
    tenure = Tenure.take(f"observer:cluster:{cluster.pk}", "test")
    assert tenure is not None
    thread = LeasedThread(tenure, Observer(cluster.pk, Event(), Event()))
    thread.start()
    try:
        yield thread
    finally:
        thread.stop.set()
        thread.join(10)
    assert not thread.is_alive()


def until_equal(control_plane: ControlPlane, cluster: OrgUnit, seconds: float) -> None:
    """Waits until nothing differs."""
    began = time.monotonic()
    while found := differences(control_plane.api, cluster):
        assert time.monotonic() - began < seconds, "\n".join(found)
        time.sleep(0.2)


def test_connections_that_died_without_a_word_are_replaced(
    control_plane: ControlPlane, proxy: FaultProxy, kubeconfig: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "PULSE_SECONDS", 2.0)
    credentials = parse_kubeconfig(kubeconfig, allow_local=True)
    through = replace(credentials, server=proxy.address, ca_data=proxy.authority.certificate)
    gateway = KubernetesGateway(through, call_timeout_seconds=3.0, allow_local=True)
    watch = gateway.watch(Event())
    assert next(seen for seen in watch if seen.complete)
    # The pulse may be in the middle of its first call, with the only connection that is kept.
    gateway.read_pod(namespace, "any", "any")
    proxy.still.set()
    proxy.lose()
    proxy.still.clear()
    with pytest.raises(GatewayError):
        gateway.read_pod(namespace, "any", "any")
    spec = {"containers": [{"name": "main", "image": "busybox"}]}
    control_plane.api.create(f"/api/v1/namespaces/{namespace}/pods", {"metadata": {"name": "after"}, "spec": spec})
    until = time.monotonic() + RECOVERY_SECONDS
    for seen in watch:
        if any(pod.namespace == namespace for pod in seen.pods):
            break
        assert time.monotonic() < until, "the watch is deaf"
    watch.close()  # type: ignore[attr-defined]
    gateway.close()


def test_database_ends_as_the_server_is(
    control_plane: ControlPlane,
    proxy: FaultProxy,
    cluster: OrgUnit,
    kubelet: FakeKubelet,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reflector, "PAGE_SIZE", 5)
    monkeypatch.setattr(reflector, "LIST_SECONDS", 2.0)
    monkeypatch.setattr(reflector, "SILENCE_SECONDS", 2.0)
    project = make_project(department=OrgUnit.objects.get(parent=cluster, name="default"))
    namespace = project.project_info.namespace
    given = {"name": namespace, "labels": {"bursar.dev/project": project.name}}
    control_plane.api.create("/api/v1/namespaces", {"metadata": given})
    eventually(lambda: control_plane.api.items(f"/api/v1/namespaces/{namespace}/serviceaccounts"))
    turmoil = Turmoil(control_plane.api, kubelet, project, seed=FACTOR)
    for _ in range(4):
        turmoil.add_node()
        turmoil.submit()
    with observing(cluster):
        until_equal(control_plane, cluster, RECOVERY_SECONDS)
        for number in range(ROUNDS * FACTOR):
            proxy.failing.set()
            until = time.monotonic() + FAULT_SECONDS
            while time.monotonic() < until:
                turmoil.act()
                time.sleep(0.03)
            if number % 2:
                control_plane.stop_api_server()
                control_plane.start_api_server()
            proxy.failing.clear()
            until_equal(control_plane, cluster, RECOVERY_SECONDS)
    assert proxy.injected.total() > 10
    assert turmoil.done > 20
    for name in turmoil.nodes:
        kubelet.remove_node(name)
