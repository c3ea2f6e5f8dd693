"""What every request of a signed-in person passes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from orgs import second_factor
from orgs.models import User
from orgs.provider import came_by_provider

SEEN_EVERY_SECONDS = 60
OPEN_PREFIXES = ("/accounts/", "/api/", "/static/", "/healthz", "/readyz")
"""Of the API, who comes with a browser is asked by its own authentication."""


class SessionSeen:
    """Keeps where a session was last seen, a minute exact: a row for every click would cost more than it tells."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        key = request.session.session_key
        if key and request.user.is_authenticated and cache.add(f"session-seen:{key}", True, SEEN_EVERY_SECONDS):
            # A database that takes no writes just now keeps nobody from reading.
            with suppress(DatabaseError):
                UserSession.objects.create_from_request(request)
        return self.get_response(request)


class FirstThings:
    """What a person has to do before anything else: change a password that somebody else knows, set up a
    second factor where one is required. Who came in by an identity provider did there what it wants."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.user.is_authenticated or request.path.startswith(OPEN_PREFIXES):
            return self.get_response(request)
        first = first_thing(request)
        if not first:
            return self.get_response(request)
        if getattr(request, "htmx", False):
            return HttpResponse(status=403, headers={"HX-Redirect": reverse(first)})
        return redirect(first)


def first_thing(request: HttpRequest) -> str:
    """The name of the page to go to first; none when all is done."""
    user = request.user
    if not isinstance(user, User) or came_by_provider(request):
        return ""
    if user.must_change_password:
        return "account_change_password"
    if second_factor.is_required(user) and not second_factor.has_one(user):
        return "mfa_activate_totp"
    return ""
