"""What a workload becomes in a cluster."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.clusters.gateway import GatewayError
from scheduling.clusters.kubernetes.forms import object_name
from scheduling.clusters.kubernetes.workloads import service_manifest, workload_manifest
from scheduling.clusters.orders import PodGroup, WorkloadObject

GROUP = PodGroup("main", 4, devices=2, device_milli=1000, cpu_millicores=1500, memory_bytes=3 * 2**30)
WORKLOAD = WorkloadObject(
    uid="8a7b6c5d-1111-4222-8333-444455556666",
    name="train",
    namespace="bursar-vision",
    project="vision",
    pool="a100",
    kind="distributed training",
    image="registry.example/train:1",
    command=("python", "train.py"),
    env={"B": "2", "A": "1"},
    groups=(GROUP,),
)
KEY = WORKLOAD.key


def grouped(**changes: object) -> WorkloadObject:
    """With pods that ask for something else."""
    return replace(WORKLOAD, groups=(replace(GROUP, **changes),))  # type: ignore[arg-type]


def test_job_starts_all_its_pods_under_our_scheduler() -> None:
    job = workload_manifest(WORKLOAD)
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
    assert (spec["parallelism"], spec["completions"]) == (4, 4)
    assert (pod["schedulerName"], pod["restartPolicy"]) == ("bursar", "Never")
    assert pod["automountServiceAccountToken"] is False


def test_labels_tell_whose_it_is_on_job_and_pods() -> None:
    job = workload_manifest(WORKLOAD)
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
    spec = workload_manifest(WORKLOAD)["spec"]
    assert (spec["backoffLimit"], spec["backoffLimitPerIndex"]) == (0, 0)
    (rule,) = spec["podFailurePolicy"]["rules"]
    assert rule == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}


def test_container_asks_for_exact_amounts() -> None:
    (container,) = workload_manifest(WORKLOAD)["spec"]["template"]["spec"]["containers"]
    assert container["resources"] == {
        "requests": {"cpu": "1500m", "memory": "3221225472", "nvidia.com/gpu": "2"},
        "limits": {"memory": "3221225472", "nvidia.com/gpu": "2"},
    }
    assert container["command"] == ["python", "train.py"]
    assert container["env"][-2:] == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]


def test_more_is_given_up_only_where_the_namespace_is_restricted() -> None:
    pod = workload_manifest(WORKLOAD)["spec"]["template"]["spec"]
    assert "securityContext" not in pod.keys() | pod["containers"][0].keys()
    restricted = workload_manifest(replace(WORKLOAD, restricted=True))["spec"]["template"]["spec"]
    assert restricted.pop("securityContext") == {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert restricted["containers"][0].pop("securityContext") == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert restricted == pod


def test_work_without_gpu_or_command_leaves_them_to_the_image() -> None:
    (container,) = workload_manifest(replace(grouped(devices=0), command=()))["spec"]["template"]["spec"]["containers"]
    assert "nvidia.com/gpu" not in container["resources"]["limits"] | container["resources"]["requests"]
    assert "command" not in container


def test_part_of_a_gpu_is_refused() -> None:
    with pytest.raises(GatewayError, match="whole GPUs"):
        workload_manifest(grouped(devices=1, device_milli=500))
    with pytest.raises(GatewayError, match="whole GPUs"):
        workload_manifest(grouped(device_memory_mib=1024))


def test_labels_and_taints_of_nodes_are_in_the_pod_template() -> None:
    plain = workload_manifest(WORKLOAD)["spec"]["template"]["spec"]
    assert "nodeSelector" not in plain
    assert "tolerations" not in plain
    at_once = {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 0}
    tolerations = ({"key": "gpu", "operator": "Equal", "value": "yes", "effect": ""}, at_once)
    wished = replace(WORKLOAD, node_labels={"zone": "z1", "rack": "r7"}, tolerations=tolerations)
    spec = workload_manifest(wished)["spec"]["template"]["spec"]
    assert spec["nodeSelector"] == {"rack": "r7", "zone": "z1"}
    assert spec["tolerations"] == [{"key": "gpu", "operator": "Equal", "value": "yes"}, at_once]


def of_kind(kind: str, **changes: object) -> dict[str, Any]:
    return workload_manifest(replace(WORKLOAD, kind=kind, **changes))  # type: ignore[arg-type]


def test_workspace_keeps_its_names_and_stops_at_no_pods() -> None:
    made = of_kind("workspace")
    spec = made["spec"]
    assert (made["apiVersion"], made["kind"], spec["replicas"]) == ("apps/v1", "StatefulSet", 4)
    assert (spec["serviceName"], spec["podManagementPolicy"]) == (made["metadata"]["name"], "Parallel")
    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
    assert spec["template"]["spec"]["restartPolicy"] == "Always"


def test_inference_is_renewed_in_the_room_that_it_has() -> None:
    made = of_kind("inference")
    assert (made["apiVersion"], made["kind"], made["spec"]["replicas"]) == ("apps/v1", "Deployment", 4)
    assert made["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}


def test_pods_of_a_distributed_training_find_each_other() -> None:
    pod = of_kind("distributed training")["spec"]["template"]["spec"]
    service = service_manifest(WORKLOAD, "uid-1")
    name = service["metadata"]["name"]
    assert pod["subdomain"] == name
    env = {variable["name"]: variable for variable in pod["containers"][0]["env"]}
    assert (env["MASTER_ADDR"]["value"], env["NNODES"]["value"]) == (f"{name}-0.{name}", "4")
    assert (service["spec"]["clusterIP"], service["spec"]["selector"]) == ("None", {"bursar.dev/workload": KEY.uid})
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": "uid-1"}
    assert service["metadata"]["ownerReferences"] == [owner]


def test_what_somebody_says_of_the_meeting_counts() -> None:
    pod = of_kind("distributed training", env={"MASTER_ADDR": "mine"})["spec"]["template"]["spec"]
    found = [variable["value"] for variable in pod["containers"][0]["env"] if variable["name"] == "MASTER_ADDR"]
    assert found == ["mine"]


def test_a_training_of_one_kind_of_pod_needs_no_service() -> None:
    pod = of_kind("training")["spec"]["template"]["spec"]
    assert "subdomain" not in pod
    assert [variable["name"] for variable in pod["containers"][0]["env"]] == ["A", "B"]


def test_stated_run_time_is_an_annotation_of_the_pods() -> None:
    assert "annotations" not in workload_manifest(WORKLOAD)["spec"]["template"]["metadata"]
    timed = workload_manifest(replace(WORKLOAD, extra={"run_seconds": 20, "fail_after_seconds": None}))
    assert timed["spec"]["template"]["metadata"]["annotations"] == {"bursar.dev/run-seconds": "20"}


@given(st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True), st.uuids(), st.uuids())
def test_name_is_valid_and_of_one_workload_only(name: str, one: object, other: object) -> None:
    named = object_name(replace(KEY, name=name, uid=str(one)))
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", named)
    assert (named == object_name(replace(KEY, name=name, uid=str(other)))) == (str(one)[:8] == str(other)[:8])


DOCUMENT = {
    "metadata": {"labels": {"team": "a"}},
    "spec": {"activeDeadlineSeconds": 60},
    "template": {
        "metadata": {"labels": {"app": "train"}, "annotations": {"note": "b"}},
        "spec": {
            "initContainers": [{"name": "fetch", "image": "busybox"}],
            "containers": [
                {"name": "main", "image": "python:3.12", "env": [{"name": "MASTER_PORT", "value": "7"}]},
                {"name": "logs", "image": "busybox"},
            ],
            "volumes": [{"name": "scratch", "emptyDir": {}}],
        },
    },
}
AS_YAML = replace(WORKLOAD, manifest=DOCUMENT, node_labels={"zone": "a"}, submitted_by="mira@example.org")


def test_what_bursar_has_to_say_is_laid_over_a_document() -> None:
    made, plain = workload_manifest(AS_YAML), workload_manifest(replace(AS_YAML, manifest={}))
    assert made["metadata"] == plain["metadata"] | {"labels": {"team": "a"} | plain["metadata"]["labels"]}
    assert made["spec"] == plain["spec"] | {"activeDeadlineSeconds": 60, "template": made["spec"]["template"]}
    template, ours = made["spec"]["template"], plain["spec"]["template"]
    assert template["metadata"]["labels"] == {"app": "train"} | ours["metadata"]["labels"]
    assert template["metadata"]["annotations"] == {"note": "b", "bursar.dev/submitted-by": "mira@example.org"}
    own = {name: value for name, value in ours["spec"].items() if name != "containers"}
    assert own.items() <= template["spec"].items()
    assert template["spec"]["volumes"] == [{"name": "scratch", "emptyDir": {}}]
    assert "env" not in template["spec"]["initContainers"][0]


def test_processes_of_a_document_find_each_other_unless_it_says_how() -> None:
    main, logs = workload_manifest(AS_YAML)["spec"]["template"]["spec"]["containers"]
    assert [variable["name"] for variable in main["env"]] == ["MASTER_ADDR", "NODE_RANK", "NNODES", "MASTER_PORT"]
    assert main["env"][-1]["value"] == "7"
    assert [variable["name"] for variable in logs["env"]] == ["MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "NNODES"]


def test_nothing_of_a_document_takes_the_place_of_what_bursar_says() -> None:
    """Were the checks to let it through."""
    hostile = {"labels": {"bursar.dev/workload": "other", "bursar.dev/project": "other"}}
    pod = DOCUMENT["template"]["spec"] | {"schedulerName": "other", "automountServiceAccountToken": True}  # type: ignore[index]
    manifest = {"metadata": hostile, "spec": {"parallelism": 9}, "template": {"metadata": hostile, "spec": pod}}
    made, plain = (workload_manifest(replace(AS_YAML, manifest=given)) for given in (manifest, {}))
    assert made["metadata"] == plain["metadata"]
    assert made["spec"]["parallelism"] == 4
    assert made["spec"]["template"]["metadata"] == plain["spec"]["template"]["metadata"]
    assert made["spec"]["template"]["spec"]["schedulerName"] == "bursar"
    assert made["spec"]["template"]["spec"]["automountServiceAccountToken"] is False
