"""When a workload that waits is tried in another pool: the section of the Settings page, and its form."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest

from orgs.access import may
from orgs.models import OrgUnit, UnitKind
from orgs.views.settings import SettingsForm
from quotas.forms.base import STALE
from scheduling.models import PoolChoice
from scheduling.services.pool_choice import MOST_MOVES, MOST_WAIT_SECONDS, pool_choice_set

WHOLE_SECONDS = f"Use whole seconds from 0 to {MOST_WAIT_SECONDS:,}, which is 30 days."
WHOLE_MOVES = f"Use a whole number from 0 to {MOST_MOVES}."


class PoolChoiceForm(forms.Form):
    wait_seconds = forms.IntegerField(
        label="Wait in a pool, in seconds",
        min_value=0,
        max_value=MOST_WAIT_SECONDS,
        help_text="Before the next of its pools that has room is chosen. 0: at once.",
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), WHOLE_SECONDS),
    )
    most_moves = forms.IntegerField(
        label="Moves of one workload, at most",
        min_value=0,
        max_value=MOST_MOVES,
        help_text="To a pool that it prefers less; ways back are not counted. 0: it stays in its first pool.",
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), WHOLE_MOVES),
    )
    expected_version = forms.IntegerField(
        min_value=0,
        max_value=2**31 - 1,
        widget=forms.HiddenInput,
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), STALE),
    )


class PoolChoiceEdit(SettingsForm):
    entity = "settings"
    action = "update"
    title = "Choice of pools"
    line = "What waits goes to another of its pools only where it would start at once. What runs never moves."
    submit = "Save choice of pools"

    def form(self, data: Any = None) -> forms.Form:
        setting = PoolChoice.current()
        names = ("wait_seconds", "most_moves")
        initial = {name: getattr(setting, name) for name in names} | {"expected_version": setting.version}
        return PoolChoiceForm(data, initial=initial)

    def save(self, form: forms.Form) -> str:
        pool_choice_set(actor=self.actor, **form.cleaned_data)
        return "The choice of pools is saved."


def pool_choice_setting(request: HttpRequest) -> dict[str, Any] | None:
    """What the section of the Settings page shows."""
    account = OrgUnit.objects.filter(kind=UnitKind.ACCOUNT).first()
    if account is None or not may(request.user, "read", "settings", account):
        return None
    setting = PoolChoice.current()
    return {"setting": setting, "editable": may(request.user, "update", "settings", account)}
