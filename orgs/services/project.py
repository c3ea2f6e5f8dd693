from __future__ import annotations

from django.db import transaction

from orgs.access import require
from orgs.models import OrgUnit, ProjectInfo, UnitKind
from orgs.names import LONGEST_DESCRIPTION, NAMESPACE_PREFIX, checked_name, checked_namespace, checked_text
from orgs.services.locks import cluster_locked, fresh
from orgs.services.tree import unit_insert
from portal.actor import Actor
from portal.errors import Refused
from portal.services.audit import audit_record
from portal.services.feed import feed_tell


@transaction.atomic
def project_create(*, actor: Actor, parent: OrgUnit, name: str, description: str = "", namespace: str = "") -> OrgUnit:
    """A project in a department, with the namespace `bursar-<name>` or one that is there already, which it keeps for
    good."""
    if parent.kind != UnitKind.DEPARTMENT:
        raise Refused({"parent": "A project lies in a department. Choose one; every cluster has one called “default”."})
    name = checked_name(name, UnitKind.PROJECT)
    description = checked_text("description", description, LONGEST_DESCRIPTION, required=False)
    adopted = checked_namespace(namespace)
    cluster = cluster_locked(parent)
    parent = fresh(parent)
    require(actor, "create", "project", parent)
    namespace = adopted or NAMESPACE_PREFIX + name
    project = unit_insert(kind=UnitKind.PROJECT, name=name, parent=parent, description=description)
    _refuse_taken_namespace(cluster, namespace, "namespace" if adopted else "name")
    ProjectInfo.objects.create(unit=project, cluster=cluster, namespace=namespace, adopted=bool(adopted))
    audit_record(
        actor=actor,
        action="create",
        entity=project,
        unit=parent.pk,
        after={"name": name, "parent": parent.name, "namespace": namespace},
    )
    feed_tell(cluster=cluster.pk, config=True)
    return project


def _refuse_taken_namespace(cluster: OrgUnit, namespace: str, field: str) -> None:
    holder = ProjectInfo.objects.filter(cluster=cluster, namespace=namespace).select_related("unit").first()
    if holder is not None:
        why = ", which had this name before. Choose another name." if field == "name" else ". Choose another."
        raise Refused({field: f"The namespace {namespace} belongs to project {holder.unit.name}{why}"})
