"""Rows of the tree, for the services beside it: called under the lock of the tree they write to."""

from __future__ import annotations

from orgs.models import OrgUnit, UnitKind, UnitState
from portal.errors import Refused

DEEPEST = 8
"""Departments inside one another."""


def unit_insert(*, kind: UnitKind, name: str, parent: OrgUnit | None, description: str = "") -> OrgUnit:
    """A new unit below `parent`, with its path. The name has been checked for form; here for being free."""
    if parent is not None:
        refuse_taken(kind=kind, name=name, parent=parent)
    unit = OrgUnit(kind=kind, name=name, parent=parent, description=description)
    unit.cluster = parent.cluster if parent else None
    unit.save()
    unit.path = f"{parent.path if parent else '/'}{unit.pk}/"
    if kind == UnitKind.CLUSTER:
        unit.cluster = unit
    unit.save(update_fields=["path", "cluster"])
    return unit


def refuse_taken(*, kind: UnitKind, name: str, parent: OrgUnit, except_for: OrgUnit | None = None) -> None:
    """A project's name is unique in its cluster, any other among its siblings."""
    taken = OrgUnit.objects.filter(kind=kind, name=name)
    if kind == UnitKind.PROJECT:
        taken, where = taken.filter(cluster=parent.cluster_id), "in this cluster"
    else:
        taken, where = OrgUnit.objects.filter(name=name, parent=parent).exclude(kind=UnitKind.PROJECT), "here"
    if except_for is not None:
        taken = taken.exclude(pk=except_for.pk)
    other = taken.first()
    if other is None:
        return
    if other.state == UnitState.DELETING:
        raise Refused({"name": f"“{name}” is still being deleted. Wait until it is gone, or choose another name."})
    raise Refused({"name": f"There is a {kind.label} called “{name}” {where} already. Choose another name."})


def subtree_ids(unit: OrgUnit) -> list[int]:
    """The unit's id and those of everything below it."""
    return list(OrgUnit.objects.filter(path__gte=unit.path, path__lt=unit.path[:-1] + "0").values_list("pk", flat=True))
