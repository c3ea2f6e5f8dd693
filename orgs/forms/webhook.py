from __future__ import annotations

from typing import Any

from django import forms

from orgs.forms.access_key import overlap_field
from orgs.forms.scope import ScopeChoices, ScopeField, ScopeMenu
from orgs.happenings import kinds
from orgs.models import Webhook
from orgs.services.webhook import LONGEST_WEBHOOK
from orgs.webhooks.addresses import LONGEST_ADDRESS

USUAL = ("workload.evicted", "workload.failed", "finding.opened", "finding.resolved")


class WebhookForm(forms.Form):
    """What a webhook is called, where it goes, and what it tells."""

    name = forms.CharField(
        label="Name",
        help_text="Who listens, for example “chat of the vision group”.",
        widget=forms.TextInput(attrs={"maxlength": LONGEST_WEBHOOK, "autocomplete": "off"}),
        error_messages={"required": "The name is missing. Fill it in."},
    )
    address = forms.CharField(
        label="Address",
        help_text="Where to: https. It is shown to those alone who may change it.",
        widget=forms.TextInput(attrs={"maxlength": LONGEST_ADDRESS, "autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": "The address is missing. Write one like https://example.org/bursar."},
    )
    kinds = forms.MultipleChoiceField(
        label="Tells",
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": "Nothing is chosen. Choose what is told.",
            "invalid_choice": "There is no such choice. Choose some of the list.",
            "invalid_list": "There is no such choice. Choose some of the list.",
        },
    )

    def __init__(self, data: Any = None, *, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial={"kinds": list(USUAL)} | (initial or {}))
        self.fields["kinds"].choices = [(kind.code, kind.label) for kind in kinds().values()]  # type: ignore[attr-defined]


class NewWebhookForm(WebhookForm):
    """The same, with where things happen."""

    scope = ScopeField(label="What happens in", widget=ScopeMenu, help_text="And in everything below it.")
    field_order = ("name", "scope", "address", "kinds")

    def __init__(self, data: Any = None, *, choices: ScopeChoices, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        self.fields["scope"].give(choices)  # type: ignore[attr-defined]


class WebhookUpdateForm(WebhookForm):
    """The same, and whether it is switched on."""

    is_active = forms.BooleanField(
        label="Switched on", required=False, help_text="Switched off, what waits is given up and nothing new is told."
    )

    def __init__(self, data: Any = None, *, webhook: Webhook) -> None:
        now = {"name": webhook.name, "address": webhook.address, "kinds": webhook.kinds, "is_active": webhook.is_active}
        super().__init__(data, initial=now)


class SecretRotateForm(forms.Form):
    """How long the old secret signs beside the new one."""

    hours = overlap_field("secret")
