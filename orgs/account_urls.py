"""Signing in: those of allauth's pages that accounts made by administrators need. The others keep name and address and
answer that there is no such page."""

from allauth.account.urls import urlpatterns as all_of_them
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern

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
