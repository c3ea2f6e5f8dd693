"""How the over-subscription guard is set."""

from __future__ import annotations

from typing import Any

from django import forms

from quotas.forms.base import STALE
from quotas.models import GuardSetting
from quotas.resources import RESOURCES

AS_ACCOUNT = "account"
NO_MODE = "Choose off, warn or enforce."


class GuardForm(forms.Form):
    """What happens to a change that would over-subscribe, and for which resources."""

    mode = forms.TypedChoiceField(
        label="A change that makes it worse",
        coerce=lambda value: GuardSetting.Mode(int(value)) if value != AS_ACCOUNT else None,
        empty_value=None,
        widget=forms.RadioSelect,
        error_messages={"required": NO_MODE, "invalid_choice": NO_MODE},
    )
    resources = forms.MultipleChoiceField(
        label="Resources",
        choices=[(resource.key, resource.label) for resource in RESOURCES.values()],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        error_messages={"invalid_choice": "There is no such resource. Choose GPU, CPU or memory."},
    )
    expected_version = forms.IntegerField(
        min_value=0,
        max_value=2**31 - 1,
        widget=forms.HiddenInput,
        error_messages={"required": STALE, "invalid": STALE, "min_value": STALE, "max_value": STALE},
    )

    def __init__(self, data: Any = None, *, setting: GuardSetting | None, inherits: bool) -> None:
        unset = AS_ACCOUNT if inherits else str(GuardSetting.Mode.WARN)
        initial = {
            "mode": str(setting.mode) if setting else unset,
            "resources": setting.resources if setting else list(RESOURCES),
            "expected_version": setting.version if setting else 0,
        }
        super().__init__(data, initial=initial)
        mode = self.fields["mode"]
        assert isinstance(mode, forms.ChoiceField)
        mode.choices = ([(AS_ACCOUNT, "as the account")] if inherits else []) + [
            (str(GuardSetting.Mode.OFF.value), "passes: off"),
            (str(GuardSetting.Mode.WARN.value), "passes with a warning: warn"),
            (str(GuardSetting.Mode.ENFORCE.value), "is refused: enforce"),
        ]
