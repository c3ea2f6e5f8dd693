"""What people may do in a cluster itself: the roles that ship for it, and which permissions earn them."""

from __future__ import annotations

WORK = ("workspace", "training", "inference", "found_workload")
_SEES_WORK = frozenset(f"{kind}:read" for kind in WORK)

CLUSTER_ROLES: dict[str, frozenset[str]] = {
    "bursar:project:read": frozenset({"project:read"}),
    "bursar:project:update": frozenset({"project:update"}),
    # Pods do not say of which kind their work is.
    "bursar:work:read": _SEES_WORK,
    "bursar:logs:read": _SEES_WORK | {"logs:read"},
    # A cluster cannot tell whose pod a terminal leads into.
    "bursar:terminal:read": _SEES_WORK | {"terminal:read", "project:update"},
} | {
    f"bursar:{kind}:{action}": frozenset({f"{kind}:{action}"})
    for kind in WORK
    for action in ("read", "create", "update", "delete")
}
"""Name in deploy/kubernetes/access.yaml -> what one has to hold in a project to be bound to it in its namespace."""

POLICIES = ("bursar-scheduling", "bursar-labels", "bursar-namespaces", "bursar-owners", "bursar-workloads")
"""Of deploy/kubernetes/policies.yaml: without them the roles would give more than the pages do."""
