"""Whether pools are open to units that have no quota in them."""

from __future__ import annotations

from django.db import transaction

from orgs.access import as_of_now, require
from orgs.models import OrgUnit, UnitKind
from orgs.services.locks import account_locked
from portal.actor import Actor
from portal.errors import Refused
from portal.services.audit import audit_record
from portal.services.feed import feed_tell
from quotas.models import DefaultAccess


@transaction.atomic
def default_access_set(*, actor: Actor, closed: bool) -> None:
    """Where a unit has no row it is blocked (`closed`), or has best effort. No row is written or removed, and nothing
    that runs is stopped. Needs `settings:update` on the account."""
    account = account_locked()
    require(as_of_now(actor), "update", "settings", account)
    if not isinstance(closed, bool):
        raise Refused({"closed": "New pools are either open or closed. Choose one."})
    setting = DefaultAccess.objects.filter(account=account).first() or DefaultAccess(account=account)
    if setting.closed == closed:
        return
    before, setting.closed = str(setting), closed
    setting.save()
    audit_record(
        actor=actor,
        action="update",
        entity=account,
        unit=account.pk,
        before={"new pools": before},
        after={"new pools": str(setting)},
    )
    for cluster in OrgUnit.objects.filter(kind=UnitKind.CLUSTER).order_by("pk").values_list("pk", flat=True):
        feed_tell(cluster=cluster, config=True)
