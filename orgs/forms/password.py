"""allauth's forms about passwords, with the rules in a sentence of our own."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth_forms

from orgs.models import User
from orgs.passwords import SHORTEST_PASSWORD

RULES = (
    f"At least {SHORTEST_PASSWORD} characters; several words are easy to remember. Nothing like your name or address."
)


class ChangePasswordForm(allauth_forms.ChangePasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].help_text = RULES


class SetPasswordForm(allauth_forms.ResetPasswordKeyForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].help_text = RULES


class ResetPasswordForm(allauth_forms.ResetPasswordForm):
    """Who signs in by the identity provider has no password, and gets none by mail."""

    def clean_email(self) -> str:
        email: str = super().clean_email()
        self.users: list[User] = [user for user in self.users if user.has_usable_password()]
        return email
