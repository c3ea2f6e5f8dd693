"""Asks for cycles to be kept, gives them away, and forgets them."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from orgs.access import may, require
from orgs.models import OrgUnit
from portal.actor import Actor
from portal.errors import Refused
from portal.formats import counted
from portal.services.audit import audit_record
from portal.wake import wake_on_commit
from quotas.models import Pool
from scheduling.models import SavedCycle

WISH = timedelta(hours=1)
"""So long a loop that does not run may be late."""
SEEN_WHOLE = (
    "scheduler",
    "pool",
    "node",
    "quota",
    "department",
    "project",
    "workspace",
    "training",
    "inference",
    "found_workload",
)
"""What a saved cycle holds of every unit of the cluster: who may read all of these there may read the file."""


def may_see_whole(actor: Actor, cluster: OrgUnit) -> bool:
    return all(may(actor.user, "read", entity, cluster) for entity in SEEN_WHOLE)


@transaction.atomic
def cycle_ask(*, actor: Actor, pool: Pool, deciding: bool = False) -> SavedCycle:
    """Wishes for the pool's next cycle, or the next that decides something, to be kept. Needs `pool:update` on the
    cluster. The loop writes it within a second or so, and forgets the wish after an hour."""
    require(actor, "update", "pool", pool.cluster)
    asked = SavedCycle.objects.filter(pool=pool, cause=SavedCycle.Cause.ASKED, expires_at__gt=timezone.now())
    if asked.filter(state=SavedCycle.State.WANTED).exists():
        raise Refused(f"A cycle of {pool.name} is asked for already. Wait until it is saved, or delete the wish.")
    if asked.count() >= settings.SAVED_CYCLES:
        raise Refused(f"Of {pool.name} no more than {counted(settings.SAVED_CYCLES, 'cycle')} can be kept. Delete one.")
    now = timezone.now()
    saved = SavedCycle.objects.create(
        pool=pool,
        cause=SavedCycle.Cause.ASKED,
        deciding=deciding,
        asked_by_id=actor.subject_id,
        asked_at=now,
        expires_at=now + WISH,
    )
    after = {"deciding": deciding}
    audit_record(actor=actor, action="ask", entity=saved, unit=pool.cluster_id, after=after, name=_name(saved))
    wake_on_commit()
    return saved


@transaction.atomic
def cycle_export(*, actor: Actor, saved: SavedCycle) -> bytes:
    """The file of a saved cycle: it tells of every project of the cluster. Needs `SEEN_WHOLE` on the cluster."""
    for entity in SEEN_WHOLE:
        require(actor, "read", entity, saved.pool.cluster)
    content = SavedCycle.objects.values_list("content", flat=True).get(pk=saved.pk)
    if content is None:
        raise Refused("This cycle is not saved.")
    after = {"size_bytes": saved.size, "digest": saved.digest}
    unit = saved.pool.cluster_id
    audit_record(actor=actor, action="export", entity=saved, unit=unit, after=after, name=_name(saved))
    return bytes(content)


@transaction.atomic
def cycle_forget(*, actor: Actor, saved: SavedCycle) -> None:
    """Deletes a saved cycle, or the wish for one. Needs `pool:update` on the cluster."""
    require(actor, "update", "pool", saved.pool.cluster)
    audit_record(actor=actor, action="delete", entity=saved, unit=saved.pool.cluster_id, name=_name(saved))
    saved.delete()


def _name(saved: SavedCycle) -> str:
    return f"{saved.cycle} of {saved.pool.name}" if saved.cycle else f"next of {saved.pool.name}"
