"""The second factor: what its owner did to it, and taking it away from somebody who lost the device."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.db import transaction

from orgs.access import as_of_now, require, rules_in_force
from orgs.models import User
from orgs.services.granting import require_grants
from orgs.services.locks import account_locked
from orgs.services.session import sessions_end
from portal.actor import Actor
from portal.errors import Refused
from portal.services.audit import audit_record


def second_factor_recorded(*, actor: Actor, on: bool) -> None:
    """Writes that the actor switched the own second factor on or off. Call it in the transaction of the act."""
    assert actor.user is not None, "Bursar itself has no second factor"
    before, after = {"second_factor": not on}, {"second_factor": on}
    audit_record(actor=actor, action="update", entity=actor.user, unit=None, before=before, after=after)


def recovery_codes_recorded(*, actor: Actor) -> None:
    """Writes that the actor made new recovery codes. Call it in the transaction of the act."""
    assert actor.user is not None, "Bursar itself has no recovery codes"
    audit_record(actor=actor, action="update", entity=actor.user, unit=None, after={"recovery_codes": "new ones"})


@transaction.atomic
def second_factor_reset(*, actor: Actor, user: User) -> None:
    """Takes the second factor away with its recovery codes, and ends all sessions; the person can set up a new one."""
    account = account_locked()
    actor = as_of_now(actor)
    require(actor, "update", "user", account)
    if actor.user is not None and actor.user.pk == user.pk:
        raise Refused("Switch your own second factor off on your profile page.")
    # One lock less before everything that the person may do.
    require_grants(actor, rules_in_force(user).select_related("role", "scope"))
    if not Authenticator.objects.filter(user=user).delete()[0]:
        raise Refused(f"{user.name} has no second factor. There is nothing to take away.")
    sessions_end(user=user)
    before, after = {"second_factor": True}, {"second_factor": False}
    audit_record(actor=actor, action="update", entity=user, unit=account.pk, before=before, after=after)
