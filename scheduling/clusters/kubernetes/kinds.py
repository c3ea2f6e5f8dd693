"""The kinds of objects that are followed in a cluster.

One more takes: a shape in `decode`, what the observer is told of it (a field of `gateway.Seen`, and its `gone_` field)
with a function in `seeing`, a line here, and the right to list and watch it (`rights`, deploy/kubernetes/bursar.yaml).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ..seen import (
    DEPLOYMENTS,
    JOBS,
    STATEFUL_SETS,
    SeenBinding,
    SeenBudget,
    SeenNamespace,
    SeenNode,
    SeenObject,
    SeenPod,
)
from . import decode
from .manifests import FIELD_MANAGER, MANAGED_BY, POLICY, PROJECT, RBAC, WORKLOAD
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

SeenItem = SeenNode | SeenPod | SeenObject | SeenNamespace | SeenBinding | SeenBudget
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
    Kind(JOBS, "objects", "/apis/batch/v1/jobs", decode.Job, seen_job, WORKLOAD),
    Kind(STATEFUL_SETS, "objects", "/apis/apps/v1/statefulsets", decode.Scaled, seen_stateful_set, WORKLOAD),
    Kind(DEPLOYMENTS, "objects", "/apis/apps/v1/deployments", decode.Scaled, seen_deployment, WORKLOAD),
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
