"""Who asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from orgs.models import AccessKey, Subject
from portal.api.endpoint import EVERYBODY, Endpoint
from portal.api.fields import Given, Reference, Word
from portal.api.listing import Filter


class UsedKey(Given):
    """The access key that was sent, without what it is."""

    name = serializers.CharField(read_only=True)
    expires_at = serializers.DateTimeField(source="expiry", read_only=True, allow_null=True)
    scope = Reference(read_only=True, allow_null=True, help_text="Its rights hold in it only; null: everywhere.")
    permissions = serializers.ListField(
        child=serializers.CharField(), read_only=True, allow_null=True, help_text="Null: all of its owner's."
    )


class WhoSerializer(Given):
    """The person or application that asks, and with which key."""

    name = serializers.CharField(source="title", read_only=True)
    address = serializers.CharField(source="name", read_only=True, help_text="What access rules call it.")
    kind = Word(Subject.Kind, read_only=True)
    key = serializers.SerializerMethodField()

    @extend_schema_field(UsedKey(allow_null=True))
    def get_key(self, subject: Subject) -> Any:
        key = self.context["request"].auth
        return UsedKey(key).data if isinstance(key, AccessKey) else None


class WhoAmI(Endpoint):
    """Who asks, and with which key."""

    permission = EVERYBODY
    serializer_class = WhoSerializer
    answers = {"list": {200: WhoSerializer}}
    asked: ClassVar[Mapping[str, Mapping[str, Filter]]] = {"list": {}}

    def rows(self) -> QuerySet[Subject]:
        return Subject.objects.filter(user=self.request.user.pk).select_related("user")

    def list(self, request: Request) -> Response:
        found: Any = self.get_serializer(self.rows().get())
        return Response(found.data)
