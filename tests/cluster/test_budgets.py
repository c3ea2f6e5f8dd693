"""Disruption budgets of a real cluster: seen, heeded, and overridden where a guaranteed quota has waited too long."""

from __future__ import annotations

import threading

from scheduling.clusters.kubernetes.gateway import KubernetesGateway
from scheduling.clusters.orders import BY_BUDGET, Eviction, Outcome, Result
from scheduling.clusters.seen import SeenBudget
from tests.cluster.api import Object
from tests.cluster.control_plane import ControlPlane
from tests.cluster.kubelet import FakeKubelet
from tests.cluster.test_gateway import JOBS, PODS, bound_pod, pods_of, workload
from tests.cluster.waiting import eventually

BUDGETS = "/apis/policy/v1/namespaces/{}/poddisruptionbudgets"


def protect(control_plane: ControlPlane, namespace: str, name: str, **spec: object) -> None:
    """A budget that has been counted."""
    path = BUDGETS.format(namespace)
    control_plane.api.create(path, {"metadata": {"name": name}, "spec": {"minAvailable": 1, **spec}})
    eventually(lambda: control_plane.api.get(f"{path}/{name}").get("status", {}).get("observedGeneration"))


def evict(gateway: KubernetesGateway, pod: Object, **how: object) -> Result:
    metadata = pod["metadata"]
    order = Eviction(7, metadata["namespace"], metadata["name"], metadata["uid"], "Taken back.", **how)  # type: ignore[arg-type]
    (result,) = gateway.evict([order], lambda: True)
    return result


def seen_budget(gateway: KubernetesGateway, namespace: str) -> SeenBudget:
    stop = threading.Event()
    for seen in gateway.watch(stop):
        for budget in seen.budgets:
            if budget.namespace == namespace:
                stop.set()
                return budget
    raise AssertionError


def test_a_budget_is_seen_with_what_it_covers_and_allows(
    control_plane: ControlPlane, gateway: KubernetesGateway, kubelet: FakeKubelet, namespace: str
) -> None:
    kubelet.add_node("counts")
    wanted = workload(namespace)
    pod = bound_pod(control_plane, gateway, wanted, "counts")
    expressions = [{"key": "bursar.dev/workload", "operator": "Exists"}]
    protect(control_plane, namespace, "some", minAvailable=0, selector={"matchExpressions": expressions})
    path = f"{BUDGETS.format(namespace)}/some"
    eventually(lambda: control_plane.api.get(path)["status"].get("disruptionsAllowed"))
    budget = seen_budget(gateway, namespace)
    assert (budget.name, budget.allowed) == ("some", 1)
    assert (budget.covers(pod["metadata"]["labels"]), budget.covers({})) == (True, False)


def test_an_eviction_that_a_budget_refuses_says_which(
    control_plane: ControlPlane, gateway: KubernetesGateway, kubelet: FakeKubelet, namespace: str
) -> None:
    kubelet.add_node("protects")
    wanted = workload(namespace)
    pod = bound_pod(control_plane, gateway, wanted, "protects")
    protect(control_plane, namespace, "keep-one", selector={"matchLabels": {"bursar.dev/workload": wanted.uid}})
    result = evict(gateway, pod)
    assert (result.outcome, result.message.startswith(BY_BUDGET), "keep-one" in result.message) == (
        Outcome.FAILED,
        True,
        True,
    )
    # The cluster is not overloaded: the next order goes out at once.
    assert evict(gateway, pod).outcome is Outcome.FAILED
    (still,) = pods_of(control_plane, wanted)
    assert "deletionTimestamp" not in still["metadata"]


def test_two_budgets_on_one_pod_refuse_as_one_does(
    control_plane: ControlPlane, gateway: KubernetesGateway, kubelet: FakeKubelet, namespace: str
) -> None:
    kubelet.add_node("protects-twice")
    pod = bound_pod(control_plane, gateway, workload(namespace), "protects-twice")
    for name in ("one", "two"):
        protect(control_plane, namespace, name, selector={})
    for _ in range(2):
        result = evict(gateway, pod)
        assert (result.outcome, result.message.startswith(BY_BUDGET)) == (Outcome.FAILED, True)
    assert evict(gateway, pod, overrides=True).outcome is Outcome.CONFIRMED


def test_an_overridden_budget_costs_the_job_no_retry(
    control_plane: ControlPlane, gateway: KubernetesGateway, kubelet: FakeKubelet, namespace: str
) -> None:
    kubelet.add_node("overrides")
    wanted = workload(namespace)
    pod = bound_pod(control_plane, gateway, wanted, "overrides")
    protect(control_plane, namespace, "all", selector={})
    assert evict(gateway, pod, overrides=True).outcome is Outcome.CONFIRMED
    metadata = pod["metadata"]
    eventually(lambda: gateway.read_pod(namespace, metadata["name"], metadata["uid"]) is None)
    assert evict(gateway, pod, overrides=True).outcome is Outcome.CONFIRMED, "done already"
    (replacement,) = eventually(lambda: pods_of(control_plane, wanted), seconds=30)
    assert replacement["metadata"]["uid"] != metadata["uid"]
    (job,) = control_plane.api.items(JOBS.format(namespace))
    assert (job["status"].get("failed", 0), job["status"].get("conditions", [])) == (0, [])


def test_who_is_deleted_in_spite_of_a_budget_is_told_why_and_has_a_minute(
    control_plane: ControlPlane, gateway: KubernetesGateway, namespace: str
) -> None:
    spec = {"containers": [{"name": "main", "image": "busybox"}], "terminationGracePeriodSeconds": 7200}
    spec |= {"nodeName": "silent", "schedulerName": "bursar"}
    pod = control_plane.api.create(PODS.format(namespace), {"metadata": {"name": "slow"}, "spec": spec})
    path = f"{PODS.format(namespace)}/slow"
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    control_plane.api.patch(f"{path}/status", {"status": {"phase": "Running", "conditions": [ready]}})
    protect(control_plane, namespace, "all", selector={})
    other = {"metadata": {**pod["metadata"], "uid": "another"}}
    assert evict(gateway, other, overrides=True).outcome is Outcome.CONFIRMED
    assert "deletionTimestamp" not in control_plane.api.get(path)["metadata"]
    assert evict(gateway, pod, overrides=True).outcome is Outcome.CONFIRMED
    found = control_plane.api.get(path)
    assert found["metadata"]["deletionGracePeriodSeconds"] == 60
    (condition,) = [item for item in found["status"]["conditions"] if item["type"] == "DisruptionTarget"]
    assert (condition["status"], condition["reason"], condition["message"]) == (
        "True", "PreemptionByScheduler", "Taken back.",
    )  # fmt: skip
    assert {item["type"] for item in found["status"]["conditions"]} >= {"Ready", "DisruptionTarget"}
