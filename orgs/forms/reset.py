from __future__ import annotations

from allauth.account import forms as allauth_forms

from orgs.models import User


class ResetPasswordForm(allauth_forms.ResetPasswordForm):
    """Who signs in by the identity provider has no password, and gets none by mail."""

    def clean_email(self) -> str:
        email: str = super().clean_email()
        self.users: list[User] = [user for user in self.users if user.has_usable_password()]
        return email
