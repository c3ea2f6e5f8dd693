"""Signing in: those of allauth's pages that accounts made by administrators need. The others keep name and address and
answer that there is no such page."""

from collections.abc import Callable
from functools import wraps

from allauth.account.urls import urlpatterns as all_of_them
from allauth.mfa.base import views as mfa
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, path

from orgs.views import provider, second_factor

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


# Pages of ours in place of allauth's.
OWN: dict[str, Callable[..., HttpResponseBase]] = {
    "account_login": provider.SignIn.as_view(),
    "account_logout": provider.SignOut.as_view(),
}
# Of no use where passwords are switched off.
WITH_PASSWORDS = {name for name in OPEN if "password" in name}


def closed(request: HttpRequest, **kwargs: str) -> HttpResponse:
    raise Http404("Accounts are made by administrators.")


def with_passwords(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    @wraps(view)
    def opened(request: HttpRequest, **kwargs: str) -> HttpResponseBase:
        return view(request, **kwargs) if settings.LOCAL_PASSWORDS else closed(request)

    return opened


def opened(pattern: URLPattern) -> Callable[..., HttpResponseBase]:
    view: Callable[..., HttpResponseBase] = pattern.callback if pattern.name in OPEN else closed
    if pattern.name in OWN:
        view = OWN[pattern.name]
    return with_passwords(view) if pattern.name in WITH_PASSWORDS else view


urlpatterns = [URLPattern(pattern.pattern, opened(pattern), name=pattern.name) for pattern in all_of_them]
# By the names that allauth looks for.
urlpatterns += [
    path("second-factor/", second_factor.to_profile, name="mfa_index"),
    path("second-factor/code/", mfa.authenticate, name="mfa_authenticate"),
    path("second-factor/confirm/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("second-factor/on/", second_factor.SwitchOn.as_view(), name="mfa_activate_totp"),
    path("second-factor/off/", second_factor.SwitchOff.as_view(), name="mfa_deactivate_totp"),
    path("second-factor/codes/", second_factor.RecoveryCodes.as_view(), name="mfa_view_recovery_codes"),
    path("second-factor/codes/new/", second_factor.NewRecoveryCodes.as_view(), name="mfa_generate_recovery_codes"),
    path("provider/cancelled/", provider.Cancelled.as_view(), name="socialaccount_login_cancelled"),
    path("provider/<slug:provider_id>/login/", provider.start, name="openid_connect_login"),
    path("provider/<slug:provider_id>/login/callback/", provider.back, name="openid_connect_callback"),
]
