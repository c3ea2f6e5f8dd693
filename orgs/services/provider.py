"""People whom the identity provider sends: found, linked to the account that they have, or made; and unlinked again."""

from __future__ import annotations

from dataclasses import dataclass, replace

import structlog
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import transaction

from orgs.access import as_of_now, require, rules_in_force
from orgs.models import Group, GroupMember, Subject, User
from orgs.names import LONGEST_PERSON, checked_email, checked_text
from orgs.services.granting import require_grants
from orgs.services.group import group_member_remove, group_members_add
from orgs.services.locks import account_locked
from orgs.services.session import sessions_end
from portal.actor import Actor
from portal.errors import Refused
from portal.services.audit import audit_record
from portal.settings.sign_in import IdentityProvider

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Claims:
    """What the identity provider says of a person."""

    subject: str
    """The name it never gives to anybody else."""
    email: str
    email_verified: bool
    """Whether it made sure that the address is this person's."""
    name: str
    groups: tuple[str, ...]


@transaction.atomic
def provider_person(*, provider: IdentityProvider, claims: Claims, address: str) -> User:
    """Whose account this is. Refused for whoever may not come in; the words are for that person.

    An account that is here already is linked by its address alone, and only if the provider made sure of the address:
    else whoever can type a foreign address there would get the foreign account here.
    """
    account = account_locked()
    actor = Actor(provider.name, address=address)
    if not claims.subject:
        raise Refused(f"{provider.name} did not say who you are. Sign in again.")
    _refuse_other_domains(provider, claims)
    link = SocialAccount.objects.select_related("user").filter(provider=provider.key, uid=claims.subject).first()
    user = link.user if link else _linked(provider, claims, actor, account.pk)
    if not user.is_active:
        raise Refused("Your account here is switched off. Ask your administrators to switch it on again.")
    if provider.groups_claim:
        _groups_follow(user, claims.groups, actor)
    return user


@transaction.atomic
def provider_unlink(*, actor: Actor, provider: IdentityProvider, user: User, keep: str = "") -> None:
    """Makes the person unknown to the provider's people, takes the groups away that it named, and ends the sessions but
    for the one with the key `keep`. The next one whom it sends with a verified address like this is linked anew.

    One's own account only while a password is left to sign in with.
    """
    account = account_locked()
    actor = as_of_now(actor)
    if actor.user is None or actor.user.pk != user.pk:
        require(actor, "update", "user", account)
        # Whoever is linked next may do what the person may.
        require_grants(actor, rules_in_force(user).select_related("role", "scope"))
    elif not (settings.LOCAL_PASSWORDS and actor.user.has_usable_password()):
        raise Refused(f"Without {provider.name} nothing would let you in: you have no password here.")
    if not SocialAccount.objects.filter(user=user, provider=provider.key).delete()[0]:
        raise Refused(f"{user.name} is not linked to {provider.name}. There is nothing to take away.")
    audit_record(
        actor=actor, action="unlink", entity=user, unit=account.pk, before={"identity_provider": provider.name}
    )
    # That follows from unlinking, whatever rights over groups the actor has.
    _groups_follow(user, (), replace(actor, user=None))
    sessions_end(user=user, keep=keep)


def _refuse_other_domains(provider: IdentityProvider, claims: Claims) -> None:
    if not provider.email_domains:
        return
    if not claims.email_verified or claims.email.lower().rpartition("@")[2] not in provider.email_domains:
        raise Refused(
            f"Only addresses of {', '.join(provider.email_domains)} are let in here. "
            f"Sign in at {provider.name} with such an account."
        )


def _linked(provider: IdentityProvider, claims: Claims, actor: Actor, unit: int) -> User:
    if not claims.email or not claims.email_verified:
        raise Refused(
            f"{provider.name} has not made sure that the e-mail address is yours. Confirm it there and come back."
        )
    email = checked_email(claims.email)
    user = User.objects.filter(email=email).first()
    if user is None:
        if not provider.admits_unknown:
            raise Refused(f"There is no account for {email} here. Ask your administrators to make one.")
        user = _made(email, claims, actor, unit)
    elif SocialAccount.objects.filter(user=user, provider=provider.key).exists():
        raise Refused(
            f"The account of {email} here belongs to somebody else at {provider.name}. Ask your administrators."
        )
    SocialAccount.objects.create(user=user, provider=provider.key, uid=claims.subject)
    audit_record(actor=actor, action="link", entity=user, unit=unit, after={"identity_provider": provider.name})
    return user


def _made(email: str, claims: Claims, actor: Actor, unit: int) -> User:
    """A person without rights and without a password."""
    name = " ".join(claims.name.split())[:LONGEST_PERSON] or email.partition("@")[0]
    user = User(email=email, name=checked_text("name", name, LONGEST_PERSON))
    user.set_unusable_password()
    user.save()
    Subject.objects.create(kind=Subject.Kind.USER, name=user.email, user=user)
    audit_record(actor=actor, action="create", entity=user, unit=unit, after={"email": user.email, "name": user.name})
    return user


def _groups_follow(user: User, names: tuple[str, ...], actor: Actor) -> None:
    """Makes the person's groups those that the provider names, of the ones that are here. Who was put into a group by
    hand stays in it. Some providers write a group's whole path, with a slash in front."""
    wanted = Group.objects.filter(name__in=[name.lstrip("/") for name in names])
    for group in wanted.exclude(members__user=user):
        group_members_add(actor=actor, group=group, users=[user], source=GroupMember.Source.PROVIDER)
    gone = GroupMember.objects.filter(user=user, source=GroupMember.Source.PROVIDER).exclude(group__in=wanted)
    for member in gone:
        try:
            group_member_remove(actor=actor, member=member)
        except Refused as refusal:
            # Who is the last administrator stays one, whatever the provider says.
            logger.warning("group membership kept", group=member.group_id, why=refusal.messages)
