"""Letting in a program that has no browser, as the command line: the code that it shows is typed here."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import Http404
from django.urls import reverse
from django.utils import timezone

from orgs.forms.device import CodeForm, LetInForm
from orgs.models import DeviceSignIn
from orgs.services.device import OPEN_FOR, code_typed, device_approve
from orgs.views.base import EVERYBODY
from orgs.views.form import FormPage
from portal.errors import Refused


class DeviceFind(FormPage):
    permission = EVERYBODY
    form_class = CodeForm
    title = "Sign in a program"
    line = "Type the code that it shows, as bursar login does."
    submit = "Find program"
    found = ""

    def save(self, form: forms.Form) -> str:
        code = code_typed(form.cleaned_data["code"])
        if not _waiting().filter(code=code).exists():
            raise Refused({"code": "No program waits with this code. Type it as it is shown, or start there again."})
        self.found = reverse("device_approve", kwargs={"code": code})
        return "Look whether it is yours."

    def back(self) -> str:
        return self.found or reverse("profile")


class DeviceApprove(FormPage):
    permission = EVERYBODY
    form_class = LetInForm
    submit = "Let it in"

    def prepare(self, **kwargs: Any) -> None:
        waiting = _waiting().filter(code=kwargs["code"]).first()
        if waiting is None:
            raise Http404("This code is used, or its ten minutes are over. Start again in the terminal.")
        self.waiting = waiting
        self.title = f"Let “{waiting.name}” in?"
        self.line = (
            f"It shows the code {waiting.code}, asks from {waiting.address or 'an unknown address'}, and will be able "
            "to do whatever you may, by an access key of yours. Let it in only if you started it yourself, just now."
        )

    def save(self, form: forms.Form) -> str:
        device_approve(actor=self.actor, code=self.waiting.code, days=form.cleaned_data["days"])
        return f"“{self.waiting.name}” is signed in. Go back to the terminal."

    def back(self) -> str:
        return reverse("profile") + "#keys"


def _waiting() -> Any:
    return DeviceSignIn.objects.filter(user=None, at__gte=timezone.now() - OPEN_FOR)
