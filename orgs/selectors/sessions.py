from __future__ import annotations

from dataclasses import dataclass

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.utils import timezone

from orgs.browsers import browser_name
from orgs.models import User


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A browser in which a person is signed in."""

    session: UserSession
    browser: str
    current: bool
    """The one that asks."""


def sessions_of(user: User, current: str) -> list[SessionLine]:
    """The person's sessions that still hold, the one with the key `current` first, then the last seen first."""
    alive = Session.objects.filter(expire_date__gt=timezone.now()).values("session_key")
    rows = UserSession.objects.filter(user=user, session_key__in=alive).order_by("-last_seen_at", "-pk")
    lines = [SessionLine(row, browser_name(row.user_agent), row.session_key == current) for row in rows]
    return sorted(lines, key=lambda line: not line.current)
