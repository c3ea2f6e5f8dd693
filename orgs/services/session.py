"""Sessions: in which browsers a person is signed in, and ending them."""

from __future__ import annotations

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from orgs.models import User
from portal.actor import Actor
from portal.services.audit import audit_record
from portal.services.purge import rows_purge


def sessions_end(*, user: User, keep: str = "") -> int:
    """Ends the person's sessions, but for the one with the key `keep`. Part of a service's transaction."""
    rows = UserSession.objects.filter(user=user).exclude(session_key=keep)
    keys = list(rows.values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    rows.delete()
    return len(keys)


def sessions_purge() -> int:
    """Removes the rows of sessions whose time is over. Returns how many there were."""
    ended = rows_purge(rows=Session.objects.filter(expire_date__lt=timezone.now()))
    alive = Session.objects.filter(session_key=OuterRef("session_key"))
    rows_purge(rows=UserSession.objects.filter(~Exists(alive)))
    return ended


@transaction.atomic
def session_end(*, actor: Actor, session: UserSession) -> None:
    """Signs the browser out in which this session of the actor's own runs."""
    Session.objects.filter(session_key=session.session_key).delete()
    session.delete()
    audit_record(actor=actor, action="end sessions", entity=session.user, unit=None, after={"sessions": 1})


@transaction.atomic
def other_sessions_end(*, actor: Actor, keep: str) -> int:
    """Signs the actor out everywhere but in the browser whose session has the key `keep`."""
    assert actor.user is not None, "Bursar itself has no sessions"
    ended = sessions_end(user=actor.user, keep=keep)
    audit_record(actor=actor, action="end sessions", entity=actor.user, unit=None, after={"sessions": ended})
    return ended
