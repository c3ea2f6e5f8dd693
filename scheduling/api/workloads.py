"""Workloads: submit, look, stop, run again, take off the lists."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from orgs.api.base import SCOPE, Scoped
from orgs.api.bulk import Bulk
from orgs.api.roles import SubjectSerializer
from orgs.models import AccessKey
from orgs.scope import below
from portal.api import streams
from portal.api.endpoint import Creates, Deletes, Effect, Gets, Lists
from portal.api.fields import Given, Reference, Word
from portal.api.listing import Filter, Listing
from portal.api.problems import BadParameter
from portal.api.writing import Done, written
from portal.asked import whole_number
from scheduling.api.events import EventReader
from scheduling.api.explain import ExplainSerializer, ask, explained
from scheduling.api.logs import ASKED, LogAsk, LogReader, LogSerializer, log_now
from scheduling.api.submission import Clone, NewFromManifest, NewWorkload, Wishes, foretold
from scheduling.models import Priority, Workload
from scheduling.prefill import next_name
from scheduling.selectors.in_cluster import NO_LOGS, may_read_logs
from scheduling.selectors.visible import READ_WORK, visible_workloads, workload_for
from scheduling.services.workload import same_again, workload_delete, workload_resume, workload_stop, workload_submit
from scheduling.services.workload_access import may_change
from scheduling.services.workload_yaml import check_beside, workload_submit_yaml


class Origin(serializers.Serializer):
    """The object in the project's namespace that a workload was found as."""

    kind = serializers.CharField(source="origin_kind", read_only=True)
    name = serializers.CharField(source="origin_name", read_only=True)


class WorkloadSerializer(Given):
    """What somebody submitted, or what was found in a cluster, and how it is."""

    uid = serializers.UUIDField(read_only=True)
    name = serializers.CharField(read_only=True)
    kind = Word(Workload.Kind, read_only=True)
    origin = serializers.SerializerMethodField(help_text="What it was found as; none: it was submitted.")
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

    @extend_schema_field(Origin(allow_null=True))
    def get_origin(self, workload: Workload) -> Any:
        return Origin(workload).data if workload.origin else None


