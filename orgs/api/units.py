"""Clusters, departments and projects."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet
from rest_framework import serializers

from orgs.api.base import SCOPE, Scoped, UnitId
from orgs.api.bulk import Bulk
from orgs.models import ClusterInfo, OrgUnit, ProjectInfo, UnitKind
from orgs.scope import limited, visible_units
from orgs.selectors.impact import move_impact, unit_impact
from orgs.services.cluster import cluster_create, cluster_disconnect, cluster_reconnect
from orgs.services.department import department_create
from orgs.services.move import unit_move
from orgs.services.project import project_create
from orgs.services.unit import unit_delete, unit_lock, unit_rename
from orgs.words import impact_rows, move_rows
from portal.api.endpoint import Changes, Creates, Deletes, Effect, Gets, Lists, Locks
from portal.api.fields import Given, Reference, Text, Word
from portal.api.listing import Filter, Listing

SORTS = {"name": ("name",), "id": (), "created_at": ("created_at",)}
SEARCH = ("name", "description")
PARENT = Filter("The id of the unit that it lies right in.", "parent")
CLUSTER = Filter("The id of the cluster that it lies in.", "cluster")
NAME = Filter("The whole name.", "name", kind="text")


class UnitSerializer(Given):
    """A unit of the organization."""

    name = serializers.CharField(read_only=True)
    description = serializers.CharField(read_only=True)
    parent = Reference(read_only=True)
    version = serializers.IntegerField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)


class ClusterSerializer(UnitSerializer):
    """A connected or simulated cluster."""

    mode = Word(ClusterInfo.Mode, source="cluster_info.mode", read_only=True)
    state = Word(ClusterInfo.State, source="cluster_info.state", read_only=True)
    state_message = serializers.CharField(source="cluster_info.state_message", read_only=True)
    address = serializers.CharField(source="cluster_info.address", read_only=True)
    server_version = serializers.CharField(source="cluster_info.server_version", read_only=True)
    state_since = serializers.DateTimeField(source="cluster_info.state_since", allow_null=True, read_only=True)
    last_seen = serializers.DateTimeField(source="cluster_info.last_seen", allow_null=True, read_only=True)
    latency_ms = serializers.IntegerField(source="cluster_info.latency_ms", allow_null=True, read_only=True)
    lag_ms = serializers.IntegerField(source="cluster_info.lag_ms", allow_null=True, read_only=True)
    missing_rights = serializers.ListField(
        child=serializers.CharField(), source="cluster_info.missing_rights", read_only=True
    )
    watched = serializers.DictField(child=serializers.IntegerField(), source="cluster_info.watched", read_only=True)


class DepartmentSerializer(UnitSerializer):
    """A business unit inside a cluster, or inside another department."""

    cluster = Reference(read_only=True)


class ProjectSerializer(DepartmentSerializer):
    """What owns workloads."""

    namespace = serializers.CharField(source="project_info.namespace", read_only=True)
    phase = Word(ProjectInfo.Phase, source="project_info.phase", read_only=True)
    phase_message = serializers.CharField(source="project_info.phase_message", read_only=True)


class NewCluster(serializers.Serializer):
    """A Kubernetes cluster takes a kubeconfig, a simulated one none."""

    name = Text()
    mode = Word(ClusterInfo.Mode)
    kubeconfig = Text(required=False, write_only=True, help_text="Encrypted at rest, and never given again.")


class NewDepartment(serializers.Serializer):
    name = Text()
    description = Text(required=False)
    parent = UnitId(UnitKind.CLUSTER, UnitKind.DEPARTMENT, help_text="The id of a cluster or department.")  # type: ignore[assignment]


class NewProject(serializers.Serializer):
    name = Text()
    description = Text(required=False)
    parent = UnitId(UnitKind.DEPARTMENT, help_text="The id of a department.")  # type: ignore[assignment]


class Names(serializers.Serializer):
    name = Text()
    description = Text()


class ClusterChanges(Names):
    """`kubeconfig`: other credentials, or another address, of the same cluster."""

    kubeconfig = Text(required=False, write_only=True, help_text="Encrypted at rest, and never given again.")


class Units(Lists, Gets, Locks, Scoped):
    """Units of one kind."""

    kind: UnitKind

    def rows(self) -> QuerySet[OrgUnit]:
        units = visible_units(self.request.user) & limited(OrgUnit.objects.all(), self.request, self.permission)
        return units.filter(kind=self.kind).select_related("parent", "cluster")

    def lock(self, row: OrgUnit) -> None:
        unit_lock(row)


class ChangedUnits(Creates, Changes, Deletes, Bulk, Units):
    def changed(self, row: OrgUnit, values: dict[str, Any]) -> Effect:
        effect: Effect = ()
        parent = values.get("parent")
        if parent is not None and parent.pk != row.parent_id:
            user, place = self.request.user, row
            if not row.contains(parent):
                effect = self.effect(lambda: move_rows(move_impact(place, parent, user), place, parent))
            row = unit_move(actor=self.actor, unit=row, parent=parent)
        if "name" in values or "description" in values:
            name, description = values.get("name", row.name), values.get("description")
            unit_rename(actor=self.actor, unit=row, name=name, description=description)
        return effect

    def gone(self, row: OrgUnit) -> Effect:
        """What goes along with the unit."""
        return self.effect(lambda: impact_rows(unit_impact(row, self.request.user), row))

    def deleted(self, row: OrgUnit) -> Effect:
        effect = self.gone(row)
        unit_delete(actor=self.actor, unit=row)
        return effect


class Clusters(ChangedUnits):
    """Clusters. Deleting one disconnects it: a Kubernetes cluster stays as it is, with what runs
    in it; the workloads of a simulated one are stopped first."""

    permission = "cluster:read"
    kind = UnitKind.CLUSTER
    serializer_class = ClusterSerializer
    create_serializer, change_serializer = NewCluster, ClusterChanges
    listing = Listing(SORTS, {"name": NAME, "scope": SCOPE}, SEARCH)

    def rows(self) -> QuerySet[OrgUnit]:
        return super().rows().select_related("cluster_info")

    def made(self, values: dict[str, Any]) -> Model:
        return cluster_create(actor=self.actor, **values)

    def changed(self, row: OrgUnit, values: dict[str, Any]) -> Effect:
        effect = super().changed(row, values)
        if "kubeconfig" in values:
            cluster_reconnect(actor=self.actor, cluster=row, kubeconfig=values["kubeconfig"])
        return effect

    def deleted(self, row: OrgUnit) -> Effect:
        effect = self.gone(row)
        cluster_disconnect(actor=self.actor, cluster=row)
        return effect


class Departments(ChangedUnits):
    """Departments. Another `parent` moves one, with everything in it."""

    permission = "department:read"
    kind = UnitKind.DEPARTMENT
    serializer_class = DepartmentSerializer
    create_serializer = change_serializer = NewDepartment
    listing = Listing(SORTS, {"name": NAME, "parent": PARENT, "cluster": CLUSTER, "scope": SCOPE}, SEARCH)

    def made(self, values: dict[str, Any]) -> Model:
        return department_create(actor=self.actor, **values)


class Projects(ChangedUnits):
    """Projects. Another `parent` moves one; its namespace stays."""

    permission = "project:read"
    kind = UnitKind.PROJECT
    serializer_class = ProjectSerializer
    create_serializer = change_serializer = NewProject
    listing = Listing(SORTS, {"name": NAME, "parent": PARENT, "cluster": CLUSTER, "scope": SCOPE}, SEARCH)

    def rows(self) -> QuerySet[OrgUnit]:
        return super().rows().select_related("project_info")

    def made(self, values: dict[str, Any]) -> Model:
        return project_create(actor=self.actor, **values)
