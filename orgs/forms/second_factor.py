from __future__ import annotations

from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.core.cache import cache

# A code is taken half a minute before and after its time: a used one is remembered for longer than that.
USED_SECONDS = 120
CODE_ATTRIBUTES = {"autocomplete": "one-time-code", "autofocus": True, "maxlength": 20, "spellcheck": "false"}


def _once(form: Any, code: str) -> str:
    """A code signs in once, also while it would still fit."""
    key = f"second-factor-used:{form.user.pk}:{''.join(filter(str.isdigit, code))}"
    if form.authenticator.type == Authenticator.Type.TOTP and not cache.add(key, True, USED_SECONDS):
        raise get_adapter().validation_error("incorrect_code")
    return code


def _code(help_text: str) -> forms.CharField:
    return forms.CharField(
        label="Code",
        help_text=help_text,
        widget=forms.TextInput(attrs=CODE_ATTRIBUTES),
        error_messages={"required": "The code is missing. Type the one that your app shows now."},
    )


class CodeForm(AuthenticateForm):
    code = _code("The six digits that your app shows, or one of your recovery codes.")

    def clean_code(self) -> str:
        return _once(self, super().clean_code())


class ConfirmForm(ReauthenticateForm):
    code = _code("The six digits that your app shows, or one of your recovery codes.")

    def clean_code(self) -> str:
        return _once(self, super().clean_code())


class SetUpForm(ActivateTOTPForm):
    code = _code("The six digits that the app shows now. They prove that it works before you need it.")
