from __future__ import annotations

from django.db import transaction

from orgs.access import require
from orgs.models import OrgUnit, UnitKind
from orgs.names import LONGEST_DESCRIPTION, checked_name, checked_text
from orgs.services.locks import cluster_locked, fresh
from orgs.services.tree import refuse_too_deep, unit_insert
from portal.actor import Actor
from portal.errors import Refused
from portal.services.audit import audit_record
from portal.services.feed import feed_tell


@transaction.atomic
def department_create(*, actor: Actor, parent: OrgUnit, name: str, description: str = "") -> OrgUnit:
    """A department in a cluster or inside another department."""
    if parent.kind not in (UnitKind.CLUSTER, UnitKind.DEPARTMENT):
        raise Refused({"parent": "A department lies in a cluster or in another department. Choose one of these."})
    name = checked_name(name, UnitKind.DEPARTMENT)
    description = checked_text("description", description, LONGEST_DESCRIPTION, required=False)
    cluster = cluster_locked(parent)
    parent = fresh(parent)
    require(actor, "create", "department", parent)
    refuse_too_deep(parent, levels=1)
    department = unit_insert(kind=UnitKind.DEPARTMENT, name=name, parent=parent, description=description)
    audit_record(
        actor=actor, action="create", entity=department, unit=parent.pk, after={"name": name, "parent": parent.name}
    )
    feed_tell(cluster=cluster.pk, config=True)
    return department
