"""The account, and its System administrator when there is none to make one: both from the command line."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction

from orgs.access.table import ADMINISTRATOR
from orgs.models import OrgUnit, Role, UnitKind, User
from orgs.names import checked_email, checked_name
from orgs.services.locks import account_locked
from orgs.services.password import password_reset
from orgs.services.rule import rule_create, rules_create
from orgs.services.second_factor import second_factor_reset
from orgs.services.tree import unit_insert
from orgs.services.user import NewUser, user_activate, user_create
from portal.actor import SYSTEM, Actor
from portal.errors import Refused
from portal.services.audit import audit_record

OPERATOR = Actor("Operator (manage.py)")
"""Whoever may run commands where Bursar runs: stands above every right, and is told of in the audit log."""


@transaction.atomic
def account_create(*, name: str, email: str, person: str, password: str = "") -> NewUser:
    """The account with its first System administrator: the first step of an installation."""
    if OrgUnit.objects.filter(kind=UnitKind.ACCOUNT).exists():
        raise Refused("There is an account already. An installation has one.")
    account = unit_insert(kind=UnitKind.ACCOUNT, name=checked_name(name, UnitKind.ACCOUNT), parent=None)
    audit_record(actor=SYSTEM, action="create", entity=account, unit=account.pk, after={"name": account.name})
    administrator = user_create(actor=SYSTEM, email=email, name=person, password=password)
    rule_create(
        actor=SYSTEM, subject=administrator.user.subject, role=Role.objects.get(name=ADMINISTRATOR), scope=account
    )
    return administrator


@transaction.atomic
def administrator_restore(*, email: str, person: str = "") -> NewUser:
    """Makes somebody System administrator for good and lets them in: an account is made or activated, the password
    made up anew, the second factor taken away, sessions ended. Who acts needs no right: nobody is left who has one.

    `person`: the name of somebody who is new here; empty: the address.
    """
    account = account_locked()
    email = checked_email(email)
    user = User.objects.filter(email=email).first()
    if user is None:
        administrator = user_create(actor=OPERATOR, email=email, name=person or email)
    else:
        user_activate(actor=OPERATOR, user=user)
        if Authenticator.objects.filter(user=user).exists():
            second_factor_reset(actor=OPERATOR, user=user)
        password = password_reset(actor=OPERATOR, user=user) if settings.LOCAL_PASSWORDS else ""
        administrator = NewUser(User.objects.get(pk=user.pk), password)
    role = Role.objects.get(name=ADMINISTRATOR)
    rules_create(actor=OPERATOR, subjects=[administrator.user.subject], role=role, scopes=[account])
    return administrator
