"""What a training of several groups of pods becomes in a cluster."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from scheduling.clusters.gateway import GatewayError
from scheduling.clusters.kubernetes import decode
from scheduling.clusters.kubernetes.forms import MAX_JOB_SET_NAME, object_name, object_path
from scheduling.clusters.kubernetes.gangs import JobSet, seen_job_set
from scheduling.clusters.kubernetes.seeing import seen_job
from scheduling.clusters.kubernetes.workloads import workload_manifest
from scheduling.clusters.seen import ObjectState
from scheduling.services.workload_rules import JOB_GROUP_NAME_LENGTH, NAME_LENGTH, RANGES
from tests.scheduling.clusters.kubernetes.test_workloads import GROUP, WORKLOAD

WORKERS = replace(GROUP, name="workers")
LAUNCHER = replace(GROUP, name="launcher", pods=1, devices=0)
EVALUATORS = replace(GROUP, name="evaluators", pods=2, devices=1)
GROUPED = replace(
    WORKLOAD, groups=(WORKERS, LAUNCHER, EVALUATORS), retries=3, submitted_by="mira@example.org", env={"A": "1"}
)
NAME = "train-8a7b6c5d"


def jobs() -> dict[str, Any]:
    """By the name of their group."""
    return {job["name"]: job for job in workload_manifest(GROUPED)["spec"]["replicatedJobs"]}


def env(group: str) -> dict[str, str]:
    (container,) = jobs()[group]["template"]["spec"]["template"]["spec"]["containers"]
    assert all("value" in variable for variable in container["env"])
    return {variable["name"]: variable["value"] for variable in container["env"]}


def test_a_job_for_each_group() -> None:
    made = workload_manifest(GROUPED)
    assert (made["apiVersion"], made["kind"], made["metadata"]["name"]) == ("jobset.x-k8s.io/v1alpha2", "JobSet", NAME)
    assert made["spec"]["suspend"] is False
    assert [(job["name"], job["replicas"]) for job in made["spec"]["replicatedJobs"]] == [
        ("workers", 1),
        ("launcher", 1),
        ("evaluators", 1),
    ]
    assert object_path(GROUPED.key) == f"/apis/jobset.x-k8s.io/v1alpha2/namespaces/bursar-vision/jobsets/{NAME}"


def test_each_job_is_what_the_job_of_one_group_is() -> None:
    alone = workload_manifest(replace(GROUPED, groups=(WORKERS,)))["spec"]
    job = jobs()["workers"]["template"]["spec"]
    own = {"suspend", "template"}
    assert {k: v for k, v in job.items() if k not in own} == {k: v for k, v in alone.items() if k not in own}
    assert job["template"]["metadata"] == alone["template"]["metadata"]
    differing = {"containers", "subdomain"}
    ours, single = job["template"]["spec"], alone["template"]["spec"]
    assert {k: v for k, v in ours.items() if k not in differing} == {
        k: v for k, v in single.items() if k not in differing
    }
    assert ours["containers"][0]["resources"] == single["containers"][0]["resources"]
    numbers = {name: each["template"]["spec"]["completions"] for name, each in jobs().items()}
    assert numbers == {"workers": 4, "launcher": 1, "evaluators": 2}
    limits = jobs()["launcher"]["template"]["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert "nvidia.com/gpu" not in limits


def test_labels_tell_which_is_the_workload_and_which_a_group_of_it() -> None:
    whole = workload_manifest(GROUPED)["metadata"]["labels"]
    part = jobs()["launcher"]["template"]
    pods = part["spec"]["template"]["metadata"]["labels"]
    assert whole == {
        "app.kubernetes.io/managed-by": "bursar",
        "bursar.dev/workload": GROUPED.uid,
        "bursar.dev/project": "vision",
        "bursar.dev/pool": "a100",
    }
    assert pods == whole | {"bursar.dev/sub-group": "launcher"}
    # Its own metadata cannot change with the pool.
    assert part["metadata"]["labels"] == {k: v for k, v in pods.items() if k != "bursar.dev/pool"} | {
        "bursar.dev/part-of": NAME
    }
    assert part["metadata"]["annotations"] == {"bursar.dev/submitted-by": "mira@example.org"}


def test_pods_of_all_groups_meet_at_the_first_one_of_the_first_group() -> None:
    assert workload_manifest(GROUPED)["spec"]["network"] == {"enableDNSHostnames": True, "subdomain": NAME}
    for group, first in (("workers", "0"), ("launcher", "4"), ("evaluators", "5")):
        assert env(group) == {
            "MASTER_ADDR": f"{NAME}-workers-0-0.{NAME}",
            "MASTER_PORT": "29500",
            "POD_GROUP": group,
            "FIRST_NODE_RANK": first,
            "NNODES": "7",
            "A": "1",
        }, "no NODE_RANK: no server adds up"


def test_names_of_pods_have_room() -> None:
    longest = f"-{'g' * JOB_GROUP_NAME_LENGTH}-0-{RANGES['pods'].highest - 1}-abcde"
    assert MAX_JOB_SET_NAME + len(longest) <= 63
    key = replace(GROUPED, name="n" * NAME_LENGTH).key
    assert len(object_name(key)) == MAX_JOB_SET_NAME
    assert object_name(key).endswith("n-8a7b6c5d")


def test_part_of_a_gpu_is_refused_in_every_group() -> None:
    with pytest.raises(GatewayError, match="whole GPUs"):
        workload_manifest(replace(GROUPED, groups=(WORKERS, replace(EVALUATORS, device_milli=500))))


def test_the_job_set_is_the_workload_and_its_jobs_count_their_groups() -> None:
    made = workload_manifest(GROUPED)
    made["metadata"] |= {"uid": "u-1"}
    made["status"] = {"conditions": [{"type": "Failed", "status": "True", "message": "why"}]}
    whole = seen_job_set(msgspec.json.decode(msgspec.json.encode(made), type=JobSet))
    assert (whole.workload, whole.found, whole.part_of, whole.pods) == (GROUPED.uid, False, "", 7)
    assert (whole.state, whole.message, whole.stopped) == (ObjectState.FAILED, "why", False)
    own = {"uid": "3d5c1b2a-0000-4000-8000-000000000001", "name": NAME, "controller": True}
    owner = {"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", **own}
    job = jobs()["evaluators"]["template"] | {"status": {"succeeded": 1}}
    job["metadata"] |= {"uid": "u-2", "name": f"{NAME}-evaluators-0", "ownerReferences": [owner]}
    part = seen_job(msgspec.json.decode(msgspec.json.encode(job), type=decode.Job))
    assert (part.workload, part.found) == ("", False)
    assert (part.part_of, part.sub_group, part.done) == (GROUPED.uid, "evaluators", 1)


def test_who_names_a_job_set_as_owner_of_an_object_of_ours_hides_nothing() -> None:
    """Anybody who may change a Job may write that; the label is Bursar's own."""
    made = workload_manifest(replace(GROUPED, groups=(WORKERS,)))
    owner = {"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "name": "x", "controller": True}
    made["metadata"]["ownerReferences"] = [owner | {"uid": "3d5c1b2a-0000-4000-8000-000000000001"}]
    assert seen_job(msgspec.json.decode(msgspec.json.encode(made), type=decode.Job)).workload == GROUPED.uid


def test_a_job_set_of_others_is_found() -> None:
    content = {"metadata": {"uid": "u-1", "name": "crew"}, "spec": {"suspend": True, "replicatedJobs": [{}, {}]}}
    seen = seen_job_set(msgspec.json.decode(msgspec.json.encode(content), type=JobSet))
    assert (seen.workload, seen.found, seen.stopped, seen.pods) == ("u-1", True, True, 2)


def test_in_a_restricted_namespace_no_group_may_do_more() -> None:
    parts = workload_manifest(replace(GROUPED, restricted=True))["spec"]["replicatedJobs"]
    pods = [part["template"]["spec"]["template"]["spec"] for part in parts]
    assert [pod["securityContext"]["runAsNonRoot"] for pod in pods] == [True] * 3
    assert [pod["containers"][0]["securityContext"]["allowPrivilegeEscalation"] for pod in pods] == [False] * 3
