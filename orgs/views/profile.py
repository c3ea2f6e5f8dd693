"""The page of one's own: name, password, second factor, sessions. Everybody has it."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from orgs.forms.profile import NameForm
from orgs.provider import came_by_provider, identity_provider, provider_needed
from orgs.second_factor import is_required
from orgs.selectors.access_keys import keys_of
from orgs.selectors.sessions import sessions_of
from orgs.services.provider import provider_unlink
from orgs.services.session import other_sessions_end, session_end
from orgs.services.user import own_name_set
from orgs.views.base import EVERYBODY, Guarded, Page
from orgs.views.form import FormPage


class ProfilePage(Page):
    permission = EVERYBODY
    template_name = "orgs/profile.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.request.user
        found = {one.type: one for one in Authenticator.objects.filter(user=user)}
        codes = found.get(Authenticator.Type.RECOVERY_CODES)
        provider = identity_provider()
        return super().get_context_data(**kwargs) | {
            "second_factor": found.get(Authenticator.Type.TOTP),
            "codes_left": len(codes.wrap().get_unused_codes()) if codes else 0,
            "required": is_required(user),
            "with_password": settings.LOCAL_PASSWORDS and self.actor.user.has_usable_password(),
            "provider": provider,
            "link": SocialAccount.objects.filter(user=user, provider=provider.key).first() if provider else None,
            "keys": keys_of(self.actor.user),
            "sessions": sessions_of(self.actor.user, self.request.session.session_key or ""),
        }


class NameChange(FormPage):
    permission = EVERYBODY
    form_class = NameForm
    title = "Change your name"
    line = "It is what others see. The address that you sign in with stays."
    submit = "Save name"

    def form(self, data: Any = None) -> forms.Form:
        return NameForm(data, initial={"name": self.actor.name})

    def save(self, form: forms.Form) -> str:
        own_name_set(actor=self.actor, **form.cleaned_data)
        return "Your name was saved."

    def back(self) -> str:
        return reverse("profile")


class OwnUnlink(FormPage):
    permission = EVERYBODY
    template_name = "orgs/confirm_page.html"
    fragment_template = "orgs/confirm_dialog.html"
    form_class = forms.Form
    submit = "Unlink account"

    def prepare(self, **kwargs: Any) -> None:
        self.provider = provider_needed()
        self.title = f"Unlink your account from {self.provider.name}?"
        self.line = f"You sign in with your password from then on; with {self.provider.name} you would be linked anew."

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        gone = [
            f"Groups that {self.provider.name} named are left",
            "You are signed out in all other browsers, here too if you came by it",
        ]
        impact = [{"text": text, "figure": None, "tone": "danger"} for text in gone]
        return super().get_context_data(impact=impact, keep="Keep it linked", **kwargs)

    def save(self, form: forms.Form) -> str:
        keep = "" if came_by_provider(self.request) else self.request.session.session_key or ""
        provider_unlink(actor=self.actor, provider=self.provider, user=self.actor.user, keep=keep)
        return f"Your account is not linked to {self.provider.name} any more."

    def back(self) -> str:
        return reverse("profile")


class SessionEnd(Guarded):
    permission = EVERYBODY

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        session = get_object_or_404(UserSession, pk=pk, user=self.actor.user)
        session_end(actor=self.actor, session=session)
        messages.success(request, "The session was ended.")
        return redirect("profile")


class OtherSessionsEnd(Guarded):
    permission = EVERYBODY

    def post(self, request: HttpRequest) -> HttpResponse:
        ended = other_sessions_end(actor=self.actor, keep=request.session.session_key or "")
        messages.success(request, "One session was ended." if ended == 1 else f"{ended} sessions were ended.")
        return redirect("profile")
