"""Webhooks: their list, what was sent to them, and the forms about them. A secret is on the screen once."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from orgs.access import may, require
from orgs.forms.scope import ScopeChoices
from orgs.forms.webhook import NewWebhookForm, SecretRotateForm, WebhookUpdateForm
from orgs.happenings import TEST, kinds
from orgs.models import Delivery, Webhook
from orgs.selectors import webhooks as selectors
from orgs.selectors.webhooks import deliveries_seen, delivery_counts, webhooks_found, webhooks_in_scope
from orgs.services.delivery import delivery_again
from orgs.services.webhook import (
    NewSecret,
    webhook_create,
    webhook_delete,
    webhook_rotate,
    webhook_test,
    webhook_update,
)
from orgs.views.access import AccessPage, access_url, paged
from orgs.views.base import Guarded, Page, searched
from orgs.views.form import FormPage
from orgs.webhook_words import deliveries_answer, webhook_state, webhooks_answer
from orgs.webhooks.deliverer import payload_of
from portal.asked import whole_number
from portal.errors import Refused


class WebhooksPage(AccessPage):
    permission = selectors.READ
    tab = "webhooks"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.request.user
        seen = webhooks_in_scope(self.request)
        page = paged(self.request, webhooks_found(seen, searched(self.request)))
        rows = list(page)
        counts = delivery_counts(rows)
        return super().get_context_data(
            answer=webhooks_answer(seen),
            page=page,
            rows=[(one, webhook_state(one), counts[one.pk], may(user, "update", "webhook", one.scope)) for one in rows],
            may_create=may(user, "create", "webhook"),
            **kwargs,
        )


class OneWebhook(Guarded):
    """About one webhook that the person may see; `action` is asked in its scope."""

    permission = selectors.READ
    action = "update"
    webhook: Webhook

    def prepare(self, **kwargs: Any) -> None:
        super().prepare(**kwargs)
        self.webhook = get_object_or_404(webhooks_in_scope(self.request), pk=kwargs["pk"])
        require(self.actor, self.action, "webhook", self.webhook.scope)


class DeliveriesPage(OneWebhook, Page):
    """What was sent to a webhook, and what waits."""

    action = "read"
    template_name = "orgs/deliveries.html"
    fragment_template = "orgs/deliveries_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user, webhook = self.request.user, self.webhook
        states = [selectors.STATES[name] for name in self.request.GET.getlist("state") if name in selectors.STATES]
        found = webhook.deliveries.order_by("-pk")
        page = paged(self.request, found.filter(state__in=states) if states else found)
        wanted = whole_number(self.request.GET.get("delivery", ""))
        chosen = found.filter(pk=wanted).first() if wanted else None
        labels = {code: kind.label for code, kind in kinds().items()} | {TEST: "Test"}
        content = ""
        if chosen is not None and selectors.may_read_content(user, webhook.scope, chosen.kind):
            content = json.dumps(payload_of(chosen), indent=2, ensure_ascii=False)
        return super().get_context_data(
            webhook=webhook,
            address=selectors.address_for(user, webhook),
            state=webhook_state(webhook),
            answer=deliveries_answer(webhook, delivery_counts([webhook])[webhook.pk]),
            page=page,
            rows=[(row, labels.get(row.kind, row.kind)) for row in page],
            narrowed=bool(states),
            state_options=[(name, name) for name in selectors.STATES],
            delivery=chosen,
            delivery_label=chosen and labels.get(chosen.kind, chosen.kind),
            content=content,
            told=[labels.get(code, code) for code in webhook.kinds],
            may_update=may(user, "update", "webhook", webhook.scope),
            may_delete=may(user, "delete", "webhook", webhook.scope),
            **kwargs,
        )


def deliveries_of(webhook: Webhook, **query: Any) -> str:
    return reverse("webhook_deliveries", args=[webhook.pk], query=query)


class WebhookTest(OneWebhook):
    """POST: sends a test, and shows what comes of it."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        try:
            delivery = webhook_test(actor=self.actor, webhook=self.webhook)
        except Refused as refusal:
            messages.error(request, " ".join(refusal.messages))
            return redirect(deliveries_of(self.webhook))
        messages.success(request, "The test is on its way.")
        return redirect(deliveries_of(self.webhook, delivery=delivery.pk))


