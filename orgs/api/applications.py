"""Applications, and access keys."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from orgs.access.table import all_permissions
from orgs.api.base import OfTheAccount, UnitId
from orgs.api.bulk import Bulk
from orgs.api.people import AccountRowId
from orgs.models import AccessKey, Application
from orgs.selectors.access_keys import applications, keys_visible
from orgs.services import access_key as services
from orgs.services.access_key import LONGEST_OVERLAP, KeyLimits, key_create, key_revoke, key_rotate, key_update
from orgs.services.application import application_create, application_delete, application_update
from portal.api.endpoint import EVERYBODY, Changes, Creates, Deletes, Effect, Gets, Lists
from portal.api.fields import Given, Reference, Text, Whole, duration
from portal.api.listing import Filter, Listing


class ApplicationSerializer(Given):
    """A program with rights of its own."""

    name = serializers.CharField(read_only=True)
    description = serializers.CharField(read_only=True)
    client_id = serializers.CharField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)


class NewApplication(serializers.Serializer):
    """An application without keys and roles."""

    name = Text()
    description = Text(required=False)


class Applications(Lists, Gets, Creates, Changes, Deletes, Bulk, OfTheAccount):
    """Applications. Their secrets are access keys; their roles are given by access rules."""

    permission = "application:read"
    serializer_class = ApplicationSerializer
    create_serializer = change_serializer = NewApplication
    listing = Listing(
        {"name": ("name",), "id": ()},
        {
            "name": Filter("The whole name.", "name", kind="text"),
            "client_id": Filter("The client id.", "client_id", kind="text"),
        },
        ("name", "description", "client_id"),
    )

    def rows(self) -> QuerySet[Application]:
        return applications()

    def made(self, values: dict[str, Any]) -> Model:
        return application_create(actor=self.actor, **values)

    def changed(self, row: Application, values: dict[str, Any]) -> Effect:
        now = {"name": row.name, "description": row.description}
        application_update(actor=self.actor, application=row, **(now | values))
        return ()

    def deleted(self, row: Application) -> Effect:
        effect = (
            {"text": "Keys are revoked", "figure": row.user.access_keys.count()},
            {"text": "Its workloads are kept", "tone": "kept"},
        )
        application_delete(actor=self.actor, application=row)
        return effect


class KeySerializer(Given):
    """A key: what it may do, and when it was last used."""

    name = serializers.CharField(read_only=True)
    owner = Reference(source="user", read_only=True)
    begins_with = serializers.CharField(source="token_key", read_only=True)
    permissions = serializers.ListField(
        child=serializers.CharField(), read_only=True, allow_null=True, help_text="None: whatever its owner may."
    )
    limited_to = serializers.CharField(read_only=True)
    scope = Reference(read_only=True, allow_null=True)
    created_at = serializers.DateTimeField(source="created", read_only=True)
    expires_at = serializers.DateTimeField(source="expiry", read_only=True, allow_null=True)
    last_used_at = serializers.DateTimeField(source="use.at", read_only=True, allow_null=True)
    last_address = serializers.CharField(source="use.address", read_only=True, allow_null=True)
    key = serializers.CharField(
        source="told_once", read_only=True, help_text="Only in the answer that made the key: it is kept nowhere."
    )


class KeyChange(serializers.Serializer):
    """Other limits."""

    name = Text()
    permissions = serializers.ListField(
        child=serializers.ChoiceField(sorted(all_permissions())), required=False, allow_null=True, allow_empty=False
    )
    scope = UnitId(required=False, allow_null=True, help_text="The id of a unit; none: wherever the owner may.")
    expires_at = serializers.DateTimeField(required=False, allow_null=True, help_text="None: for good.")


class NewKey(KeyChange):
    """A key of one's own, or of an application."""

    application = AccountRowId(Application.objects.all(), "application", required=False, help_text="None: your own.")


class Rotation(serializers.Serializer):
    """How long the old key works beside the new one."""

    overlap_seconds = Whole(default=24 * 3600, help_text=f"At most {LONGEST_OVERLAP.days} days.")


class Keys(Lists, Gets, Creates, Changes, Deletes, OfTheAccount):
    """Access keys: your own, and those that you administer. A key makes no keys: come with a browser's session."""

    permission = EVERYBODY
    serializer_class = KeySerializer
    create_serializer, change_serializer = NewKey, KeyChange
    listing = Listing(
        {"id": (), "created_at": ("created",)},
        {"owner": Filter("The id of the person or of the application's user.", "user")},
        ("name",),
    )
    taken = {"rotate": Rotation}

    def rows(self) -> QuerySet[AccessKey]:
        return keys_visible(self.request.user)

    def made(self, values: dict[str, Any]) -> Model:
        application = values.pop("application", None)
        owner = application.user if application else self.actor.user
        return self._told(key_create(actor=self.actor, owner=owner, limits=KeyLimits(**values)))

    def changed(self, row: AccessKey, values: dict[str, Any]) -> Effect:
        now = {"name": row.name, "scope": row.scope, "expires_at": row.expiry}
        now |= {"permissions": row.permissions, "limited_to": "" if "permissions" in values else row.limited_to}
        key_update(actor=self.actor, key=row, limits=KeyLimits(**(now | values)))
        return ()

    def deleted(self, row: AccessKey) -> Effect:
        key_revoke(actor=self.actor, key=row)
        return ({"text": "What was made with it is kept, running workloads too", "tone": "kept"},)

    @action(["post"], detail=True)
    def rotate(self, request: Request, pk: int) -> Response:
        """A new key with the same limits; the old one works on for a while."""
        key = self.row()
        overlap = duration(self.read_in(Rotation)["overlap_seconds"])
        return self.created(lambda: self._told(key_rotate(actor=self.actor, key=key, overlap=overlap)))

    def _told(self, new: services.NewKey) -> AccessKey:
        self.told_once = {"key": new.token}
        return new.key
