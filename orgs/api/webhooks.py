"""Webhooks and their deliveries."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from orgs.api.base import SCOPE, OfTheAccount, Scoped, UnitId
from orgs.models import Delivery, Webhook
from orgs.selectors import webhooks as selectors
from orgs.selectors.webhooks import deliveries_seen, webhooks_in_scope
from orgs.services.delivery import delivery_again
from orgs.services.webhook import (
    LONGEST_OVERLAP,
    NewSecret,
    webhook_create,
    webhook_delete,
    webhook_rotate,
    webhook_test,
    webhook_update,
)
from orgs.webhooks.deliverer import payload_of
from portal.api.endpoint import Changes, Creates, Deletes, Effect, Gets, Lists
from portal.api.fields import Given, Reference, Text, Whole, Word, duration
from portal.api.listing import Filter, Listing
from portal.api.writing import Done, etag_of, written


class WebhookSerializer(Given):
    """Tells a program what happens in a unit and below it."""

    name = serializers.CharField(read_only=True)
    scope = Reference(read_only=True)
    address = serializers.SerializerMethodField(help_text="All of it for who may change it.")
    kinds = serializers.ListField(child=serializers.CharField(), read_only=True)
    is_active = serializers.BooleanField(read_only=True)
    made_by = serializers.CharField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    old_secret_until = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="Until then the secret from before signs too."
    )
    failing_since = serializers.DateTimeField(read_only=True, allow_null=True)
    trouble = serializers.CharField(read_only=True, help_text="What went wrong last.")
    secret = serializers.CharField(read_only=True, source="told_once", help_text="Only in the answer that made it.")

    def get_address(self, webhook: Webhook) -> str:
        return selectors.address_for(self.context["request"].user, webhook)


class _Chosen(serializers.Serializer):
    name = Text()
    address = Text(help_text="Where to: https.")
    kinds = serializers.ListField(
        child=serializers.CharField(), help_text="What is told, as in docs/webhooks.md: `workload.failed`, ..."
    )


class WebhookChange(_Chosen):
    """Another name, address or choice."""

    is_active = serializers.BooleanField(required=False)


class NewWebhook(_Chosen):
    """A webhook of a unit."""

    scope = UnitId(help_text="The id of a unit: it is told what happens there and below.")


class SecretRotation(serializers.Serializer):
    """How long the old secret signs beside the new one."""

    overlap_seconds = Whole(default=24 * 3600, help_text=f"At most {LONGEST_OVERLAP.days} days.")


class DeliverySerializer(Given):
    """Something that happened, on its way to a webhook."""

    webhook = Reference(read_only=True)
    uid = serializers.UUIDField(read_only=True, help_text="What its header `webhook-id` says.")
    type = serializers.CharField(source="kind", read_only=True)
    subject = serializers.CharField(read_only=True)
    state = Word(Delivery.State, read_only=True)
    at = serializers.DateTimeField(read_only=True)
    attempts = serializers.IntegerField(read_only=True)
    next_try_at = serializers.SerializerMethodField()
    status = serializers.IntegerField(read_only=True, allow_null=True, help_text="Of the last answer.")
    problem = serializers.CharField(read_only=True)
    answer = serializers.CharField(read_only=True, help_text="How the last answer begins.")
    took_ms = serializers.IntegerField(read_only=True, allow_null=True)
    done_at = serializers.DateTimeField(read_only=True, allow_null=True)
    payload = serializers.SerializerMethodField(help_text="None for who may not read what it tells.")

    def get_next_try_at(self, row: Delivery) -> str | None:
        return row.next_try_at.isoformat() if row.state == Delivery.State.WAITING else None

    def get_payload(self, row: Delivery) -> dict[str, Any] | None:
        user = self.context["request"].user
        return payload_of(row) if selectors.may_read_content(user, row.webhook.scope, row.kind) else None


class Webhooks(Lists, Gets, Creates, Changes, Deletes, OfTheAccount, Scoped):
    """Webhooks of units. What they tell, and how it is signed: docs/webhooks.md."""

    permission = selectors.READ
    serializer_class = WebhookSerializer
    create_serializer, change_serializer = NewWebhook, WebhookChange
    listing = Listing(
        {"name": ("name",), "created_at": ("created_at",), "id": ()},
        {
            "name": Filter("The whole name.", "name", kind="text"),
            "unit": Filter("The id of the unit that it belongs to.", "scope"),
            "is_active": Filter("Whether it is switched on.", "is_active", "flag"),
            "scope": SCOPE,
        },
        ("name",),
    )
    taken = {"rotate": SecretRotation, "test": None}
    answers = {"test": {201: DeliverySerializer}}

    def rows(self) -> QuerySet[Webhook]:
        return webhooks_in_scope(self.request._request)

    def etag(self, row: Any, body: Any) -> str:
        """How it fares is no new version of it."""
        return etag_of(None, body)

    def made(self, values: dict[str, Any]) -> Model:
        return self._told(webhook_create(actor=self.actor, **values))

    def changed(self, row: Webhook, values: dict[str, Any]) -> Effect:
        now = {"name": row.name, "address": row.address, "kinds": row.kinds, "is_active": row.is_active}
        webhook_update(actor=self.actor, webhook=row, **(now | values))
        return ()

    def deleted(self, row: Webhook) -> Effect:
        waiting = row.deliveries.filter(state=Delivery.State.WAITING).count()
        webhook_delete(actor=self.actor, webhook=row)
        return ({"text": "Deliveries that wait are not sent", "figure": waiting},)

    @action(["post"], detail=True)
    def rotate(self, request: Request, pk: int) -> Response:
        """A new secret; the old one signs too for a while."""
        webhook = self.row()
        overlap = duration(self.read_in(SecretRotation)["overlap_seconds"])
        return self.created(lambda: self._told(webhook_rotate(actor=self.actor, webhook=webhook, overlap=overlap)))

    @action(["post"], detail=True)
    def test(self, request: Request, pk: int) -> Response:
        """Sends something that did not happen, of the type `test`. What came of it: `webhook-deliveries/`."""
        webhook = self.row()

        def act() -> Done:
            delivery = webhook_test(actor=self.actor, webhook=webhook)
            location = reverse("webhook-deliveries-detail", kwargs={"pk": delivery.pk}, request=request)
            body = DeliverySerializer(delivery, context=self.get_serializer_context()).data
            return Done(201, body, location)

        return written(request, act, once=True)

    def _told(self, new: NewSecret) -> Webhook:
        self.told_once = {"secret": new.secret}
        return new.webhook


class Deliveries(Lists, Gets, Scoped):
    """Deliveries of webhooks that you may see, of a week."""

    permission = selectors.READ
    serializer_class = DeliverySerializer
    listing = Listing(
        {"id": ()},
        {
            "webhook": Filter("The id of a webhook.", "webhook"),
            "state": Filter("How far it is.", "state", "choice", selectors.STATES),
            "type": Filter("What happened, as `workload.failed`.", "kind", kind="text"),
            "subject": Filter("What it is about.", "subject", kind="text"),
            "scope": SCOPE,
        },
        usual="-id",
    )
    taken = {"again": None}
    answers = {"again": {200: DeliverySerializer}}
    repeatable = ("again",)

    def rows(self) -> QuerySet[Delivery]:
        return deliveries_seen(self.request._request)

    @action(["post"], detail=True)
    def again(self, request: Request, pk: int) -> Response:
        """Sends it once more, with the same id."""
        row = self.row()
        return written(request, lambda: self.done(delivery_again(actor=self.actor, delivery=row)))
