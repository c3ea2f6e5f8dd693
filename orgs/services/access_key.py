"""Access keys: made, limited, rotated and revoked, by their owners or by who administers them. Whoever holds a key may
do what it leaves of its owner's rights, so a key for somebody else takes what granting these would take."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db import DatabaseError, transaction
from django.utils import timezone
from knox.models import get_digest_token
from knox.settings import CONSTANTS

from orgs.access import Forbidden, as_of_now, limits_of, require, rules_in_force
from orgs.access.table import all_permissions
from orgs.models import AccessKey, AccessKeyUse, OrgUnit, User
from orgs.names import LONGEST_PERSON, checked_text
from orgs.services.granting import require_grants
from orgs.services.locks import account_locked, fresh
from orgs.services.rule import check_end
from portal.actor import Actor
from portal.errors import Refused
from portal.services.audit import audit_record

LONGEST_KEY_NAME = LONGEST_PERSON
MOST_KEYS = 100
"""Of one owner."""
LONGEST_OVERLAP = timedelta(days=30)
USE_NOTED_EVERY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """What a key is for."""

    name: str
    permissions: Collection[str] | None = None
    """`entity:action`; None: whatever its owner may do."""
    limited_to: str = ""
    """What `permissions` are called."""
    scope: OrgUnit | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewKey:
    key: AccessKey
    token: str = field(repr=False)
    """To be handed over now: it is kept nowhere."""


@transaction.atomic
def key_create(*, actor: Actor, owner: User, limits: KeyLimits) -> NewKey:
    """A key of `owner`'s: one's own, or that of an application."""
    actor, account = _allowed(actor, "create", owner)
    if owner.access_keys.count() >= MOST_KEYS:
        raise Refused(f"{owner.name} has {MOST_KEYS} keys already. Revoke one that is not used any more.")
    new = _insert(owner, **_checked(limits))
    audit_record(actor=actor, action="create", entity=new.key, unit=account.pk, after=key_words(new.key))
    return new


@transaction.atomic
def key_update(*, actor: Actor, key: AccessKey, limits: KeyLimits) -> AccessKey:
    """Other limits, from the next request on."""
    actor, account = _allowed(actor, "update", key.user)
    key = _as_it_is(key)
    before, values = key_words(key), _checked(limits, key)
    for name, value in values.items():
        setattr(key, name, value)
    after = key_words(key)
    if before == after:
        return key
    key.save(update_fields=list(values))
    audit_record(
        actor=actor,
        action="update",
        entity=key,
        unit=account.pk,
        before={name: value for name, value in before.items() if after[name] != value},
        after={name: value for name, value in after.items() if before[name] != value},
    )
    return key


@transaction.atomic
def key_rotate(*, actor: Actor, key: AccessKey, overlap: timedelta) -> NewKey:
    """A new key with the same limits, which lasts as long as the old one did; the old one works for `overlap` more."""
    actor, account = _allowed(actor, "update", key.user)
    key = _as_it_is(key)
    now = timezone.now()
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise Refused(
            {"overlap": f"Both keys can work for at most {LONGEST_OVERLAP.days} days. Choose a shorter time."}
        )
    if key.ended:
        raise Refused("This key has ended. Make a new one.")
    if key.replaced_by_id is not None:
        raise Refused("This key was rotated already. Rotate the one that took its place.")
    new = _insert(
        key.user,
        name=key.name,
        permissions=key.permissions,
        limited_to=key.limited_to,
        scope=key.scope,
        expiry=key.expiry and now + (key.expiry - key.created),
    )
    until = now + overlap
    key.expiry, key.replaced_by = min(key.expiry or until, until), new.key
    key.save(update_fields=["expiry", "replaced_by"])
    audit_record(
        actor=actor,
        action="rotate",
        entity=key,
        unit=account.pk,
        after=key_words(new.key) | {"old one works until": key.expiry.isoformat(timespec="minutes")},
    )
    return new


@transaction.atomic
def key_revoke(*, actor: Actor, key: AccessKey) -> None:
    """The key is refused from now on. Anybody may do that with keys of their own, with such a key, too."""
    account = account_locked()
    if actor.user is None or actor.user.pk != key.user_id:
        require(as_of_now(actor), "delete", "access_key", account)
    key = _as_it_is(key)
    audit_record(actor=actor, action="revoke", entity=key, unit=account.pk, before=key_words(key))
    AccessKey.objects.filter(pk=key.pk).delete()


def key_used(*, key: AccessKey, address: str) -> None:
    """Notes that a key was used: a minute exact, as a row for every request would cost more than it tells."""
    noted = getattr(key, "use", None)
    if noted and timezone.now() - noted.at < timedelta(seconds=USE_NOTED_EVERY_SECONDS):
        return
    if not cache.add(f"key-used:{key.pk}", True, USE_NOTED_EVERY_SECONDS):
        return
    # A database that takes no writes just now keeps nobody from reading.
    with suppress(DatabaseError), transaction.atomic():
        AccessKeyUse.objects.update_or_create(key=key, defaults={"at": timezone.now(), "address": address[:45]})


def _allowed(actor: Actor, action: str, owner: User) -> tuple[Actor, OrgUnit]:
    """The actor as of now and the account, locked. Forbidden, unless the keys are the actor's own or an application's
    that the actor may do `action` to, and whose rights the actor could grant."""
    account = account_locked()
    actor = as_of_now(actor)
    if limits_of(actor.user) is not None:
        raise Forbidden("A key makes and changes no keys. Sign in to do that.", entity="access_key", scope=account)
    if actor.user is not None and actor.user.pk == owner.pk:
        return actor, account
    require(actor, action, "access_key", account)
    if not hasattr(owner, "application"):
        raise Refused(f"Only {owner.name} can make and change keys that act as {owner.name}. You can revoke them.")
    require_grants(actor, rules_in_force(owner).select_related("role", "scope"))
    return actor, account


def _checked(limits: KeyLimits, key: AccessKey | None = None) -> dict[str, Any]:
    """The columns. The end of `key` may have passed and stay."""
    permissions = None if limits.permissions is None else sorted(set(map(str, limits.permissions)))
    if permissions is not None and (not permissions or not all_permissions().issuperset(permissions)):
        raise Refused({"permissions": "These are no permissions of the table of roles. Choose some of it, or all."})
    if key is None or limits.expires_at != key.expiry:
        check_end(limits.expires_at)
    return {
        "name": checked_text("name", limits.name, LONGEST_KEY_NAME),
        "permissions": permissions,
        "limited_to": "" if permissions is None else limits.limited_to or "chosen permissions",
        "scope": limits.scope and fresh(limits.scope),
        "expiry": limits.expires_at,
    }


def _insert(owner: User, *, expiry: datetime | None, **values: Any) -> NewKey:
    digest, token = get_digest_token()
    key = AccessKey(user=owner, digest=digest, token_key=token[: CONSTANTS.TOKEN_KEY_LENGTH], expiry=expiry, **values)
    key.save()
    return NewKey(key, token)


def _as_it_is(key: AccessKey) -> AccessKey:
    found = AccessKey.objects.select_related("user", "scope").filter(pk=key.pk).first()
    if found is None:
        raise Refused("This key was revoked meanwhile. Look at the list again.")
    return found


def key_words(key: AccessKey) -> dict[str, Any]:
    """For the audit log."""
    return {
        "owner": key.user.email,
        "name": key.name,
        "begins_with": key.token_key,
        "may": "whatever its owner may" if key.permissions is None else [key.limited_to, *key.permissions],
        "scope": key.scope.name if key.scope else "wherever its owner may",
        "until": key.expiry.isoformat(timespec="minutes") if key.expiry else None,
    }
