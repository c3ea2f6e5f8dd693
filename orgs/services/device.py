"""Signing in a program that has no browser: it shows a code, somebody signed in types that, and it fetches a key."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from orgs.models import DeviceSignIn
from orgs.names import checked_text
from orgs.secrets import decrypt, encrypt
from orgs.services.access_key import LONGEST_KEY_NAME, KeyLimits, key_create
from portal.actor import Actor
from portal.errors import Refused

OPEN_FOR = timedelta(minutes=10)
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""Without vowels, so that no code is a word."""
MOST_OPEN = 20
"""From one address."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What the program is told."""

    code: str
    secret: str = field(repr=False)


@transaction.atomic
def device_begin(*, name: str, address: str) -> Begun:
    """A code to be shown, and the secret that the program comes back with. Nobody is let in by that."""
    name = checked_text("name", name, LONGEST_KEY_NAME)
    DeviceSignIn.objects.filter(at__lt=timezone.now() - OPEN_FOR).delete()
    if DeviceSignIn.objects.filter(address=address).count() >= MOST_OPEN:
        raise Refused(f"{MOST_OPEN} programs wait at this address already. Wait some minutes, or sign in with a key.")
    letters = "".join(secrets.choice(LETTERS) for _ in range(8))
    begun = Begun(f"{letters[:4]}-{letters[4:]}", secrets.token_urlsafe(32))
    DeviceSignIn.objects.create(code=begun.code, digest=_digest(begun.secret), name=name, address=address[:45])
    return begun


@transaction.atomic
def device_approve(*, actor: Actor, code: str, days: int) -> DeviceSignIn:
    """The program gets a key of the actor's, with whatever the actor may do, for so many days."""
    found = DeviceSignIn.objects.select_for_update().filter(code=code, at__gte=timezone.now() - OPEN_FOR).first()
    if found is None or found.user_id is not None:
        raise Refused("This code is used, or its ten minutes are over. Start again in the terminal.")
    ends = timezone.now() + timedelta(days=days)
    new = key_create(actor=actor, owner=actor.user, limits=KeyLimits(found.name, expires_at=ends))
    found.user, found.token = actor.user, encrypt(new.token)
    found.save(update_fields=["user", "token"])
    return found


@transaction.atomic
def device_take(*, secret: str) -> str | None:
    """The key for the program that knows the secret, once; empty while nobody let it in, None where none waits."""
    waiting = DeviceSignIn.objects.select_for_update().filter(digest=_digest(secret))
    found = waiting.filter(at__gte=timezone.now() - OPEN_FOR).first()
    if found is None or not found.token:
        return None if found is None else ""
    token = decrypt(found.token)
    found.delete()
    return token


def code_typed(text: str) -> str:
    """A code as it is kept, however it was typed."""
    letters = "".join(one for one in text.upper() if one in LETTERS)
    return f"{letters[:4]}-{letters[4:]}"


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
