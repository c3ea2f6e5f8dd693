"""A submitted JobSet: a distributed training of several groups of pods."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.models import Workload
from scheduling.services.workload_rules import PodGroup
from scheduling.submitted_yaml import read, without_values, written
from tests.documents import container, job_set

from .test_reading import GIB, NAMESPACE, anything, changed, problems, tried, ways

PARTS = "spec.replicatedJobs"
PARTS_WAY = "spec/replicatedJobs"


def test_a_job_set_is_a_distributed_training_of_several_groups() -> None:
    document = job_set(leader=1, workers=3)
    one_gpu = document["spec"]["replicatedJobs"][0]["template"]["spec"]["template"]["spec"]["containers"][0]
    one_gpu["resources"] = {"limits": {"cpu": "2", "memory": "1Gi"}}
    document = changed(document, f"{PARTS_WAY}/1/template/spec/activeDeadlineSeconds", 60)
    asked = read(changed(document, f"{PARTS_WAY}/0/template/metadata/labels", {"team": "a"}), NAMESPACE).asked
    assert (asked["kind"], asked["group"], asked["pods"]) == (Workload.Kind.DISTRIBUTED, "leader", 1)
    assert (asked["devices"], asked["cpu_millicores"], asked["memory_bytes"]) == (0, 2000, GIB)
    assert asked["more_groups"] == [PodGroup("workers", 3, 4000, 16 * GIB, devices=1)]
    assert (asked["image"], asked["retries"]) == ("leader:1", 6)
    leader, workers = asked["manifest"]["groups"]
    assert (leader["name"], leader["metadata"], leader["spec"]) == ("leader", {"labels": {"team": "a"}}, {})
    assert workers["spec"] == {"activeDeadlineSeconds": 60}
    assert workers["template"]["spec"]["containers"][0]["image"] == "workers:1"


def test_what_kubernetes_writes_into_a_job_set_is_taken_and_replaced() -> None:
    written = job_set(a=1, b=1)
    for way, value in (
        ("network", {"enableDNSHostnames": True, "publishNotReadyAddresses": True}),
        ("successPolicy", {"operator": "All", "targetReplicatedJobs": []}),
        ("startupPolicy", {"startupPolicyOrder": "AnyOrder"}),
        ("suspend", False),
        ("replicatedJobs/0/replicas", 1),
    ):
        written = changed(written, f"spec/{way}", value)
    assert read(written, NAMESPACE) == read(job_set(a=1, b=1), NAMESPACE)


@pytest.mark.parametrize(
    ("way", "value", "path", "words"),
    [
        (PARTS_WAY, [], PARTS, "There are 0 of them."),
        (PARTS_WAY, job_set(a=1)["spec"]["replicatedJobs"], PARTS, "alone is a Job"),
        (f"{PARTS_WAY}/0/name", "A", f"{PARTS}[0].name", "small letters"),
        (f"{PARTS_WAY}/0/replicas", 2, f"{PARTS}[0].replicas", "Set its parallelism."),
        (f"{PARTS_WAY}/1/dependsOn", [{"name": "a"}], f"{PARTS}[1].dependsOn", "start together"),
        (f"{PARTS_WAY}/1/template/spec/completions", 5, f"{PARTS}[1].template.spec.completions", "start together"),
        (
            f"{PARTS_WAY}/1/template/spec/template/spec/hostPID",
            True,
            f"{PARTS}[1].template.spec.template.spec.hostPID",
            "its node's network",
        ),
        (
            f"{PARTS_WAY}/1/template/metadata/labels",
            {"jobset.sigs.k8s.io/x": "a"},
            f"{PARTS}[1].template.metadata.labels.jobset.sigs.k8s.io/x",
            "not for people",
        ),
        (
            f"{PARTS_WAY}/1/template/spec/backoffLimit",
            2,
            f"{PARTS}[1].template.spec.backoffLimit",
            "one for all groups",
        ),
        (
            f"{PARTS_WAY}/1/template/spec/template/spec/nodeSelector",
            {"a": "b"},
            f"{PARTS}[1].template.spec.template.spec.nodeSelector",
            "one for all groups",
        ),
        (
            f"{PARTS_WAY}/0/template/spec/template/spec/tolerations",
            [{"operator": "Exists"}],
            f"{PARTS}[1].template.spec.template.spec.tolerations",
            "one for all groups",
        ),
        ("spec/network", {"subdomain": "a"}, "spec.network.subdomain", "names pods"),
        ("spec/network", {"enableDNSHostnames": False}, "spec.network.enableDNSHostnames", "by name"),
        ("spec/successPolicy", {"operator": "Any"}, "spec.successPolicy.operator", "completed when all have"),
        ("spec/startupPolicy", {"startupPolicyOrder": "InOrder"}, "spec.startupPolicy.startupPolicyOrder", "together"),
        ("spec/failurePolicy", {"maxRestarts": 3}, "spec.failurePolicy", "backoffLimit"),
        ("spec/suspend", True, "spec.suspend", "waits until there is room"),
    ],
)
def test_refused_of_a_job_set(way: str, value: object, path: str, words: str) -> None:
    found = problems(changed(job_set(a=1, b=2), way, value))
    assert list(found) == [path]
    assert words in found[path]


def test_all_in_which_groups_differ_is_said_at_once() -> None:
    document = changed(job_set(a=1, b=1, c=1), f"{PARTS_WAY}/0/template/spec/backoffLimit", 2)
    way = f"{PARTS_WAY}/2/template/spec/template/spec/nodeSelector"
    assert list(problems(changed(document, way, {"a": "b"}))) == [
        f"{PARTS}[2].template.spec.template.spec.nodeSelector",
        f"{PARTS}[1].template.spec.backoffLimit",
        f"{PARTS}[2].template.spec.backoffLimit",
    ]


def test_what_is_written_reads_the_same() -> None:
    asked = read(
        changed(job_set(leader=1, workers=3), f"{PARTS_WAY}/0/template/metadata/labels", {"a": "b"}), NAMESPACE
    )
    assert read(written(asked.asked), NAMESPACE) == asked


def test_values_of_variables_of_each_group_are_left_out_for_others() -> None:
    document = job_set(a=1, b=1)
    for number in range(2):
        way = f"{PARTS_WAY}/{number}/template/spec/template/spec/containers"
        document = changed(document, way, [container(env=[{"name": "TOKEN", "value": "s3cret"}])])
    manifest = read(document, NAMESPACE).asked["manifest"]
    assert str(manifest).count("s3cret") == 2
    assert "s3cret" not in str(without_values(manifest))


@given(st.sampled_from(ways(job_set(a=1, b=2))), anything)
def test_anything_in_any_place_of_a_job_set_is_read_or_refused(way: str, value: Any) -> None:
    tried(changed(job_set(a=1, b=2), way, value))
