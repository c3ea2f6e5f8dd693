"""The kinds of objects that are followed in a cluster.

One more takes: a shape in `decode`, what the observer is told of it (a field of `seen.Seen`, and its `gone_` field)
with a function in `seeing`, a line here, and the right to list and watch it (`rights`, deploy/kubernetes/bursar.yaml).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ..found import SeenOwner
from ..seen import (
    DEPLOYMENTS,
    JOB_SETS,
    JOBS,
    LEADER_WORKER_SETS,
    MPI_JOBS,
    PYTORCH_JOBS,
    REPLICA_SETS,
    STATEFUL_SETS,
    SeenBinding,
    SeenBudget,
    SeenNamespace,
    SeenNode,
    SeenObject,
    SeenPod,
)
from . import decode
from .finding import seen_owner
from .gangs import (
    JobSet,
    LeaderWorkerSet,
    ReplicaJob,
    seen_job_set,
    seen_leader_worker_set,
    seen_mpi_job,
    seen_pytorch_job,
)
from .manifests import FIELD_MANAGER, MANAGED_BY, POLICY, PROJECT, RBAC
from .seeing import (
    seen_binding,
    seen_budget,
    seen_deployment,
    seen_job,
    seen_namespace,
    seen_node,
    seen_pod,
    seen_stateful_set,
)

SeenItem = SeenNode | SeenPod | SeenObject | SeenNamespace | SeenBinding | SeenBudget | SeenOwner
T = TypeVar("T", bound=decode.Followed)


@dataclass(frozen=True)
class Kind(Generic[T]):
    """A kind of object that is followed."""

    name: str
    """As `Seen.complete` has it."""
    field: str
    """Of `Seen`; several kinds may share one."""
    path: str
    shape: type[T]
    convert: Callable[[T], Any]
    selector: str = ""
    """Labels of those that are followed; empty: all."""
    optional: bool = False
    """A cluster need not know it: then there are none, until it does."""


KINDS: tuple[Kind[Any], ...] = (
    Kind("nodes", "nodes", "/api/v1/nodes", decode.Node, seen_node),
    Kind("pods", "pods", "/api/v1/pods", decode.Pod, seen_pod),
    Kind(JOBS, "objects", "/apis/batch/v1/jobs", decode.Job, seen_job),
    Kind(STATEFUL_SETS, "objects", "/apis/apps/v1/statefulsets", decode.Scaled, seen_stateful_set),
    Kind(DEPLOYMENTS, "objects", "/apis/apps/v1/deployments", decode.Scaled, seen_deployment),
    Kind(JOB_SETS, "objects", "/apis/jobset.x-k8s.io/v1alpha2/jobsets", JobSet, seen_job_set, optional=True),
    Kind(PYTORCH_JOBS, "objects", "/apis/kubeflow.org/v1/pytorchjobs", ReplicaJob, seen_pytorch_job, optional=True),
    Kind(MPI_JOBS, "objects", "/apis/kubeflow.org/v2beta1/mpijobs", ReplicaJob, seen_mpi_job, optional=True),
    Kind(
        LEADER_WORKER_SETS,
        "objects",
        "/apis/leaderworkerset.x-k8s.io/v1/leaderworkersets",
        LeaderWorkerSet,
        seen_leader_worker_set,
        optional=True,
    ),
    Kind(REPLICA_SETS, "owners", "/apis/apps/v1/replicasets", decode.Templated, seen_owner),
    Kind("namespaces", "namespaces", "/api/v1/namespaces", decode.Labelled, seen_namespace, PROJECT),
    Kind(
        "bindings",
        "bindings",
        f"{RBAC}/rolebindings",
        decode.RoleBinding,
        seen_binding,
        f"{MANAGED_BY}={FIELD_MANAGER}",
    ),
    Kind("budgets", "budgets", f"{POLICY}/poddisruptionbudgets", decode.Budget, seen_budget),
)
