"""Moving a department or project to another place in its cluster."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Concat, Substr

from orgs import hooks
from orgs.access import as_of_now, may, require
from orgs.access.table import all_permissions
from orgs.models import OrgUnit, UnitKind
from orgs.scope import below
from orgs.services.locks import cluster_locked, fresh
from orgs.services.tree import refuse_taken, refuse_too_deep
from orgs.services.unit import is_default_department
from portal.actor import Actor
from portal.errors import Refused
from portal.fields import AsciiField
from portal.refusals import Told
from portal.services.audit import audit_record
from portal.services.feed import feed_tell


class RaisesMover(Told, Refused):
    """Whoever moves the unit would have more rights over it than where it lies."""

    def __init__(self, unit: OrgUnit, parent: OrgUnit, permission: str) -> None:
        entity, action = permission.split(":")
        what = f"{entity.replace('_', ' ')}: {action}"
        super().__init__(
            {
                "parent": f"In {parent.name} you hold “{what}”, which you do not hold on {unit.name} where it lies. "
                "Ask someone who holds it on both to move it."
            }
        )
        self.entity, self.unit, self.name = unit.get_kind_display(), unit.pk, unit.name


@transaction.atomic
def unit_move(*, actor: Actor, unit: OrgUnit, parent: OrgUnit, expected_version: int | None = None) -> OrgUnit:
    """Puts a department or project, with everything below it, into `parent`, a unit of the same cluster.

    Rules, quotas, workloads and namespaces go with it. Needs the right to delete where it lies and to create where it
    goes, and gives the actor no right over it. `expected_version`: that of the unit when the move was chosen; a unit
    changed since then is refused.
    """
    kind = UnitKind(unit.kind)
    if kind not in (UnitKind.DEPARTMENT, UnitKind.PROJECT):
        raise Refused(f"{unit.name} stays where it is: only departments and projects move.")
    cluster = cluster_locked(unit)
    unit = fresh(unit)
    if parent.cluster_id != unit.cluster_id:
        raise Refused({"parent": f"{unit.name} moves inside its own cluster only. Choose a place in it."})
    old, new = fresh(unit.parent), fresh(parent)  # type: ignore[arg-type]
    require(actor, "delete", kind.label, old)
    require(actor, "create", kind.label, new)
    if expected_version is not None and expected_version != unit.version:
        raise Refused({"expected_version": "Somebody changed this meanwhile. Look at it, then move it again."})
    if new.pk == old.pk:
        return unit
    _refuse(unit, new)
    _refuse_raise(as_of_now(actor), unit, new)
    hooks.unit_moving(unit, new, actor)
    unit.version += 1
    OrgUnit.objects.filter(pk=unit.pk).update(parent=new, version=unit.version)
    rest = Substr("path", len(old.path) + 1)
    path = Concat(Value(new.path), rest, output_field=AsciiField())
    OrgUnit.objects.filter(below(unit)).update(path=path)
    audit_record(
        actor=actor,
        action="move",
        entity=unit,
        unit=unit.pk,
        before={"parent": old.name, "parent_id": old.pk},
        after={"parent": new.name, "parent_id": new.pk},
    )
    feed_tell(cluster=cluster.pk, config=True)
    return fresh(unit)


def _refuse(unit: OrgUnit, parent: OrgUnit) -> None:
    kind = UnitKind(unit.kind)
    if is_default_department(unit):
        raise Refused("The default department of a cluster stays in it. Move the projects in it one by one.")
    if unit.contains(parent):
        raise Refused({"parent": f"{parent.name} is {unit.name} itself or lies in it. Choose a place outside."})
    if kind == UnitKind.PROJECT and parent.kind != UnitKind.DEPARTMENT:
        raise Refused({"parent": "A project lies in a department. Choose one; every cluster has one called “default”."})
    if kind == UnitKind.DEPARTMENT and parent.kind not in (UnitKind.CLUSTER, UnitKind.DEPARTMENT):
        raise Refused({"parent": "A department lies in a cluster or in another department. Choose one of these."})
    refuse_taken(kind=kind, name=unit.name, parent=parent, except_for=unit, field="parent")
    inside = OrgUnit.objects.filter(below(unit), kind=UnitKind.DEPARTMENT).values_list("path", flat=True)
    own = unit.path.count("/")
    refuse_too_deep(parent, levels=max((path.count("/") - own + 1 for path in inside), default=0))


def _refuse_raise(actor: Actor, unit: OrgUnit, parent: OrgUnit) -> None:
    """Whose roles lie on the new parent holds them on what comes there, as on what is made there. Only who moves it may
    not be among those who gain."""
    if actor.user is None:
        return
    for permission in sorted(all_permissions()):
        entity, action = permission.split(":")
        if may(actor.user, action, entity, parent) and not may(actor.user, action, entity, unit):
            raise RaisesMover(unit, parent, permission)
