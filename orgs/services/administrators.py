"""The account keeps a System administrator, whatever is taken away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.models import Q, QuerySet

from orgs.access.table import ADMINISTRATOR
from orgs.models import AccessRule, OrgUnit, Subject
from portal.errors import Refused
from portal.refusals import Told


class LastAdministrator(Told, Refused):
    """Nobody would be System administrator of the account for good any more."""

    entity = "accessrule"

    def __init__(self, account: OrgUnit) -> None:
        super().__init__(
            f"This is the last {ADMINISTRATOR} of {account.name}. Give somebody else the role on {account.name} first, "
            "without an end date."
        )
        self.unit, self.name = account.pk, account.name


def administrator_rules(account: OrgUnit) -> QuerySet[AccessRule]:
    """Rules that make an active person System administrator of the account for good, so without an end. An application
    cannot sign in and let somebody in again."""
    active = Q(subject__kind=Subject.Kind.USER, subject__user__is_active=True) | Q(
        subject__group__members__user__is_active=True
    )
    return AccessRule.objects.filter(
        active, role__name=ADMINISTRATOR, role__built_in=True, scope=account, expires_at=None
    )


@contextmanager
def administrator_kept(account: OrgUnit) -> Iterator[None]:
    """Refuses what happens in the block, once it has, if nobody is System administrator for good any more.

    Inside the transaction of the act and under the account's lock.
    """
    was = administrator_rules(account).exists()
    yield
    if was and not administrator_rules(account).exists():
        raise LastAdministrator(account)
