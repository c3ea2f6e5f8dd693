"""The audit log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from orgs.api.base import SCOPE, Scoped
from orgs.selectors.audit import AuditRow, audit_rows, events_of
from portal.api.endpoint import Gets, Lists
from portal.api.listing import Filter, Listing
from portal.models import AuditEvent


class ChangeSerializer(serializers.Serializer):
    """A field with its value before and after, in words; null where there is none on that side."""

    field = serializers.CharField()
    before = serializers.CharField(allow_null=True, allow_blank=True)
    after = serializers.CharField(allow_null=True, allow_blank=True)


class EventSerializer(serializers.Serializer):
    """Who did what. Never changed."""

    id = serializers.IntegerField(source="event.pk", read_only=True)
    at = serializers.DateTimeField(source="event.at", read_only=True)
    actor_id = serializers.IntegerField(
        source="event.actor", read_only=True, allow_null=True, help_text="Null: Bursar itself, or nobody signed in."
    )
    actor = serializers.CharField(source="event.actor_name", read_only=True)
    action = serializers.CharField(source="event.action", read_only=True)
    entity = serializers.CharField(source="event.entity", read_only=True)
    entity_id = serializers.IntegerField(source="event.entity_id", read_only=True, allow_null=True)
    entity_name = serializers.CharField(source="event.entity_name", read_only=True)
    unit_id = serializers.IntegerField(source="event.unit", read_only=True, allow_null=True)
    unit = serializers.CharField(source="event.unit_name", read_only=True, help_text="Where it happened, as it was.")
    address = serializers.CharField(source="event.address", read_only=True)
    sentence = serializers.CharField(read_only=True)
    changes = ChangeSerializer(many=True, read_only=True)
    digest = serializers.CharField(source="event.digest", read_only=True)
    seal = serializers.IntegerField(source="event.seal", read_only=True, allow_null=True)


class Audit(Lists, Gets, Scoped):
    """The audit log of the units on which you may read it, the newest first."""

    permission = "audit:read"
    serializer_class = EventSerializer
    listing = Listing(
        {"at": ("at",)},
        {
            "action": Filter("What was done, as `create`.", "action", "text"),
            "entity": Filter("The kind of thing, as `quota`.", "entity", "text"),
            "entity_id": Filter("The id of the thing; with `entity`.", "entity_id"),
            "actor": Filter("The subject id of who did it.", "actor"),
            "address": Filter("What the address begins with.", "address__startswith", "text"),
            "since": Filter("Then or later.", "at__gte", "time"),
            "until": Filter("Before.", "at__lt", "time"),
            "scope": SCOPE,
        },
        usual="-at",
    )

    def rows(self) -> QuerySet[AuditEvent]:
        return events_of(self.request.user, getattr(self.request._request, "unit_scope", None))

    def prepared(self, rows: Sequence[AuditEvent]) -> Sequence[AuditRow]:
        return audit_rows(self.request.user, [row.pk for row in rows])

    def etag(self, row: Any, body: Any) -> str:
        return f'"{row.event.digest[:16]}"'
