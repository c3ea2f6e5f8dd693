"""Rows of the tree, for the services beside it: called under the lock of the tree they write to."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import OuterRef, Subquery, TextField, Value
from django.db.models.functions import Cast, Concat

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


def units_insert(wanted: Sequence[tuple[UnitKind, str, OrgUnit]]) -> list[OrgUnit]:
    """New departments and projects by kind, name and parent, in a fixed number of statements. Names have been checked,
    for being free too."""
    units = [
        OrgUnit(kind=kind, name=name, parent=parent, cluster_id=parent.cluster_id) for kind, name, parent in wanted
    ]
    OrgUnit.objects.bulk_create(units)
    above = OrgUnit.objects.filter(pk=OuterRef("parent")).values("path")
    path = Concat(Subquery(above), Cast("pk", TextField()), Value("/"), output_field=TextField())
    OrgUnit.objects.filter(parent__in={parent.pk for _, _, parent in wanted}, path="").update(path=path)
    for unit in units:
        assert unit.parent is not None
        unit.path = f"{unit.parent.path}{unit.pk}/"
    return units


def refuse_taken(
    *, kind: UnitKind, name: str, parent: OrgUnit, except_for: OrgUnit | None = None, field: str = "name"
) -> None:
    """A project's name is unique in its cluster, any other among its siblings. `field`: what the refusal stands by."""
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
        raise Refused({field: f"“{name}” is still being deleted. Wait until it is gone, or choose another {field}."})
    remedy = "Choose another name." if field == "name" else "Rename one of the two first."
    what = f"There is a {kind.label} called “{name}” {where} already."
    raise Refused({field: f"{what} {remedy}"})


def refuse_too_deep(parent: OrgUnit, *, levels: int) -> None:
    """Departments nest only so far: `levels` of them, one inside another, are to come into `parent`."""
    # Above the departments are the account and the cluster.
    if len(parent.ancestor_ids) - 2 + levels > DEEPEST:
        raise Refused({"parent": f"Departments lie at most {DEEPEST} deep inside one another. Choose one further up."})


def subtree_ids(unit: OrgUnit) -> list[int]:
    """The unit's id and those of everything below it."""
    return list(OrgUnit.objects.filter(path__gte=unit.path, path__lt=unit.path[:-1] + "0").values_list("pk", flat=True))
