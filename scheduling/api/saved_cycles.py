"""Cycles that are kept as files, for those who may see the whole of the pool's cluster."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request

from orgs.access import NotVisible, require
from orgs.api.base import SCOPE, Scoped
from orgs.api.roles import SubjectSerializer
from portal.api.endpoint import Creates, Deletes, Effect, Gets, Lists
from portal.api.fields import Given, Reference, RowId, Word
from portal.api.listing import Filter, Listing
from portal.errors import Refused
from quotas.models import Pool
from quotas.selectors.pools import pools_in_scope
from scheduling.models import SavedCycle
from scheduling.selectors.saved_cycles import file_name, saved_in
from scheduling.services.saved_cycle import SEEN_WHOLE, cycle_ask, cycle_export, cycle_forget

GZIP = "application/gzip"


class SavedCycleSerializer(Given):
    """A cycle with all that it looked at; a wish until the loop has written it."""

    pool = Reference(read_only=True)
    state = Word(SavedCycle.State, read_only=True)
    cause = Word(SavedCycle.Cause, read_only=True)
    deciding = serializers.BooleanField(read_only=True, help_text="Wanted is the next that decides something.")
    asked_by = SubjectSerializer(read_only=True, allow_null=True)
    asked_at = serializers.DateTimeField(read_only=True)
    cycle = serializers.IntegerField(read_only=True, allow_null=True, help_text="Its number.")
    at = serializers.DateTimeField(read_only=True, allow_null=True)
    size_bytes = serializers.IntegerField(source="size", read_only=True, help_text="Of the file.")
    digest = serializers.CharField(read_only=True, help_text="SHA-256 of the file.")
    problem = serializers.CharField(read_only=True, help_text="What went wrong in it; or why it was not saved.")
    expires_at = serializers.DateTimeField(read_only=True)


class Wish(serializers.Serializer):
    """That a pool's next cycle be kept."""

    pool = RowId(pools_in_scope, "pool", help_text="The id of a pool.")
    deciding = serializers.BooleanField(default=False, help_text="The next that decides something.")


class SavedCycles(Lists, Gets, Creates, Deletes, Scoped):
    """Cycles that are kept to be decided once more. Their loop writes what is asked for within a second or so."""

    permission = "scheduler:read"
    serializer_class = SavedCycleSerializer
    create_serializer = Wish
    listing = Listing(
        {"id": ()},
        {
            "pool": Filter("The id of a pool.", "pool"),
            "cycle": Filter("The number of the cycle; with `pool`.", "cycle"),
            "state": Filter("How far it is.", "state", "choice", {one.label: one.value for one in SavedCycle.State}),
            "cause": Filter("Why it is kept.", "cause", "choice", {one.label: one.value for one in SavedCycle.Cause}),
            "scope": SCOPE,
        },
        usual="-id",
    )
    answers = {"file": {(200, GZIP): OpenApiTypes.BINARY}}

    def rows(self) -> QuerySet[SavedCycle]:
        return saved_in(self.actor, pools_in_scope(self.request._request).select_related("cluster"))

    def lock(self, row: SavedCycle) -> None:
        SavedCycle.objects.select_for_update().get(pk=row.pk)

    def made(self, values: dict[str, Any]) -> Model:
        pool: Pool = values["pool"]
        for entity in SEEN_WHOLE:
            require(self.actor, "read", entity, pool.cluster)
        return cycle_ask(actor=self.actor, **values)

    def deleted(self, row: SavedCycle) -> Effect:
        cycle_forget(actor=self.actor, saved=row)
        return ()

    @action(["get"], detail=True)
    def file(self, request: Request, pk: int) -> HttpResponse:
        """The file, for `manage.py replay`. Who takes it is told in the audit log."""
        saved = self.row()
        try:
            content = cycle_export(actor=self.actor, saved=saved)
        except Refused as refusal:
            raise NotVisible(" ".join(refusal.messages)) from None
        named = {"Content-Disposition": f'attachment; filename="{file_name(saved)}"'}
        return HttpResponse(content, content_type=GZIP, headers=named)
