"""What an observer is told of Kubernetes' objects."""

from typing import Any

import msgspec
import pytest

from scheduling.clusters.kubernetes import decode
from scheduling.clusters.kubernetes.seeing import seen_job, seen_namespace, seen_node, seen_pod
from scheduling.clusters.seen import ObjectState, PodPhase, SeenPod


def pod(*, status: dict[str, Any] | None = None, **spec: Any) -> SeenPod:
    content = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"uid": "u-1", "name": "p", "namespace": "ns", "creationTimestamp": "2026-01-01T00:00:01Z"},
        "spec": {"containers": [], **spec},
        "status": {"phase": "Pending", **(status or {})},
    }
    return seen_pod(msgspec.json.decode(msgspec.json.encode(content), type=decode.Pod))


def asking(cpu: str, **more: Any) -> dict[str, Any]:
    return {"resources": {"requests": {"cpu": cpu, "memory": "1Gi", "nvidia.com/gpu": "1"}}, **more}


def test_node_with_its_gpus_taints_and_health() -> None:
    content = {
        "metadata": {
            "uid": "n-1",
            "name": "gpu-1",
            "labels": {"nvidia.com/gpu.product": "NVIDIA-A100", "nvidia.com/gpu.memory": "81920"},
        },
        "spec": {"unschedulable": True, "taints": [{"key": "k", "effect": "NoSchedule"}]},
        "status": {
            "allocatable": {"cpu": "63500m", "memory": "500Gi", "nvidia.com/gpu": "8", "pods": "110"},
            "conditions": [
                {"type": "MemoryPressure", "status": "False", "message": "all\nwell\x00"},
                {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:01Z"},
            ],
        },
    }
    node = seen_node(msgspec.json.decode(msgspec.json.encode(content), type=decode.Node))
    assert (node.ready, node.schedulable) == (True, False)
    assert (node.gpu_count, node.gpu_type, node.gpu_memory_bytes) == (8, "NVIDIA-A100", 80 * 2**30)
    assert (node.cpu_millicores, node.memory_bytes, node.pod_slots) == (63_500, 500 * 2**30, 110)
    assert node.taints == ({"key": "k", "value": "", "effect": "NoSchedule"},)
    pressure, ready = node.conditions
    assert (pressure["type"], pressure["status"], pressure["message"], pressure["since"]) == (
        "MemoryPressure", "False", "all well", "",
    )  # fmt: skip
    assert (ready["type"], ready["since"]) == ("Ready", "2026-01-01T00:00:01+00:00")


@pytest.mark.parametrize("ready", ["False", "Unknown"])
def test_node_is_ready_only_when_it_says_so(ready: str) -> None:
    content = {"metadata": {"name": "n"}, "status": {"conditions": [{"type": "Ready", "status": ready}]}}
    node = seen_node(msgspec.json.decode(msgspec.json.encode(content), type=decode.Node))
    assert not node.ready
    assert node.gpu_count == 0


def test_pod_of_another_scheduler_takes_the_sum_of_its_containers() -> None:
    seen = pod(containers=[asking("1"), asking("500m")], nodeName="n1", schedulerName="default-scheduler")
    assert not seen.ours
    assert (seen.node, seen.created_ms) == ("n1", 1_767_225_601_000)
    assert (seen.gpu_milli, seen.cpu_millicores, seen.memory_bytes) == (2000, 1500, 2 * 2**30)


def test_greediest_init_container_counts_where_it_asks_for_more() -> None:
    init = [asking("100m", restartPolicy="Always"), asking("4"), asking("1", restartPolicy="Always")]
    assert pod(containers=[asking("1")], initContainers=init).cpu_millicores == 4100
    assert pod(containers=[asking("9")], initContainers=init, overhead={"cpu": "50m"}).cpu_millicores == 10_150


@pytest.mark.parametrize(
    ("phase", "seen"),
    [
        ("Pending", PodPhase.PENDING),
        ("Running", PodPhase.RUNNING),
        ("Succeeded", PodPhase.SUCCEEDED),
        ("Failed", PodPhase.FAILED),
        ("Unknown", PodPhase.RUNNING),
    ],
)
def test_phase(phase: str, seen: PodPhase) -> None:
    assert pod(status={"phase": phase}).phase is seen


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ({}, ""),
        ({"reason": "OutOfcpu", "message": "no room"}, "OutOfcpu: no room"),
        (
            {"containerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull", "message": "gone"}}}]},
            "ErrImagePull: gone",
        ),
        ({"containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]}, ""),
        ({"containerStatuses": [{"state": {"terminated": {"exitCode": 0}}}]}, ""),
        (
            {"containerStatuses": [{"state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]},
            "exit code 137: OOMKilled",
        ),
        ({"message": "x" * 9000}, "x" * 500),
        ({"message": "one\n\x00two\x1b[31m \u202ethree"}, "one two [31m three"),
    ],
)
def test_message_says_why_a_pod_does_not_run(status: dict[str, Any], message: str) -> None:
    assert pod(status=status).message == message


@pytest.mark.parametrize(
    ("annotation", "decision"), [("17", 17), ("", None), ("x", None), ("٣", None), ("9" * 40, None)]
)
def test_decision_is_read_only_where_it_is_a_number(annotation: str, decision: int | None) -> None:
    content = {"metadata": {"annotations": {"bursar.dev/decision": annotation}}}
    assert seen_pod(msgspec.json.decode(msgspec.json.encode(content), type=decode.Pod)).decision == decision


@pytest.mark.parametrize(
    ("annotation", "devices"), [("0", "0"), ("0,12", "0,12"), ("0,", ""), ("0\x00", ""), ("9" * 90, ""), ("", "")]
)
def test_devices_are_read_only_where_they_are_numbers(annotation: str, devices: str) -> None:
    content = {"metadata": {"annotations": {"bursar.dev/devices": annotation}}}
    assert seen_pod(msgspec.json.decode(msgspec.json.encode(content), type=decode.Pod)).devices == devices


@pytest.mark.parametrize(
    ("conditions", "state"),
    [
        ([], ObjectState.ACTIVE),
        ([{"type": "FailureTarget", "status": "True"}], ObjectState.ACTIVE),
        ([{"type": "Suspended", "status": "False"}, {"type": "Complete", "status": "True"}], ObjectState.SUCCEEDED),
        ([{"type": "Failed", "status": "True", "message": "why"}], ObjectState.FAILED),
    ],
)
def test_state_of_a_job(conditions: list[dict[str, str]], state: ObjectState) -> None:
    content = {"metadata": {"labels": {"bursar.dev/workload": "w-1"}}, "status": {"conditions": conditions}}
    seen = seen_job(msgspec.json.decode(msgspec.json.encode(content), type=decode.Job))
    assert (seen.workload, seen.state) == ("w-1", state)
    assert seen.message == ("why" if state is ObjectState.FAILED else "")


@pytest.mark.parametrize(
    ("level", "restricted"),
    [("restricted", True), ("Baseline", True), ("", True), ("baseline", False), ("privileged", False), (None, False)],
)
def test_a_namespace_is_restricted_where_the_server_takes_it_so(level: str | None, restricted: bool) -> None:
    """Also by a word that it does not know."""
    labels = {} if level is None else {"pod-security.kubernetes.io/enforce": level}
    raw = {"metadata": {"name": "a", "uid": "1", "labels": labels}}
    assert seen_namespace(msgspec.convert(raw, decode.Labelled)).restricted is restricted
