"""What the audit log tells of signing in and out."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache
from django.http import HttpRequest

from orgs.models import OrgUnit, UnitKind, User
from portal.actor import Actor
from portal.services.audit import audit_record

SOMEBODY = "Somebody not signed in"
LOCKED_OUT_SECONDS = 300
"""Being locked out is told once in so long a time for one computer and one address typed."""


def signed_in(request: HttpRequest | None, user: User, **_: Any) -> None:
    """Receives the signal that somebody signed in, with all steps that it takes."""
    _record(_actor(request, user), "sign in", user)


def signed_out(request: HttpRequest | None, user: User | None, **_: Any) -> None:
    """Receives the signal that somebody signed out."""
    if user is not None:
        _record(_actor(request, user), "sign out", user)


def sign_in_failed(credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Receives the signal that address and password do not belong together."""
    _record(_actor(request), "sign in failed", _typed(credentials))


def code_failed(user: User, request: HttpRequest | None = None, **_: Any) -> None:
    """Receives the signal that a code of the second factor is wrong."""
    _record(_actor(request), "sign in failed", user, {"second_factor": "wrong code"})


def locked_out(request: HttpRequest, credentials: dict[str, Any]) -> None:
    """Too many attempts failed: this one was not looked at."""
    actor, user = _actor(request), _typed(credentials)
    if cache.add(f"locked-out:{actor.address}:{user.pk if user else ''}", True, LOCKED_OUT_SECONDS):
        _record(actor, "lock out", user)


def _typed(credentials: dict[str, Any]) -> User | None:
    """The account with this address. What was typed is not kept where there is none: people type passwords there."""
    return User.objects.filter(email__iexact=str(credentials.get("email", ""))).first()


def _actor(request: HttpRequest | None, user: User | None = None) -> Actor:
    if request is None:
        return Actor(SOMEBODY)
    if user is not None:
        return Actor.of(request, user)
    return Actor(SOMEBODY, address=request.META.get("REMOTE_ADDR") or "")


def _record(actor: Actor, action: str, user: User | None, after: dict[str, str] | None = None) -> None:
    account = OrgUnit.objects.filter(kind=UnitKind.ACCOUNT).first()
    audit_record(
        actor=actor,
        action=action,
        entity=user or "user",
        unit=account.pk if account else None,
        after=after,
        name="" if user else "an address nobody has",
    )
