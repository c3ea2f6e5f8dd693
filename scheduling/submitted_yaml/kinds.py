"""The kinds of objects that are taken, each with what of its specification is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scheduling.clusters.kubernetes.forms import OF_GROUPS
from scheduling.models import Workload
from scheduling.services.workload_rules import MOST_GROUPS, group_name_problem

from .checks import Check, Wrong, fields, listed, only, text, texts, whole
from .names import METADATA, NAME, NOT_METADATA, TEMPLATE_METADATA
from .pods import NAMED, template

OTHERS = (
    "Bursar takes a Job (training), a JobSet (distributed training of several groups of pods), a StatefulSet "
    "(workspace) or a Deployment (inference). Create other kinds with kubectl and schedulerName: bursar, and they are "
    "found."
)
MOST_PODS = 1000
AFTER = "Workloads that have ended stay for people to look at. Remove it."
ROLLING = "Bursar replaces pods one by one, in the room that there is. Remove it."
ONE_BY_ONE = only("RollingUpdate", words="Bursar replaces pods one by one. Set it to RollingUpdate, or remove it.")
OURS = "Bursar sets it. Remove it."
SELECTOR = fields({"matchLabels": texts(text(), text())})
"""Taken, as these kinds cannot do without, and replaced: it has to find Bursar's pods."""
STRATEGY = fields(
    {
        "type": ONE_BY_ONE,
        "rollingUpdate": fields(
            {"maxSurge": only(0, "25%", words=ROLLING), "maxUnavailable": only(1, "25%", words=ROLLING)}
        ),
    }
)
"""Taken where it is what Bursar does, or what Kubernetes writes into each Deployment; and replaced."""
SECONDS = whole(0, 2**31 - 1)
TOGETHER = "All groups start together, and the whole has completed when all have. Remove it."
ALWAYS = template("Always", "Pods of this kind are started again. Set it to Always, or remove it.")


@dataclass(frozen=True, slots=True)
class Kind:
    api: str
    pods: str
    """The field of the specification that says how many there are; of a JobSet, of each of its Jobs."""
    spec: Check
    kept: tuple[str, ...]
    """Fields of that specification that the object gets as they are."""
    is_retried: bool = False
    """It says how many of its pods may fail."""

    def document(self, name: str) -> Check:
        return fields(
            {
                "apiVersion": only(self.api, words=f"Write {self.api}."),
                "kind": only(name),
                "metadata": fields(METADATA | {"name": NAME, "namespace": NAME}, NOT_METADATA, needed=["name"]),
                "spec": self.spec,
            },
            {"status": "The cluster writes it. Remove it."},
            needed=["apiVersion", "metadata", "spec"],
        )


_JOB = fields(
    {
        "parallelism": whole(1, MOST_PODS),
        "completions": whole(1, MOST_PODS),
        "completionMode": only("Indexed", words="Each pod of a Job has its index. Set it to Indexed, or remove it."),
        "backoffLimit": whole(0, 100),
        "activeDeadlineSeconds": whole(1, 2**31 - 1),
        "suspend": only(False, words="It waits until there is room. Remove it."),
        "template": template("Never", "Failed pods of a Job are replaced. Set it to Never, or remove it."),
    },
    {
        "ttlSecondsAfterFinished": AFTER,
        **dict.fromkeys(("selector", "manualSelector", "managedBy"), OURS),
        **dict.fromkeys(
            ("backoffLimitPerIndex", "maxFailedIndexes", "podFailurePolicy", "podReplacementPolicy", "successPolicy"),
            "Bursar sets it, so that evicted pods do not count as failed. Use backoffLimit.",
        ),
    },
    needed=["template"],
)


def _job(value: Any, path: str) -> dict[str, Any]:
    kept: dict[str, Any] = _JOB(value, path)
    pods = kept.get("parallelism", 1)
    if kept.get("completions", pods) != pods:
        raise Wrong(
            (f"{path}.completions", f"All pods of a Job start together. Set parallelism to it, or it to {pods}.")
        )
    return kept


