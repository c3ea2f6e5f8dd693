"""Workloads: submit, look, stop, run again, take off the lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Model, QuerySet
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from orgs.api.base import SCOPE, Scoped, UnitId
from orgs.api.roles import SubjectSerializer
from orgs.models import UnitKind
from orgs.scope import below
from portal.api.endpoint import Creates, Deletes, Effect, Gets, Lists
from portal.api.fields import Given, Reference, RowId, Text, Whole, Word
from portal.api.listing import Filter, Listing
from portal.api.writing import Done, written
from quotas.selectors.pools import topologies_in_scope
from scheduling.models import Workload
from scheduling.models.workload import Priority
from scheduling.selectors.visible import READ_WORK, visible_workloads
from scheduling.services.workload import workload_delete, workload_resume, workload_stop, workload_submit
from scheduling.services.workload_rules import PodGroup


class WorkloadSerializer(Given):
    """What somebody submitted, and how it is."""

    uid = serializers.UUIDField(read_only=True)
    name = serializers.CharField(read_only=True)
    kind = Word(Workload.Kind, read_only=True)
    project = Reference(read_only=True)
    submitted_by = SubjectSerializer(read_only=True, allow_null=True)
    state = Word(Workload.State, read_only=True)
    state_message = serializers.CharField(read_only=True)
    state_since = serializers.DateTimeField(read_only=True)
    desired = Word(Workload.Desired, read_only=True)
    is_active = serializers.BooleanField(read_only=True)
    pool = Reference(read_only=True, allow_null=True)
    priority = Word(Priority, read_only=True)
    preemptible = serializers.BooleanField(read_only=True)
    image = serializers.CharField(read_only=True)
    pods_wanted = serializers.IntegerField(read_only=True)
    pods_running = serializers.IntegerField(read_only=True)
    requested_gpu_milli = serializers.IntegerField(read_only=True)
    requested_cpu_millicores = serializers.IntegerField(read_only=True)
    requested_memory_bytes = serializers.IntegerField(read_only=True)
    allocated_gpu_milli = serializers.IntegerField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    started_at = serializers.DateTimeField(read_only=True, allow_null=True)
    ended_at = serializers.DateTimeField(read_only=True, allow_null=True)


class Shape(serializers.Serializer):
    """What a group of pods asks for; amounts are for each pod."""

    pods = Whole(default=1)
    min_pods = Whole(required=False, allow_null=True, help_text="So many must start together; none: all.")
    devices = Whole(default=0, help_text="GPUs.")
    device_milli = Whole(default=1000, help_text="Of each of them; 500 is half.")
    gpu_memory_mib = Whole(default=0, help_text="Instead of a share: so much memory of each.")
    cpu_millicores = Whole()
    memory_bytes = Whole()


class PodGroupInput(Shape):
    """Pods that ask for something else than the first group."""

    name = Text()

    def to_internal_value(self, data: Any) -> PodGroup:
        return PodGroup(**super().to_internal_value(data))


class Toleration(serializers.Serializer):
    """As in Kubernetes."""

    key = Text(required=False)
    operator = Text(required=False)
    value = Text(required=False)
    effect = Text(required=False)


class NewWorkload(Shape):
    """A workload to be run as soon as there is room."""

    project = UnitId(UnitKind.PROJECT, help_text="The id of a project.")
    kind = Word(Workload.Kind)
    name = Text()
    image = Text()
    command = serializers.ListField(child=Text(), required=False)
    env = serializers.DictField(child=Text(), required=False, help_text="Never given again.", write_only=True)
    group = Text(required=False, help_text="What the first group is called.")
    more_groups = PodGroupInput(many=True, required=False)
    near_topology = RowId(
        topologies_in_scope, "topology", required=False, allow_null=True, help_text="The id of a topology."
    )
    near_required = Text(required=False, help_text="All pods in one domain of this level.")
    near_preferred = Text(required=False, help_text="If possible in one of this level.")
    node_labels = serializers.DictField(child=Text(), required=False)
    tolerations = Toleration(many=True, required=False)
    priority = Word(Priority, required=False)
    preemptible = serializers.BooleanField(required=False)
    preemption_delay_seconds = Whole(required=False)
    pools = serializers.ListField(child=Text(), required=False, help_text="Names, the first is tried first.")
    run_seconds = Whole(required=False, allow_null=True, help_text="Of a simulated run.")
    fail_after_seconds = Whole(required=False, allow_null=True, help_text="Of a simulated run that fails.")


class Workloads(Lists, Gets, Creates, Deletes, Scoped):
    """Workloads that you may see. Those that ended stay for half a year."""

    permission = READ_WORK
    serializer_class = WorkloadSerializer
    create_serializer = NewWorkload
    listing = Listing(
        {
            "created_at": ("created_at",),
            "name": ("name",),
            "state_since": ("state_since",),
            "requested_gpu_milli": ("requested_gpu_milli",),
            "priority": ("priority",),
            "id": (),
        },
        {
            "name": Filter("The whole name.", "name", kind="text"),
            "project": Filter("The id of a project.", "project"),
            "pool": Filter("The id of a pool.", "pool"),
            "kind": Filter("Its type.", "kind", "choice", {kind.label: kind.value for kind in Workload.Kind}),
            "state": Filter("How it is.", "state", "choice", {one.label: one.value for one in Workload.State}),
            "is_active": Filter("Whether it has not ended.", "is_active", "flag"),
            "submitted_by": Filter("The address or name of who submitted it.", "submitted_by__name", "text"),
            "scope": SCOPE,
        },
        ("name",),
    )
    taken = {"stop": None, "resume": None}
    answers = {"stop": {200: WorkloadSerializer}}

    def rows(self) -> QuerySet[Workload]:
        scope = getattr(self.request._request, "unit_scope", None)
        found = visible_workloads(self.request.user).filter(below(scope, "project"))
        gone = found.filter(desired=Workload.Desired.DELETED, is_active=False)
        return found.exclude(pk__in=gone.values("pk")).select_related("project", "pool", "submitted_by__user")

    def lock(self, row: Workload) -> None:
        Workload.objects.select_for_update(no_key=True).get(pk=row.pk)

    def made(self, values: dict[str, Any]) -> Model:
        return workload_submit(actor=self.actor, **values)

    def deleted(self, row: Workload) -> Effect:
        workload_delete(actor=self.actor, workload=row)
        return ()

    @action(["post"], detail=True)
    def stop(self, request: Request, pk: int) -> Response:
        """Its pods are stopped; it can be run again."""
        row = self.row()

        def act() -> Done:
            workload_stop(actor=self.actor, workload=self.matched(row))
            return self.done(self.row())

        return written(request, act, once=True)

    @action(["post"], detail=True)
    def resume(self, request: Request, pk: int) -> Response:
        """Runs an ended one again: a new workload with the same name and specification."""
        row = self.row()
        again: Callable[[], Model] = lambda: workload_resume(actor=self.actor, workload=row)  # noqa: E731
        return self.created(again)
