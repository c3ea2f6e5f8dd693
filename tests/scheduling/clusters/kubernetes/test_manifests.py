"""What a workload becomes in a cluster."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.clusters.gateway import GatewayError, PodGroup, WorkloadObject
from scheduling.clusters.kubernetes import manifests

GROUP = PodGroup("main", 4, devices=2, device_milli=1000, cpu_millicores=1500, memory_bytes=3 * 2**30)
WORKLOAD = WorkloadObject(
    uid="8a7b6c5d-1111-4222-8333-444455556666",
    name="train",
    namespace="bursar-vision",
    project="vision",
    pool="a100",
    kind="distributed",
    image="registry.example/train:1",
    command=("python", "train.py"),
    env={"B": "2", "A": "1"},
    groups=(GROUP,),
)


def grouped(**changes: object) -> WorkloadObject:
    """With pods that ask for something else."""
    return replace(WORKLOAD, groups=(replace(GROUP, **changes),))  # type: ignore[arg-type]


def test_job_starts_all_its_pods_under_our_scheduler() -> None:
    job = manifests.job(WORKLOAD)
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
    assert (spec["parallelism"], spec["completions"]) == (4, 4)
    assert (pod["schedulerName"], pod["restartPolicy"]) == ("bursar", "Never")
    assert pod["automountServiceAccountToken"] is False


def test_labels_tell_whose_it_is_on_job_and_pods() -> None:
    job = manifests.job(WORKLOAD)
    labels = {
        "app.kubernetes.io/managed-by": "bursar",
        "bursar.dev/workload": WORKLOAD.uid,
        "bursar.dev/project": "vision",
        "bursar.dev/pool": "a100",
        "bursar.dev/sub-group": "main",
    }
    assert job["metadata"]["labels"] == labels
    assert job["spec"]["template"]["metadata"]["labels"] == labels


def test_evictions_use_up_no_retries() -> None:
    spec = manifests.job(WORKLOAD)["spec"]
    assert spec["backoffLimit"] == 0
    (rule,) = spec["podFailurePolicy"]["rules"]
    assert rule == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}


def test_container_asks_for_exact_amounts() -> None:
    (container,) = manifests.job(WORKLOAD)["spec"]["template"]["spec"]["containers"]
    assert container["resources"] == {
        "requests": {"cpu": "1500m", "memory": "3221225472", "nvidia.com/gpu": "2"},
        "limits": {"memory": "3221225472", "nvidia.com/gpu": "2"},
    }
    assert container["command"] == ["python", "train.py"]
    assert container["env"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]


def test_work_without_gpu_or_command_leaves_them_to_the_image() -> None:
    (container,) = manifests.job(replace(grouped(devices=0), command=()))["spec"]["template"]["spec"]["containers"]
    assert "nvidia.com/gpu" not in container["resources"]["limits"] | container["resources"]["requests"]
    assert "command" not in container


def test_part_of_a_gpu_is_refused() -> None:
    with pytest.raises(GatewayError, match="whole GPUs"):
        manifests.job(grouped(devices=1, device_milli=500))
    with pytest.raises(GatewayError, match="whole GPUs"):
        manifests.job(grouped(device_memory_mib=1024))


def test_several_groups_are_refused() -> None:
    with pytest.raises(GatewayError, match="submit one group"):
        manifests.job(replace(WORKLOAD, groups=(GROUP, replace(GROUP, name="launcher"))))


def test_labels_and_taints_of_nodes_are_in_the_pod_template() -> None:
    plain = manifests.job(WORKLOAD)["spec"]["template"]["spec"]
    assert "nodeSelector" not in plain
    assert "tolerations" not in plain
    tolerations = ({"key": "gpu", "operator": "Equal", "value": "yes", "effect": ""}, {"operator": "Exists"})
    wished = replace(WORKLOAD, node_labels={"zone": "z1", "rack": "r7"}, tolerations=tolerations)
    spec = manifests.job(wished)["spec"]["template"]["spec"]
    assert spec["nodeSelector"] == {"rack": "r7", "zone": "z1"}
    assert spec["tolerations"] == [{"key": "gpu", "operator": "Equal", "value": "yes"}, {"operator": "Exists"}]


def test_stated_run_time_is_an_annotation_of_the_pods() -> None:
    assert "annotations" not in manifests.job(WORKLOAD)["spec"]["template"]["metadata"]
    timed = manifests.job(replace(WORKLOAD, extra={"run_seconds": 20, "fail_after_seconds": None}))
    assert timed["spec"]["template"]["metadata"]["annotations"] == {"bursar.dev/run-seconds": "20"}


@given(st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True), st.uuids(), st.uuids())
def test_job_name_is_valid_and_of_one_workload_only(name: str, one: object, other: object) -> None:
    named = manifests.job_name(name, str(one))
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", named)
    assert (named == manifests.job_name(name, str(other))) == (str(one)[:8] == str(other)[:8])


def test_binding_carries_uid_and_decision() -> None:
    binding = manifests.binding(pod="p", namespace="ns", uid="u-1", node="n1", decision=17, devices="0,3")
    assert binding["metadata"] == {
        "name": "p",
        "namespace": "ns",
        "uid": "u-1",
        "annotations": {"bursar.dev/decision": "17", "bursar.dev/devices": "0,3"},
    }
    assert binding["target"]["name"] == "n1"


def test_eviction_has_the_uid_as_precondition() -> None:
    eviction = manifests.eviction(pod="p", namespace="ns", uid="u-1")
    assert eviction["deleteOptions"] == {"preconditions": {"uid": "u-1"}}
