"""Webhooks and their deliveries, as far as somebody may see them."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from orgs.access import may
from orgs.happenings import TEST, kinds
from orgs.models import Delivery, OrgUnit, UnitState, Webhook
from orgs.scope import limited
from orgs.services.delivery import KEPT

READ = "webhook:read"
STATES = {state.label: state.value for state in Delivery.State}


def webhooks_in_scope(request: HttpRequest) -> QuerySet[Webhook]:
    """By name, with their scopes."""
    rows = Webhook.objects.filter(scope__state=UnitState.ACTIVE)
    return limited(rows, request, READ, "scope").select_related("scope").order_by("name", "id")


def webhooks_found(webhooks: QuerySet[Webhook], search: str) -> QuerySet[Webhook]:
    return webhooks.filter(Q(name__icontains=search) | Q(scope__name__icontains=search)) if search else webhooks


def deliveries_seen(request: HttpRequest) -> QuerySet[Delivery]:
    """Of the webhooks that somebody may see."""
    seen = webhooks_in_scope(request).order_by().values("pk")
    return Delivery.objects.filter(webhook__in=seen).select_related("webhook__scope")


def delivery_counts(webhooks: list[Webhook]) -> dict[int, dict[str, int]]:
    """How many deliveries of each state these webhooks have; one query."""
    counts: dict[int, dict[str, int]] = {webhook.pk: {} for webhook in webhooks}
    found = Delivery.objects.filter(webhook__in=webhooks, created_at__gte=timezone.now() - KEPT).order_by()
    for webhook, state, number in found.values_list("webhook", "state").annotate(number=Count("id")):
        counts[webhook][Delivery.State(state).name.lower()] = number
    return counts


def address_for(user: Any, webhook: Webhook) -> str:
    """The whole address for who may change it: it may let in whoever knows it."""
    return webhook.address if may(user, "update", "webhook", webhook.scope) else webhook.short_address


def may_read_content(user: Any, scope: OrgUnit, kind: str) -> bool:
    """Whether what a delivery tells may be known to `user`, who may know of the delivery."""
    if kind == TEST:
        return True
    known = kinds().get(kind)
    if known is None:
        return False
    asked = (permission.split(":") for permission in known.permissions)
    return all(may(user, action, entity, scope) for entity, action in asked)
