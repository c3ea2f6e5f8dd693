"""Passwords: replaced by their owner, or by an administrator for somebody who forgot it."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.db import transaction

from orgs.access import as_of_now, require, rules_in_force
from orgs.models import User
from orgs.services.granting import require_grants
from orgs.services.locks import account_locked
from orgs.services.session import sessions_end
from portal.actor import Actor
from portal.errors import Refused
from portal.services.audit import audit_record


def made_up_password() -> str:
    return secrets.token_urlsafe(12)


@transaction.atomic
def password_replace(*, actor: Actor, user: User, password: str, keep: str = "") -> None:
    """The owner's own new password. Ends the sessions elsewhere; `keep` is the key of the one that goes on."""
    user.set_password(password)
    user.must_change_password = False
    user.save(update_fields=["password", "must_change_password"])
    sessions_end(user=user, keep=keep)
    audit_record(actor=actor, action="change password", entity=user, unit=None)


@transaction.atomic
def password_reset(*, actor: Actor, user: User) -> str:
    """A made-up password for somebody who forgot theirs: told once, then to be changed. Ends all sessions."""
    account = account_locked()
    actor = as_of_now(actor)
    require(actor, "update", "user", account)
    if not settings.LOCAL_PASSWORDS:
        raise Refused("Passwords are switched off here (BURSAR_LOCAL_PASSWORDS). Help at the identity provider.")
    if actor.user is not None and actor.user.pk == user.pk:
        raise Refused("Change your own password on your profile page.")
    # Whoever knows the password may do what the person may.
    require_grants(actor, rules_in_force(user).select_related("role", "scope"))
    password = made_up_password()
    user.set_password(password)
    user.must_change_password = True
    user.save(update_fields=["password", "must_change_password"])
    sessions_end(user=user)
    audit_record(actor=actor, action="reset password", entity=user, unit=account.pk)
    return password
