"""The kinds of objects that are taken, each with what of its specification is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scheduling.models import Workload

from .checks import Check, Wrong, fields, only, text, texts, whole
from .names import METADATA, NAME, NOT_METADATA
from .pods import template

OTHERS = (
    "Bursar takes a Job (training), a StatefulSet (workspace) or a Deployment (inference). Create other kinds with "
    "kubectl and schedulerName: bursar, and they are found."
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
ALWAYS = template("Always", "Pods of this kind are started again. Set it to Always, or remove it.")


@dataclass(frozen=True, slots=True)
class Kind:
    api: str
    pods: str
    """The field of the specification that says how many there are."""
    spec: Check
    kept: tuple[str, ...]
    """Fields of the specification that the object gets as they are."""

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


KINDS = {
    "Job": Kind("batch/v1", "parallelism", _job, ("activeDeadlineSeconds",)),
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
    if name == "Job":
        return Workload.Kind.TRAINING if pods == 1 else Workload.Kind.DISTRIBUTED
    return Workload.Kind.WORKSPACE if name == "StatefulSet" else Workload.Kind.INFERENCE