class Workloads(Lists, Gets, Creates, Deletes, Bulk, Scoped):
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
    more_acts = {"stop": "stop_one"}
    taken = {"stop": None, "resume": None, "clone": Clone, "ask": None, "from_manifest": NewFromManifest}
    answers = {"stop": {200: WorkloadSerializer}, "explain": {200: ExplainSerializer}, "ask": {200: ExplainSerializer}}
    answers |= {"resume": {200: WorkloadSerializer, 201: WorkloadSerializer}}
    answers |= {"from_manifest": {201: WorkloadSerializer}}
    answers |= {"events": {(200, streams.MEDIA_TYPE): OpenApiTypes.STR}}
    answers |= {"logs": {200: LogSerializer, (200, streams.MEDIA_TYPE): OpenApiTypes.STR}}
    asked = {
        "explain": {},
        "logs": ASKED,
        "events": {
            "workload": Filter("The id of a workload.", "pk"),
            "project": Filter("The id of a project.", "project"),
            "scope": SCOPE,
        },
    }
    headers_read = {
        "events": {"Last-Event-ID": "The `id` of the last event that you have; without it: from now on."},
        "logs": {"Last-Event-ID": "With `follow`: the `id` of the last line that you have."},
    }
    repeatable = ("ask",)

    def rows(self) -> QuerySet[Workload]:
        scope = getattr(self.request._request, "unit_scope", None)
        found = visible_workloads(self.request.user).filter(below(scope, "project"))
        found = found.exclude(desired=Workload.Desired.DELETED, is_active=False)
        return found.select_related("project", "pool", "submitted_by__user")

    def lock(self, row: Workload) -> None:
        Workload.objects.select_for_update(no_key=True).get(pk=row.pk)

    def made(self, values: dict[str, Any]) -> Model:
        return workload_submit(actor=self.actor, **values)

    def foretold(self, row: Workload) -> Effect:
        return foretold(row)

    def deleted(self, row: Workload) -> Effect:
        workload_delete(actor=self.actor, workload=row)
        return ()

    @action(["post"], detail=False, url_path="from-manifest")
    def from_manifest(self, request: Request) -> Response:
        """Submits a Kubernetes document: a Job as a training, a JobSet as a distributed one of several groups, a
        StatefulSet as a workspace, a Deployment as inference. Priority, pools and nearness stand beside it; what is
        refused is named by its path in the document."""
        values = self.read_in(NewFromManifest)
        return self.created(lambda: workload_submit_yaml(actor=self.actor, **values))

    @action(["post"], detail=True)
    def stop(self, request: Request, pk: int) -> Response:
        """Its pods are stopped; it can be run again."""
        self.row()
        return written(request, self.stop_one, once=True)

    def stop_one(self) -> Done:
        workload_stop(actor=self.actor, workload=self.matched(self.row()))
        return self.done(self.row())

    @action(["get"], detail=False)
    def events(self, request: Request) -> StreamingHttpResponse:
        """Server-sent events: what happens to workloads that you may see, as it happens. The answer goes on for some
        minutes; come again with the `id` of the last event as `Last-Event-ID`, and miss none."""
        filters, asked = self.asked["events"], request.query_params
        wanted = {filters[name].column: filters[name].value(name, text) for name, text in asked.dict().items()}
        wanted.pop("", None)
        last = request.headers.get("Last-Event-ID")
        after = None if last is None else whole_number(last)
        if last is not None and after is None:
            raise BadParameter("Last-Event-ID", "Give the id of an event, as it came, or leave it out.")
        scope = getattr(request._request, "unit_scope", None)
        return self.streamed(EventReader(self.actor, self.key(), scope, wanted, after))

    @action(["get"], detail=True)
    def logs(self, request: Request, pk: int) -> HttpResponseBase:
        """The last lines that one of its pods has written. With `follow` the answer goes on as server-sent events:
        `line` for each, then `end` or `problem`; come again with the `id` of the last line as `Last-Event-ID`."""
        workload = workload_for(request.user, pk)
        if not may_read_logs(request.user, workload):
            raise PermissionDenied(NO_LOGS)
        wanted = LogAsk.of(request.query_params, request.headers.get("Last-Event-ID"))
        if wanted.follow:
            return self.streamed(LogReader(self.actor, self.key(), workload, wanted))
        return Response(LogSerializer(log_now(workload, request.user, wanted)).data)

    def key(self) -> AccessKey | None:
        """That the request came with."""
        return self.request.auth if isinstance(self.request.auth, AccessKey) else None

    def streamed(self, read: streams.Read) -> StreamingHttpResponse:
        return streams.streamed_events(self.request._request, self.request.user.pk or 0, read)

    @action(["get"], detail=True)
    def explain(self, request: Request, pk: int) -> Response:
        """Why it is where it is. What the loop of its pool knows beyond that has to be asked for: see `ask`."""
        return Response(self.told())

    @action(["post"], detail=True)
    def ask(self, request: Request, pk: int) -> Response:
        """Asks the loop of its pool why it waits; the answer comes with one of its next cycles. Nothing is changed."""
        row = self.row()

        def act() -> Done:
            ask(row)
            return Done(200, self.told())

        return written(request, act)

    def told(self) -> Any:
        workload = workload_for(self.request.user, self.kwargs["pk"])
        return ExplainSerializer(explained(workload, self.actor)).data

    @action(["post"], detail=True)
    def resume(self, request: Request, pk: int) -> Response:
        """Runs an ended one again. One that was stopped goes on where its cluster kept it (200); else it is a new
        workload with the same name and specification (201)."""
        row = self.row()

        def act() -> Done:
            found = workload_resume(actor=self.actor, workload=row)
            return self.done(self.row()) if found.pk == row.pk else self.new(lambda: found)

        return written(request, act, once=True)

    @action(["post"], detail=True)
    def clone(self, request: Request, pk: int) -> Response:
        """Submits another with the same specification, but for what is sent. Without a name it is numbered; variables
        of the environment are taken along where you may change the first one."""
        row = self.row()
        values = self.read_in(Clone, partial=True)

        def make() -> Model:
            same = same_again(row, with_env=may_change(self.actor, "update", row))
            if "manifest" in same:
                check_beside(values.keys() - Wishes().fields.keys() - {"name"})
            project = values.get("project", row.project)
            active = Workload.objects.filter(project=project, is_active=True, name__startswith=row.name[:40])
            name = next_name(row.name, set(active.values_list("name", flat=True)))
            return workload_submit(actor=self.actor, **(same | {"name": name} | values))

        return self.created(make)
