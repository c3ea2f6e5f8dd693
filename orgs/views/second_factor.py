"""One's own second factor: allauth's steps, with what happened in the audit log of the same transaction."""

from __future__ import annotations

from typing import Any

from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from django.db import transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from orgs.second_factor import is_required
from orgs.services.second_factor import recovery_codes_recorded, second_factor_recorded
from portal.actor import Actor


def to_profile(request: HttpRequest) -> HttpResponse:
    return redirect("profile")


@method_decorator(never_cache, name="dispatch")
class SwitchOn(ActivateTOTPView):
    """A picture for the app, and the code that proves that it was read."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"required": is_required(self.request.user)}

    @transaction.atomic
    def form_valid(self, form: Form) -> HttpResponse:
        second_factor_recorded(actor=Actor.of(self.request), on=True)
        response: HttpResponse = super().form_valid(form)
        return response


class SwitchOff(DeactivateTOTPView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"required": is_required(self.request.user)}

    @transaction.atomic
    def form_valid(self, form: Form) -> HttpResponse:
        second_factor_recorded(actor=Actor.of(self.request), on=False)
        response: HttpResponse = super().form_valid(form)
        return response


@method_decorator(never_cache, name="dispatch")
class RecoveryCodes(ViewRecoveryCodesView):
    """Shows new codes once."""


class NewRecoveryCodes(GenerateRecoveryCodesView):
    @transaction.atomic
    def form_valid(self, form: Form) -> HttpResponse:
        recovery_codes_recorded(actor=Actor.of(self.request))
        response: HttpResponse = super().form_valid(form)
        return response
