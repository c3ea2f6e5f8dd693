"""When a workload that waits is tried in another of its pools."""

from __future__ import annotations

from django.db import transaction

from orgs.access import as_of_now, require
from orgs.models import OrgUnit, UnitKind
from orgs.services.locks import account_locked
from portal.actor import Actor
from portal.errors import Refused
from portal.services.audit import audit_record
from portal.services.feed import feed_tell
from quotas import rules
from quotas.services.quota import CHANGED
from scheduling.models import PoolChoice

MOST_WAIT_SECONDS = 30 * 86400
MOST_MOVES = 100


@transaction.atomic
def pool_choice_set(
    *, actor: Actor, wait_seconds: int, most_moves: int, expected_version: int | None = None
) -> PoolChoice:
    """`most_moves`: to a pool that the workload prefers less; 0 = each stays in its first pool. `expected_version`: the
    one that was seen, 0 for none. Needs `settings:update` on the account."""
    account = account_locked()
    require(as_of_now(actor), "update", "settings", account)
    setting = PoolChoice.current()
    setting.account = account
    if expected_version is not None and expected_version != setting.version:
        raise Refused({"expected_version": CHANGED})
    rules.whole("wait_seconds", wait_seconds, MOST_WAIT_SECONDS)
    rules.whole("most_moves", most_moves, MOST_MOVES)
    before = {"wait_seconds": setting.wait_seconds, "most_moves": setting.most_moves}
    after = {"wait_seconds": wait_seconds, "most_moves": most_moves}
    changed = [name for name in after if before[name] != after[name]]
    if not changed:
        return setting
    setting.wait_seconds, setting.most_moves = wait_seconds, most_moves
    setting.version += 1
    setting.save()
    audit_record(
        actor=actor,
        action="update",
        entity=account,
        unit=account.pk,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
    )
    for cluster in OrgUnit.objects.filter(kind=UnitKind.CLUSTER).order_by("pk").values_list("pk", flat=True):
        feed_tell(cluster=cluster, config=True)
    return setting
