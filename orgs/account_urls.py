"""Signing in: those of allauth's pages that accounts made by administrators need. The others keep name and address and
answer that there is no such page."""

from allauth.account.urls import urlpatterns as all_of_them
from allauth.mfa.base import views as mfa
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path

from orgs.views import second_factor

OPEN = {
    "account_login",
    "account_logout",
    "account_inactive",
    "account_reauthenticate",
    "account_change_password",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
}


def closed(request: HttpRequest, **kwargs: str) -> HttpResponse:
    raise Http404("Accounts are made by administrators.")


urlpatterns = [
    pattern if pattern.name in OPEN else URLPattern(pattern.pattern, closed, name=pattern.name)
    for pattern in all_of_them
]
# By the names that allauth looks for.
urlpatterns += [
    path("second-factor/", second_factor.to_profile, name="mfa_index"),
    path("second-factor/code/", mfa.authenticate, name="mfa_authenticate"),
    path("second-factor/confirm/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("second-factor/on/", second_factor.SwitchOn.as_view(), name="mfa_activate_totp"),
    path("second-factor/off/", second_factor.SwitchOff.as_view(), name="mfa_deactivate_totp"),
    path("second-factor/codes/", second_factor.RecoveryCodes.as_view(), name="mfa_view_recovery_codes"),
    path("second-factor/codes/new/", second_factor.NewRecoveryCodes.as_view(), name="mfa_generate_recovery_codes"),
]
