"""Who may change a workload."""

from __future__ import annotations

from orgs.access import Forbidden, may
from portal.actor import Actor
from scheduling.models import Workload

ENTITIES = {
    Workload.Kind.WORKSPACE: "workspace",
    Workload.Kind.TRAINING: "training",
    Workload.Kind.DISTRIBUTED: "training",
    Workload.Kind.INFERENCE: "inference",
    Workload.Kind.OTHER: "found_workload",
}
"""The line of the permission table that each kind falls under."""

GANGS = (Workload.Kind.TRAINING, Workload.Kind.DISTRIBUTED)
"""Kinds whose pods start together."""


def may_change(actor: Actor, action: str, workload: Workload) -> bool:
    """Whether the actor may `update` or `delete` it: an own one, or with the right to change its project."""
    if actor.user is None:
        return True
    if not may(actor.user, action, ENTITIES[Workload.Kind(workload.kind)], workload.project):
        return False
    own = actor.subject_id is not None and workload.submitted_by_id == actor.subject_id
    return own or may(actor.user, "update", "project", workload.project)


def may_submit(actor: Actor, workload: Workload) -> bool:
    """Whether the actor may submit another of its kind to its project."""
    kind = ENTITIES[Workload.Kind(workload.kind)]
    return actor.user is None or may(actor.user, "create", kind, workload.project)


def require_change(actor: Actor, action: str, workload: Workload) -> None:
    if not may_change(actor, action, workload):
        raise Forbidden(
            f"{workload.name} is not yours to change. Ask the person who submitted it, or who administers "
            f"{workload.project.name}.",
            entity="workload",
            scope=workload.project,
        )
