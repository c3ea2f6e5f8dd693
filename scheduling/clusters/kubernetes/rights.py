"""What Bursar's account has to be allowed in a cluster; deploy/kubernetes/bursar.yaml grants exactly this."""

from __future__ import annotations

from typing import NamedTuple

from ..access import CLUSTER_ROLES, POLICIES

RBAC = "rbac.authorization.k8s.io"


class Grant(NamedTuple):
    """A rule of the cluster role: each verb on each resource of the API group ("" = the core)."""

    group: str
    resources: tuple[str, ...]
    """`pods/binding` is a part of pods with rights of its own."""
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()
    """Only of these objects; empty: of all."""


class Right(NamedTuple):
    """One verb on one resource, in every namespace."""

    group: str
    resource: str
    verb: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}"


GRANTS = (
    Grant("", ("nodes", "pods"), ("get", "list", "watch")),
    # Deleted are only pods that a disruption budget keeps from a guaranteed quota for too long.
    Grant("", ("pods",), ("patch", "delete")),
    Grant("", ("pods/binding", "pods/eviction", "events"), ("create",)),
    Grant("", ("pods/status",), ("patch",)),
    Grant("policy", ("poddisruptionbudgets",), ("list", "watch")),
    Grant("", ("namespaces",), ("get", "list", "watch", "create", "patch")),
    Grant("batch", ("jobs",), ("get", "list", "watch", "create", "patch", "delete")),
    Grant("apps", ("statefulsets", "deployments"), ("get", "list", "watch", "create", "patch", "delete")),
    Grant("jobset.x-k8s.io", ("jobsets",), ("get", "list", "watch", "create", "patch", "delete")),
    # What others run by kinds that a cluster need not know.
    Grant("kubeflow.org", ("pytorchjobs", "mpijobs"), ("list", "watch")),
    Grant("leaderworkerset.x-k8s.io", ("leaderworkersets",), ("list", "watch")),
    # What a Deployment that was found makes its pods by.
    Grant("apps", ("replicasets",), ("get", "list", "watch")),
    Grant("", ("services",), ("create", "patch")),
    Grant("", ("pods/log",), ("get",)),
    Grant("", ("events",), ("list",)),
    Grant(RBAC, ("rolebindings",), ("list", "watch", "create", "patch", "delete")),
    Grant(RBAC, ("clusterroles",), ("get", "bind"), tuple(CLUSTER_ROLES)),
    Grant("admissionregistration.k8s.io", ("validatingadmissionpolicies",), ("get",), POLICIES),
    Grant("admissionregistration.k8s.io", ("validatingadmissionpolicybindings",), ("get",), POLICIES),
    # No object: what policies.yaml forbids in namespaces of projects, it does not forbid who may do this.
    Grant("bursar.dev", ("policies",), ("bypass",)),
)
RIGHTS = tuple(
    Right(grant.group, resource, verb, name)
    for grant in GRANTS
    for resource in grant.resources
    for verb in grant.verbs
    for name in grant.names or ("",)
)
REMEDY = "Apply deploy/kubernetes/bursar.yaml in the cluster: it grants what Bursar needs."
