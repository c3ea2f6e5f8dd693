"""Helping somebody in again who forgot the password, lost the device of the second factor, or is linked wrongly."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from orgs.provider import provider_needed
from orgs.services.password import password_reset
from orgs.services.provider import provider_unlink
from orgs.services.second_factor import second_factor_reset
from orgs.services.user import NewUser
from orgs.views.settings import PersonConfirm


@method_decorator(never_cache, name="dispatch")
class PasswordReset(PersonConfirm):
    """Ends with the password on the screen, once: it is kept nowhere."""

    submit = "Make new password"
    keep = "Keep the present one"
    new: NewUser

    def prepare(self, **kwargs: Any) -> None:
        super().prepare(**kwargs)
        self.title = f"Make a new password for {self.person.name}?"
        self.line = "It is shown to you once. The present password works no more."

    def impact(self) -> list[dict[str, Any]]:
        return [{"text": f"{self.person.name} is signed out everywhere", "figure": None, "tone": "danger"}]

    def save(self, form: forms.Form) -> str:
        self.new = NewUser(self.person, password_reset(actor=self.actor, user=self.person))
        return f"{self.person.name} has a new password."

    def leave(self, request: HttpRequest) -> HttpResponse:
        self.template_name, self.fragment_template = "orgs/new_user_page.html", "orgs/new_user_dialog.html"
        return self.render_to_response({"new": self.new, "back": self.back()})


class SecondFactorReset(PersonConfirm):
    submit = "Take second factor away"
    keep = "Keep it"

    def prepare(self, **kwargs: Any) -> None:
        super().prepare(**kwargs)
        self.title = f"Take the second factor of {self.person.name} away?"
        self.line = "For somebody who lost the device. Make sure that it is the person who asks."

    def impact(self) -> list[dict[str, Any]]:
        return [
            {"text": "The password alone signs in, until a new one is set up", "figure": None, "tone": "danger"},
            {"text": f"{self.person.name} is signed out everywhere", "figure": None, "tone": "danger"},
        ]

    def save(self, form: forms.Form) -> str:
        second_factor_reset(actor=self.actor, user=self.person)
        return f"{self.person.name} signs in with the password alone."


class Unlink(PersonConfirm):
    submit = "Unlink account"
    keep = "Keep it linked"

    def prepare(self, **kwargs: Any) -> None:
        super().prepare(**kwargs)
        self.provider = provider_needed()
        self.title = f"Unlink {self.person.name} from {self.provider.name}?"
        self.line = (
            f"Whoever {self.provider.name} sends next with the verified address {self.person.email} is linked anew."
        )

    def impact(self) -> list[dict[str, Any]]:
        return [
            {"text": f"Groups that {self.provider.name} named are left", "figure": None, "tone": "danger"},
            {"text": f"{self.person.name} is signed out everywhere", "figure": None, "tone": "danger"},
            {"text": "Roles, groups given by hand and workloads are kept", "figure": None, "tone": "kept"},
        ]

    def save(self, form: forms.Form) -> str:
        provider_unlink(actor=self.actor, provider=self.provider, user=self.person)
        return f"{self.person.name} is not linked to {self.provider.name} any more."
