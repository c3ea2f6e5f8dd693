"""What can be done to any unit below the account: rename it, delete it."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from orgs import hooks
from orgs.access import require
from orgs.models import AccessRule, ClusterInfo, OrgUnit, UnitKind, UnitState
from orgs.names import DEFAULT_DEPARTMENT, LONGEST_DESCRIPTION, checked_name, checked_text
from orgs.scope import below
from orgs.services.locks import account_locked, cluster_locked, fresh
from orgs.services.tree import refuse_taken, subtree_ids
from portal.actor import SYSTEM, Actor
from portal.errors import Refused
from portal.services.audit import Act, audit_record, audit_record_all
from portal.services.feed import feed_tell

OUT_OF_REACH = timedelta(minutes=10)
"""A cluster that has not answered for so long is let go without waiting for its pods."""


def is_default_department(unit: OrgUnit) -> bool:
    """Whether it is the department that its cluster has for projects that need none."""
    return unit.kind == UnitKind.DEPARTMENT and unit.name == DEFAULT_DEPARTMENT and unit.parent_id == unit.cluster_id


def is_left_alone(unit: OrgUnit) -> bool:
    """Whether what runs in it goes on without Bursar once it is deleted: a Kubernetes cluster stays as it is."""
    return unit.kind == UnitKind.CLUSTER and unit.cluster_info.mode == ClusterInfo.Mode.KUBERNETES


@transaction.atomic
def unit_rename(*, actor: Actor, unit: OrgUnit, name: str, description: str | None = None) -> OrgUnit:
    """Gives the unit another name and, unless None, another description. A project's namespace stays."""
    kind = UnitKind(unit.kind)
    unit_lock(unit)
    unit = fresh(unit)
    require(actor, "update", kind.label, unit)
    before = {"name": unit.name, "description": unit.description}
    if is_default_department(unit) and name != unit.name:
        raise Refused({"name": "The default department of a cluster keeps its name. Create another one instead."})
    if name != unit.name:
        unit.name = checked_name(name, kind)
    if description is not None:
        unit.description = checked_text("description", description, LONGEST_DESCRIPTION, required=False)
    after = {"name": unit.name, "description": unit.description}
    changed = [field for field in before if before[field] != after[field]]
    if not changed:
        return unit
    if "name" in changed and unit.parent is not None:
        refuse_taken(kind=kind, name=unit.name, parent=unit.parent, except_for=unit)
    unit.version += 1
    unit.save(update_fields=["name", "description", "version"])
    audit_record(
        actor=actor,
        action="update",
        entity=unit,
        unit=unit.pk,
        before={field: before[field] for field in changed},
        after={field: after[field] for field in changed},
    )
    if unit.cluster_id is not None:
        feed_tell(cluster=unit.cluster_id, config=True)
    return unit


@transaction.atomic
def unit_delete(*, actor: Actor, unit: OrgUnit) -> None:
    """Deletes a department or project with everything below it.

    At once it is out of every list and its workloads are asked to end; its rows go when these have ended and
    the last pod is gone (`units_remove`). A Kubernetes cluster is left as it is, with the work in it.
    """
    kind = UnitKind(unit.kind)
    unit_lock(unit)
    unit = fresh(unit)
    require(actor, "delete", kind.label, unit)
    if kind == UnitKind.ACCOUNT:
        raise Refused("The account cannot be deleted. Delete what is in it.")
    if is_default_department(unit):
        raise Refused("The default department of a cluster cannot be deleted. Delete the projects in it.")
    ids = subtree_ids(unit)
    OrgUnit.objects.filter(pk__in=ids).update(state=UnitState.DELETING, version=F("version") + 1)
    if not is_left_alone(unit):
        hooks.workloads_end(unit, actor)
    audit_record(
        actor=actor, action="delete", entity=unit, unit=unit.parent_id, before={"name": unit.name, "units": len(ids)}
    )
    if unit.cluster_id is not None:
        feed_tell(cluster=unit.cluster_id, config=True)


def units_remove() -> int:
    """Removes the rows of deleted units whose work has ended, each in a transaction of its own. Returns how many."""
    doomed = OrgUnit.objects.filter(state=UnitState.DELETING, parent__state=UnitState.ACTIVE).order_by("pk")
    return sum(_remove(unit) for unit in doomed)


@transaction.atomic
def _remove(unit: OrgUnit) -> bool:
    try:
        unit_lock(unit)
    except Refused:
        return False  # another worker removed the whole cluster meanwhile
    # As it is now: it may have moved along with what it lies in.
    found = OrgUnit.objects.filter(pk=unit.pk, state=UnitState.DELETING).first()
    if found is None:
        return False
    unit = found
    if not is_left_alone(unit) and not _has_ended(unit):
        return False
    _tell_removal(unit)
    cluster = unit.cluster_id
    unit.delete()
    if cluster is not None:
        feed_tell(cluster=cluster, config=True, workloads=None)
    return True


def _has_ended(unit: OrgUnit) -> bool:
    # What was submitted in the same moment as the delete has not been asked to end yet.
    hooks.workloads_end(unit, SYSTEM)
    work = hooks.workloads_impact(unit)
    return not (work.running or work.waiting or hooks.live_pods(unit)) or _out_of_reach(unit)


def _tell_removal(unit: OrgUnit) -> None:
    """An event for every unit that goes, with its access rules: the audit log finds by it where the unit lay last."""
    rules: dict[int, list[str]] = defaultdict(list)
    for rule in (
        AccessRule.objects.filter(below(unit, "scope")).select_related("subject", "role", "scope").order_by("id")
    ):
        rules[rule.scope_id].append(str(rule))
    gone = OrgUnit.objects.filter(below(unit)).order_by("path")
    acts = [Act("remove", one, one.parent_id, before={"name": one.name, "access_rules": rules[one.pk]}) for one in gone]
    audit_record_all(actor=SYSTEM, acts=acts)


def unit_lock(unit: OrgUnit) -> None:
    """Takes the rows that writers of the unit queue at."""
    if unit.kind in (UnitKind.ACCOUNT, UnitKind.CLUSTER):
        account_locked()
    if unit.kind != UnitKind.ACCOUNT:
        cluster_locked(unit)


def _out_of_reach(unit: OrgUnit) -> bool:
    """Only of a cluster: a project waits for its cluster to come back, or pods of nobody would be left there."""
    if unit.kind != UnitKind.CLUSTER:
        return False
    info = ClusterInfo.objects.get(unit=unit)
    return info.last_seen is None or info.last_seen < timezone.now() - OUT_OF_REACH
