"""Why a pod waits, where `kubectl describe pod` shows it: on a real API server."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from scheduling.clusters.kubernetes.gateway import KubernetesGateway
from scheduling.clusters.kubernetes.request import Request
from scheduling.clusters.orders import PodReason
from tests.cluster.api import Object
from tests.cluster.control_plane import ControlPlane
from tests.cluster.test_gateway import PODS, bind_of

SINCE_MS = 1_900_000_000_000


class Waiting:
    """A pod that nobody has bound."""

    def __init__(self, control_plane: ControlPlane, namespace: str) -> None:
        self.api = control_plane.api
        self.namespace = namespace
        self.path = f"{PODS.format(namespace)}/waits"
        spec = {"schedulerName": "bursar", "containers": [{"name": "main", "image": "busybox"}]}
        self.pod = self.api.create(PODS.format(namespace), {"metadata": {"name": "waits"}, "spec": spec})
        uid = self.pod["metadata"]["uid"]
        now = time.time_ns() // 1_000_000
        self.why = PodReason(namespace, "waits", uid, "Unschedulable", "Waits in a100: short of GPUs.", SINCE_MS, now)

    def conditions(self) -> list[Object]:
        conditions: list[Object] = self.api.get(self.path)["status"].get("conditions", [])
        return conditions

    def scheduled(self) -> Object:
        (condition,) = [condition for condition in self.conditions() if condition["type"] == "PodScheduled"]
        return condition

    def events(self) -> list[Object]:
        selector = f"involvedObject.uid={self.pod['metadata']['uid']}"
        return self.api.items(f"/api/v1/namespaces/{self.namespace}/events", fieldSelector=selector)

    def version(self) -> str:
        version: str = self.api.get(self.path)["metadata"]["resourceVersion"]
        return version


@pytest.fixture
def waiting(control_plane: ControlPlane, namespace: str) -> Waiting:
    return Waiting(control_plane, namespace)


def test_a_pod_says_why_it_waits_as_with_kube_scheduler(gateway: KubernetesGateway, waiting: Waiting) -> None:
    other = {"type": "example.com/Other", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    waiting.api.patch(f"{waiting.path}/status", {"status": {"conditions": [other]}})
    assert gateway.explain(waiting.why)
    assert waiting.scheduled() == {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "Waits in a100: short of GPUs.",
        "lastProbeTime": None,
        "lastTransitionTime": "2030-03-17T17:46:40Z",
    }
    assert "example.com/Other" in {condition["type"] for condition in waiting.conditions()}
    (event,) = waiting.events()
    assert (event["type"], event["reason"], event["message"]) == ("Warning", "FailedScheduling", waiting.why.message)
    assert event["source"] == {"component": "bursar"}


def test_the_same_again_writes_nothing_and_another_reason_does(gateway: KubernetesGateway, waiting: Waiting) -> None:
    assert gateway.explain(waiting.why)
    version = waiting.version()
    assert gateway.explain(replace(waiting.why, at_ms=waiting.why.at_ms + 1))
    assert (waiting.version(), len(waiting.events())) == (version, 1)
    assert gateway.explain(replace(waiting.why, reason="OverLimit", message="x", at_ms=waiting.why.at_ms + 2))
    assert (waiting.scheduled()["reason"], len(waiting.events())) == ("OverLimit", 2)


def test_a_pod_that_is_bound_keeps_what_the_server_says_of_it(gateway: KubernetesGateway, waiting: Waiting) -> None:
    assert gateway.explain(waiting.why)
    gateway.bind([bind_of(waiting.pod, "some-node", 1)], lambda: True)
    assert gateway.explain(replace(waiting.why, message="another"))
    assert waiting.scheduled()["status"] == "True"
    assert len(waiting.events()) == 1


def test_a_pod_that_is_bound_between_reading_and_writing_is_not_told(
    gateway: KubernetesGateway, waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = gateway.call

    def slow(method: str, path: str, *args: object, **kwargs: object) -> bytes:
        if method == "PATCH":
            gateway.bind([bind_of(waiting.pod, "some-node", 1)], lambda: True)
        return call(method, path, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(gateway, "call", slow)
    assert not gateway.explain(waiting.why)
    assert (waiting.scheduled()["status"], waiting.events()) == ("True", [])


def test_a_pod_that_is_gone_or_another_needs_nothing(gateway: KubernetesGateway, waiting: Waiting) -> None:
    assert gateway.explain(replace(waiting.why, uid="another"))
    assert gateway.explain(replace(waiting.why, pod="gone"))
    assert gateway.explain(replace(waiting.why, namespace="gone"))
    assert (waiting.conditions(), waiting.events()) == ([], [])


def test_nothing_is_told_while_orders_are_under_way(
    gateway: KubernetesGateway, waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[bool] = []
    ask = gateway.ask

    def during(method: str, path: str, *args: Any, **kwargs: Any) -> Request:
        if path.endswith("/binding"):
            told.append(gateway.explain(waiting.why))
        return ask(method, path, *args, **kwargs)

    monkeypatch.setattr(gateway, "ask", during)
    gateway.bind([bind_of(waiting.pod, "some-node", 1)], lambda: True)
    assert told == [False]
