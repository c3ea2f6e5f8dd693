from __future__ import annotations

from django.db import transaction

from orgs.access.table import ADMINISTRATOR
from orgs.models import OrgUnit, Role, UnitKind
from orgs.names import checked_name
from orgs.services.rule import rule_create
from orgs.services.tree import unit_insert
from orgs.services.user import NewUser, user_create
from portal.actor import SYSTEM
from portal.errors import Refused
from portal.services.audit import audit_record


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