class DeliveryAgain(Guarded):
    """POST: sends a delivery once more."""

    permission = selectors.READ
    http_method_names = ["post"]

    def prepare(self, **kwargs: Any) -> None:
        self.delivery = get_object_or_404(deliveries_seen(self.request), pk=kwargs["pk"])
        require(self.actor, "update", "webhook", self.delivery.webhook.scope)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        try:
            delivery_again(actor=self.actor, delivery=self.delivery)
            messages.success(request, "It is sent once more.")
        except Refused as refusal:
            messages.error(request, " ".join(refusal.messages))
        return redirect(deliveries_of(self.delivery.webhook, delivery=pk))


@method_decorator(never_cache, name="dispatch")
class SecretPage(FormPage):
    """Ends with the secret on the screen, once."""

    permission = selectors.READ
    new: NewSecret

    def leave(self, request: HttpRequest) -> HttpResponse:
        self.template_name, self.fragment_template = "orgs/new_secret_page.html", "orgs/new_secret_dialog.html"
        return self.render_to_response({"new": self.new, "back": deliveries_of(self.new.webhook)})

    def back(self) -> str:
        return access_url("webhooks")


class WebhookCreate(SecretPage):
    title = "New webhook"
    line = "Tells a program at an address what happens, from now on."
    submit = "Create webhook"

    def prepare(self, **kwargs: Any) -> None:
        super().prepare(**kwargs)
        if not may(self.request.user, "create", "webhook"):
            raise PermissionDenied("To make a webhook takes the permission “webhook: create” in some unit.")

    def form(self, data: Any = None) -> forms.Form:
        return NewWebhookForm(data, choices=ScopeChoices(self.request.user, "webhook:create"))

    def save(self, form: forms.Form) -> str:
        self.new = webhook_create(actor=self.actor, **form.cleaned_data)
        return f"Webhook {self.new.webhook.name} is there."


class WebhookUpdate(OneWebhook, FormPage):
    submit = "Save webhook"

    def prepare(self, **kwargs: Any) -> None:
        super().prepare(**kwargs)
        self.title = f"Change webhook {self.webhook.name}"

    def form(self, data: Any = None) -> forms.Form:
        return WebhookUpdateForm(data, webhook=self.webhook)

    def save(self, form: forms.Form) -> str:
        webhook_update(actor=self.actor, webhook=self.webhook, **form.cleaned_data)
        return f"Webhook {form.cleaned_data['name']} is saved."

    def back(self) -> str:
        return deliveries_of(self.webhook)


class WebhookRotate(OneWebhook, SecretPage):
    form_class = SecretRotateForm
    line = "A new secret. The old one signs too until the receiver knows the new one."
    submit = "Rotate secret"

    def prepare(self, **kwargs: Any) -> None:
        super().prepare(**kwargs)
        self.title = f"Rotate the secret of {self.webhook.name}"

    def save(self, form: forms.Form) -> str:
        overlap = timedelta(hours=form.cleaned_data["hours"])
        self.new = webhook_rotate(actor=self.actor, webhook=self.webhook, overlap=overlap)
        return f"The secret of {self.webhook.name} is rotated."

    def back(self) -> str:
        return deliveries_of(self.webhook)


class WebhookDelete(OneWebhook, FormPage):
    """Confirms that a webhook goes, with its deliveries."""

    template_name = "orgs/confirm_page.html"
    fragment_template = "orgs/confirm_dialog.html"
    form_class = forms.Form
    action = "delete"
    submit = "Delete webhook"

    def prepare(self, **kwargs: Any) -> None:
        super().prepare(**kwargs)
        self.title = f"Delete webhook {self.webhook.name}?"
        self.line = f"Nothing more is told to {self.webhook.short_address}."

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        waiting = self.webhook.deliveries.filter(state=Delivery.State.WAITING).count()
        rows = [{"text": "Deliveries that wait are not sent", "figure": waiting}]
        return super().get_context_data(impact=rows, keep="Keep webhook", **kwargs)

    def save(self, form: forms.Form) -> str:
        webhook_delete(actor=self.actor, webhook=self.webhook)
        return f"Webhook {self.webhook.name} is deleted."

    def back(self) -> str:
        return access_url("webhooks")
