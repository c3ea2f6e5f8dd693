"""The page of one's own: name, password, second factor, sessions. Everybody has it."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from orgs.forms.profile import NameForm
from orgs.provider import identity_provider
from orgs.second_factor import is_required
from orgs.selectors.sessions import sessions_of
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
        return super().get_context_data(**kwargs) | {
            "second_factor": found.get(Authenticator.Type.TOTP),
            "codes_left": len(codes.wrap().get_unused_codes()) if codes else 0,
            "required": is_required(user),
            "with_password": settings.LOCAL_PASSWORDS and self.actor.user.has_usable_password(),
            "provider": identity_provider(),
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
