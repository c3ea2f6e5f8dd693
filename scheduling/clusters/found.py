"""What Bursar is told of pods that others made for it to place, and of what made them."""

from __future__ import annotations

from dataclasses import dataclass

POD, JOB, CRON_JOB, REPLICA_SET, STATEFUL_SET, DEPLOYMENT = (
    "Pod",
    "Job",
    "CronJob",
    "ReplicaSet",
    "StatefulSet",
    "Deployment",
)
FOLLOWED = {JOB: "batch", REPLICA_SET: "apps", STATEFUL_SET: "apps", DEPLOYMENT: "apps"}
"""Kinds that a watch shows, with their API groups: what owns them is known, and whether they are there."""
JOB_SET, PYTORCH_JOB, MPI_JOB, LEADER_WORKER_SET = "JobSet", "PyTorchJob", "MPIJob", "LeaderWorkerSet"
OPTIONAL = {
    JOB_SET: "jobset.x-k8s.io",
    PYTORCH_JOB: "kubeflow.org",
    MPI_JOB: "kubeflow.org",
    LEADER_WORKER_SET: "leaderworkerset.x-k8s.io",
}
"""Kinds that a watch shows where the cluster knows them, in one version of their API; else as if they were unknown."""
STOPPABLE = (JOB, STATEFUL_SET, DEPLOYMENT)
"""Kinds that can be without pods, and go on later."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The object that controls a pod or another object."""

    uid: str
    group: str
    """Of its API; empty: the core."""
    kind: str
    name: str

    @property
    def is_followed(self) -> bool:
        return FOLLOWED.get(self.kind) == self.group

    @property
    def may_be_followed(self) -> bool:
        return OPTIONAL.get(self.kind) == self.group

    @property
    def shown_kind(self) -> str:
        """Its kind; with the group where it is called as one that is followed."""
        is_taken = self.kind in (POD, *FOLLOWED) and self.group != FOLLOWED.get(self.kind, "")
        return f"{self.kind}.{self.group}" if is_taken else self.kind


@dataclass(frozen=True, slots=True)
class FoundPod:
    """What a pod says for itself that Bursar is to place, and has not made."""

    owner: Owner | None = None
    priority: int = 0
    """Of its PriorityClass; so Kubernetes writes it on the pod."""
    node_labels: tuple[tuple[str, str], ...] = ()
    tolerations: tuple[tuple[tuple[str, str], ...], ...] = ()
    minimum: int = 0
    """So many pods of its workload start together; 0: as its kind has it."""
    submitted_by: str = ""
    """A person's address."""
    refused: str = ""
    """Why Bursar cannot place it, in words."""


@dataclass(frozen=True, slots=True)
class SeenOwner:
    """An object that only passes on who owns its pods."""

    uid: str
    name: str
    namespace: str
    owner: Owner | None