def _group_name(value: Any, path: str) -> str:
    if problem := group_name_problem(value):
        raise Wrong((path, problem))
    return str(value)


_JOB_SET = fields(
    {
        "replicatedJobs": listed(
            fields(
                {
                    "name": _group_name,
                    "replicas": only(1, words="A group is one Job, with its pods by index. Set its parallelism."),
                    "template": fields({"metadata": TEMPLATE_METADATA, "spec": _job}, needed=["spec"]),
                },
                {"dependsOn": TOGETHER},
                needed=["name", "template"],
            ),
            MOST_GROUPS,
            1,
        ),
        "network": fields(
            dict.fromkeys(
                ("enableDNSHostnames", "publishNotReadyAddresses"),
                only(True, words="Pods of a distributed training find each other by name. Remove it."),
            ),
            {"subdomain": NAMED},
        ),
        # As JobSet writes them into each.
        "successPolicy": fields({"operator": only("All", words=TOGETHER)}, others=TOGETHER),
        "startupPolicy": fields({"startupPolicyOrder": only("AnyOrder", words=TOGETHER)}),
        "suspend": only(False, words="It waits until there is room. Remove it."),
    },
    {
        "failurePolicy": "It fails with the first of its Jobs. Use their backoffLimit.",
        "ttlSecondsAfterFinished": AFTER,
        **dict.fromkeys(("managedBy", "coordinator"), OURS),
    },
    needed=["replicatedJobs"],
)


def _job_set(value: Any, path: str) -> dict[str, Any]:
    kept: dict[str, Any] = _JOB_SET(value, path)
    if len(kept["replicatedJobs"]) == 1:
        raise Wrong((f"{path}.replicatedJobs", "One group alone is a Job. Submit that."))
    return kept


KINDS = {
    "Job": Kind("batch/v1", "parallelism", _job, ("activeDeadlineSeconds",), is_retried=True),
    OF_GROUPS.kind: Kind(OF_GROUPS.api, "parallelism", _job_set, ("activeDeadlineSeconds",), is_retried=True),
    "StatefulSet": Kind(
        "apps/v1",
        "replicas",
        fields(
            {
                "replicas": only(1, words="A workspace is one pod. Set it to 1, or submit a Job."),
                "selector": SELECTOR,
                "serviceName": NAME,
                "podManagementPolicy": only("Parallel", "OrderedReady"),
                "minReadySeconds": SECONDS,
                "revisionHistoryLimit": whole(0, 100),
                "updateStrategy": fields(
                    {
                        "type": ONE_BY_ONE,
                        "rollingUpdate": fields({"partition": only(0, words=ROLLING)}, others=ROLLING),
                    }
                ),
                "template": ALWAYS,
            },
            {"volumeClaimTemplates": "Make the persistentVolumeClaim first, and name it in volumes."},
            needed=["template"],
        ),
        ("minReadySeconds", "revisionHistoryLimit"),
    ),
    "Deployment": Kind(
        "apps/v1",
        "replicas",
        fields(
            {
                "replicas": whole(1, MOST_PODS),
                "selector": SELECTOR,
                "minReadySeconds": SECONDS,
                "revisionHistoryLimit": whole(0, 100),
                "progressDeadlineSeconds": SECONDS,
                "paused": only(False, words="It waits until there is room. Remove it."),
                "strategy": STRATEGY,
                "template": ALWAYS,
            },
            needed=["template"],
        ),
        ("minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"),
    ),
}


def kind_of_work(name: str, pods: int) -> Workload.Kind:
    """`pods`: how many it, or the first of its groups, has."""
    if name == OF_GROUPS.kind or (name == "Job" and pods > 1):
        return Workload.Kind.DISTRIBUTED
    if name == "Job":
        return Workload.Kind.TRAINING
    return Workload.Kind.WORKSPACE if name == "StatefulSet" else Workload.Kind.INFERENCE
