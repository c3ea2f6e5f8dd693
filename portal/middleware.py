"""What every request passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog
from django.contrib.auth.views import redirect_to_login
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse

from portal.actor import Actor
from portal.refusals import Told, refusals_heard
from portal.services.audit import Act, audit_record_all

READING = ("GET", "HEAD", "OPTIONS")
MOST_REFUSALS = 50
"""Of one request, that the audit log tells of."""
log = structlog.get_logger()
PUBLIC_PREFIXES = (
    "/accounts/login",
    "/accounts/inactive",
    "/accounts/password",
    "/accounts/provider",
    "/accounts/second-factor/code",
    "/accounts/signup",
    "/api/",
    "/healthz",
    "/metrics",
    "/readyz",
    "/static/",
)


class SignInRequired:
    """Everything but signing in and the health answers needs a signed-in person; a fragment is told where to go.

    The API and the metrics ask for themselves who comes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated or request.path.startswith(PUBLIC_PREFIXES):
            return self.get_response(request)
        if getattr(request, "htmx", False):
            return HttpResponse(status=401, headers={"HX-Redirect": reverse("account_login")})
        return redirect_to_login(request.get_full_path())


class RefusalsTold:
    """Writes into the audit log what a right or a guard refused to somebody signed in who asked for a change.

    After the view, as its transaction took everything back.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method in READING:
            return self.get_response(request)
        with refusals_heard() as heard:
            response = self.get_response(request)
        # Who came with an access key is known only now.
        if heard and request.user.is_authenticated:
            self.tell(Actor.of(request), request.path, heard)
        return response

    def tell(self, actor: Actor, path: str, heard: Sequence[Told]) -> None:
        acts = {
            (refusal.entity, refusal.unit, refusal.reason): Act(
                "refuse",
                refusal.entity,
                refusal.unit,
                after={"asked": path, "reason": refusal.reason[:1000]},
                name=refusal.name or path,
            )
            for refusal in heard
        }
        try:
            audit_record_all(actor=actor, acts=list(acts.values())[:MOST_REFUSALS])
        except DatabaseError:
            log.exception("refusal_not_recorded")
