"""What allauth leaves to us: who may sign up, what is said when signing in fails, how passwords are kept."""

from __future__ import annotations

from typing import Any

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as allauth_context
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from orgs.models import User
from orgs.services.password import password_replace
from orgs.services.sign_in import locked_out
from portal.actor import Actor

# Who is put out of service at the identity provider is out here by the next day.
PROVIDER_SESSION_SECONDS = 12 * 3600

logger = structlog.get_logger(__name__)


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are made by administrators; nobody signs up."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": "Address or password is wrong. Check both; capital letters count.",
        "too_many_login_attempts": "Too many attempts failed. Wait five minutes before the next one.",
        "enter_current_password": "This is not your present password. Type it again.",
        "incorrect_password": "This is not your password. Type it again.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        if not settings.LOCAL_PASSWORDS:
            raise ValidationError("Passwords are switched off here. Use the button above.", code="no_passwords")
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            locked_out(request, credentials)
            raise

    def post_login(
        self, request: HttpRequest, user: User, *, signal_kwargs: dict[str, Any] | None, **rest: Any
    ) -> HttpResponse:
        if "sociallogin" in (signal_kwargs or {}):
            request.session.set_expiry(PROVIDER_SESSION_SECONDS)
        response: HttpResponse = super().post_login(request, user, signal_kwargs=signal_kwargs, **rest)
        return response

    def reauthenticate(self, user: User, password: str) -> bool:
        """Counts as an attempt to sign in with the address that the account has."""
        found = self.authenticate(allauth_context.request, email=user.email, password=password)
        return found is not None and found.pk == user.pk

    def clean_password(self, password: str, user: User | None = None) -> str:
        if user is not None and user.pk and user.check_password(password):
            raise ValidationError("This is the password you have. Choose another one.", code="password_unchanged")
        cleaned: str = super().clean_password(password, user)
        return cleaned

    def set_password(self, user: User, password: str) -> None:
        request = allauth_context.request
        actor = Actor.of(request) if request.user.is_authenticated else Actor.of(request, user)
        password_replace(actor=actor, user=user, password=password, keep=request.session.session_key or "")

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("home")

    def send_notification_mail(
        self, template_prefix: str, user: User, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        super().send_notification_mail(template_prefix, user, context, email or user.email)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """A mail server that is away keeps nobody from changing a password; the page says what to do without a mail."""
        try:
            super().send_mail(template_prefix, email, context)
        except OSError as problem:
            logger.error("mail was not sent", template=template_prefix, problem=type(problem).__name__)
