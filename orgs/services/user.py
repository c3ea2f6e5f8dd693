"""People: made and put out of service by administrators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from orgs.access import as_of_now, require, rules_in_force
from orgs.models import Subject, User
from orgs.names import LONGEST_PASSWORD, LONGEST_PERSON, checked_email, checked_text
from orgs.services.administrators import administrator_kept
from orgs.services.granting import require_grants
from orgs.services.locks import account_locked
from orgs.services.password import made_up_password
from orgs.services.session import sessions_end
from portal.actor import Actor
from portal.errors import Refused
from portal.services.audit import Act, audit_record, audit_record_all


@dataclass(frozen=True, slots=True)
class NewUser:
    user: User
    password: str
    """To be told to the person now: it is kept nowhere. Empty where passwords are switched off."""


@transaction.atomic
def user_create(*, actor: Actor, email: str, name: str, password: str = "") -> NewUser:
    """A person who may sign in and has no rights yet. Without a password one is made up, to be changed at
    once; where passwords are switched off, there is none."""
    account = account_locked()
    require(actor, "create", "user", account)
    user = User(email=checked_email(email), name=checked_text("name", name, LONGEST_PERSON))
    if User.objects.filter(email=user.email).exists():
        raise Refused({"email": f"{user.email} is here already. Find the person in the list."})
    password = checked_text("password", password, LONGEST_PASSWORD, required=False)
    if password:
        try:
            validate_password(password, user)
        except ValidationError as problem:
            raise Refused({"password": " ".join(problem.messages)}) from None
    elif settings.LOCAL_PASSWORDS:
        password = made_up_password()
        user.must_change_password = True
    user.set_password(password or None)
    user.save()
    Subject.objects.create(kind=Subject.Kind.USER, name=user.email, user=user)
    audit_record(
        actor=actor, action="create", entity=user, unit=account.pk, after={"email": user.email, "name": user.name}
    )
    return NewUser(user, password)


@transaction.atomic
def own_name_set(*, actor: Actor, name: str) -> None:
    """What others see the actor called."""
    assert actor.user is not None, "Bursar itself is called Bursar"
    user = User.objects.select_for_update().get(pk=actor.user.pk)
    before, user.name = user.name, checked_text("name", name, LONGEST_PERSON)
    if before == user.name:
        return
    user.save(update_fields=["name"])
    audit_record(
        actor=actor, action="update", entity=user, unit=None, before={"name": before}, after={"name": user.name}
    )


@transaction.atomic
def users_create(*, actor: Actor, people: Sequence[tuple[str, str]]) -> list[User]:
    """Several people by address and name (the address where there is none), in a fixed number of queries.

    They have no password: who forgets one gets a link to choose one, and so do they.
    """
    if not people:
        return []
    account = account_locked()
    require(actor, "create", "user", account)
    users = []
    for email, name in people:
        user = User(email=checked_email(email), name=checked_text("name", name or email, LONGEST_PERSON))
        user.set_unusable_password()
        users.append(user)
    taken = User.objects.filter(email__in=[user.email for user in users]).values_list("email", flat=True).first()
    if taken:
        raise Refused({"email": f"{taken} is here already. Find the person in the list."})
    User.objects.bulk_create(users)
    Subject.objects.bulk_create(Subject(kind=Subject.Kind.USER, name=user.email, user=user) for user in users)
    acts = [Act("create", user, account.pk, after={"email": user.email, "name": user.name}) for user in users]
    audit_record_all(actor=actor, acts=acts)
    return users


@transaction.atomic
def user_deactivate(*, actor: Actor, user: User) -> None:
    """Lets the person in no more, from the next request on, and ends the sessions. Rules and workloads stay."""
    account = account_locked()
    require(actor, "update", "user", account)
    if actor.user is not None and actor.user.pk == user.pk:
        raise Refused("You cannot deactivate yourself. Ask another System administrator.")
    with administrator_kept(account):
        _set_active(actor, user, False, account.pk)
    sessions_end(user=user)


@transaction.atomic
def user_activate(*, actor: Actor, user: User) -> None:
    """Lets a deactivated person in again, with the roles from before: so the actor has to be able to grant these."""
    account = account_locked()
    actor = as_of_now(actor)
    require(actor, "update", "user", account)
    require_grants(actor, rules_in_force(user).select_related("role", "scope"))
    _set_active(actor, user, True, account.pk)


def _set_active(actor: Actor, user: User, active: bool, unit: int) -> None:
    if User.objects.filter(pk=user.pk, is_active=not active).update(is_active=active):
        audit_record(
            actor=actor,
            action="update",
            entity=user,
            unit=unit,
            before={"is_active": not active},
            after={"is_active": active},
        )
