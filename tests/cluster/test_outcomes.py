"""Every way in which a bind or an eviction can end, on a real API server behind a line that fails as it is told to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from uuid import uuid4

import pytest

from scheduling.clusters.kubernetes.gateway import KubernetesGateway
from scheduling.clusters.kubernetes.kubeconfig import parse_kubeconfig
from scheduling.clusters.orders import Bind, Eviction, Outcome, Result
from tests.cluster.api import ApiError, Object
from tests.cluster.bursar import gateway_for
from tests.cluster.control_plane import ControlPlane
from tests.cluster.fault_proxy import FaultProxy
from tests.cluster.test_gateway import PODS, bind_of
from tests.cluster.waiting import eventually

TIMEOUT_SECONDS = 1.0


class Line(FaultProxy):
    """Fails once, in this way, at the next path that ends so."""

    way = ""
    at = ""

    def answers(self, method: str, path: str, ways: dict[str, int]) -> str:
        if self.way and path.endswith(self.at):
            way, self.way = self.way, ""
            return way
        return ""


@pytest.fixture
def line(control_plane: ControlPlane) -> Iterator[Line]:
    with Line(control_plane.address, control_plane.folder / "ca.crt", seed=1) as running:
        running.failing.set()
        yield running


@pytest.fixture
def gateway(line: Line, kubeconfig: str) -> Iterator[KubernetesGateway]:
    credentials = parse_kubeconfig(kubeconfig, allow_local=True)
    through = replace(credentials, server=line.address, ca_data=line.authority.certificate)
    made = KubernetesGateway(through, call_timeout_seconds=TIMEOUT_SECONDS, allow_local=True)
    yield made
    made.close()


@pytest.fixture
def pod(control_plane: ControlPlane, namespace: str) -> Object:
    spec = {"schedulerName": "bursar", "containers": [{"name": "main", "image": "busybox"}]}
    return control_plane.api.create(PODS.format(namespace), {"metadata": {"name": "p"}, "spec": spec})


def bind(gateway: KubernetesGateway, order: Bind) -> Result:
    (result,) = gateway.bind([order], lambda: True)
    return result


def evict(gateway: KubernetesGateway, pod: Object) -> Result:
    metadata = pod["metadata"]
    (result,) = gateway.evict([Eviction(1, metadata["namespace"], metadata["name"], metadata["uid"])], lambda: True)
    return result


def node_of(control_plane: ControlPlane, pod: Object) -> str | None:
    found = control_plane.api.get(f"{PODS.format(pod['metadata']['namespace'])}/p")
    name: str | None = found["spec"].get("nodeName")
    return name


def is_gone(control_plane: ControlPlane, pod: Object) -> bool:
    """Evicted: nobody runs it, so the server removes it at once."""
    try:
        control_plane.api.get(f"{PODS.format(pod['metadata']['namespace'])}/p")
    except ApiError as error:
        return error.status == 404
    return False


def until_sent(send: Callable[[], Result]) -> Result:
    """The cluster is left alone for a while after a failure."""
    return eventually(lambda: (found := send()).outcome is not Outcome.NOT_SENT and found)


WAYS = [
    ("lost", Outcome.UNKNOWN, True),
    ("half", Outcome.UNKNOWN, True),
    ("silent", Outcome.UNKNOWN, False),
    ("cut", Outcome.UNKNOWN, False),
    ("unavailable", Outcome.UNKNOWN, False),
    ("overload", Outcome.NOT_SENT, False),
]
"""How the line fails, what is known of the order then, and whether it was done all the same."""


@pytest.mark.parametrize(("way", "outcome", "done"), WAYS)
def test_bind_over_a_line_that_fails(
    control_plane: ControlPlane, gateway: KubernetesGateway, line: Line, pod: Object,
    way: str, outcome: Outcome, done: bool,
) -> None:  # fmt: skip
    order = bind_of(pod, "n1", 7)
    line.way, line.at = way, "/binding"
    assert bind(gateway, order).outcome is outcome
    assert node_of(control_plane, pod) == ("n1" if done else None)
    assert until_sent(lambda: bind(gateway, order)).outcome is Outcome.CONFIRMED, "sent again it is done, once"
    assert node_of(control_plane, pod) == "n1"


@pytest.mark.parametrize(("way", "outcome", "done"), WAYS)
def test_eviction_over_a_line_that_fails(
    control_plane: ControlPlane, gateway: KubernetesGateway, line: Line, pod: Object,
    way: str, outcome: Outcome, done: bool,
) -> None:  # fmt: skip
    line.way, line.at = way, "/eviction"
    assert evict(gateway, pod).outcome is outcome
    assert is_gone(control_plane, pod) is done
    assert until_sent(lambda: evict(gateway, pod)).outcome is Outcome.CONFIRMED
    assert is_gone(control_plane, pod)


def test_overload_is_obeyed_for_as_long_as_the_server_says(gateway: KubernetesGateway, line: Line, pod: Object) -> None:
    line.way, line.at = "overload", "/binding"
    order = bind_of(pod, "n1", 7)
    began = time.monotonic()
    assert bind(gateway, order).outcome is Outcome.NOT_SENT
    assert bind(gateway, order).outcome is Outcome.NOT_SENT, "nothing goes out meanwhile"
    assert until_sent(lambda: bind(gateway, order)).outcome is Outcome.CONFIRMED
    assert 1.0 <= time.monotonic() - began < 5


def test_connection_that_is_refused_leaves_the_order_unsent(kubeconfig: str, pod: Object) -> None:
    credentials = replace(parse_kubeconfig(kubeconfig, allow_local=True), server="https://127.0.0.1:1")
    nobody = KubernetesGateway(credentials, call_timeout_seconds=TIMEOUT_SECONDS, allow_local=True)
    assert bind(nobody, bind_of(pod, "n1", 7)).outcome is Outcome.NOT_SENT
    nobody.close()


def test_bind_of_a_pod_that_is_bound_elsewhere_has_failed(
    control_plane: ControlPlane, gateway: KubernetesGateway, pod: Object
) -> None:
    assert bind(gateway, bind_of(pod, "n1", 1)).outcome is Outcome.CONFIRMED
    for other in (bind_of(pod, "n2", 2), bind_of(pod, "n1", 3)):
        result = bind(gateway, other)
        assert (result.outcome, "already assigned" in result.message) == (Outcome.FAILED, True)
    assert node_of(control_plane, pod) == "n1"


def test_bind_of_a_pod_that_was_replaced_or_is_gone_has_failed(
    control_plane: ControlPlane, gateway: KubernetesGateway, pod: Object
) -> None:
    order = bind_of(pod, "n1", 1)
    replaced, gone = bind(gateway, replace(order, uid=str(uuid4()))), bind(gateway, replace(order, pod="gone"))
    assert [(result.outcome, result.message[:24]) for result in (replaced, gone)] == [
        (Outcome.FAILED, "The cluster answers 409:"),
        (Outcome.FAILED, "The cluster answers 404:"),
    ]
    assert node_of(control_plane, pod) is None


def test_bind_of_a_pod_that_somebody_holds_back_has_failed(
    control_plane: ControlPlane, gateway: KubernetesGateway, namespace: str
) -> None:
    spec = {"schedulerName": "bursar", "containers": [{"name": "main", "image": "busybox"}]}
    spec["schedulingGates"] = [{"name": "example.com/later"}]
    pod = control_plane.api.create(PODS.format(namespace), {"metadata": {"name": "p"}, "spec": spec})
    assert bind(gateway, bind_of(pod, "n1", 1)).outcome is Outcome.FAILED
    assert node_of(control_plane, pod) is None


def test_bind_without_the_right_to_has_failed_and_says_what_to_do(control_plane: ControlPlane, pod: Object) -> None:
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    reader = gateway_for(control_plane.service_account_kubeconfig("reader-of-pods", rules))
    result = bind(reader, bind_of(pod, "n1", 1))
    assert (result.outcome, "bursar.yaml" in result.message) == (Outcome.FAILED, True)
    reader.close()


def test_eviction_of_a_pod_that_is_gone_is_done(
    control_plane: ControlPlane, gateway: KubernetesGateway, pod: Object
) -> None:
    control_plane.api.delete(f"{PODS.format(pod['metadata']['namespace'])}/p")
    assert evict(gateway, pod).outcome is Outcome.CONFIRMED
