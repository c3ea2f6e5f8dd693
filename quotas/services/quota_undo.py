"""Takes a save of quotas back."""

from __future__ import annotations

import uuid

from orgs.models import OrgUnit
from portal.actor import Actor
from portal.errors import Refused
from quotas.models import Pool, QuotaVersion
from quotas.services.quota import QuotaChange, quotas_save


def quotas_undo(*, actor: Actor, batch: uuid.UUID) -> uuid.UUID | None:
    """Gives the cells of a save what they had before it, in a save of its own: with the same rights and rules.

    A cell that was changed again since is refused, and then nothing is taken back.
    """
    versions = list(QuotaVersion.objects.filter(batch=batch).order_by("pk"))
    if not versions:
        raise Refused("There is no such save. Load the page again.")
    cells = {"unit__in": {version.unit_id for version in versions}, "pool__in": {v.pool_id for v in versions}}
    before = {
        (version.unit_id, version.pool_id): version.values
        for version in QuotaVersion.objects.filter(**cells, until=versions[0].since)
    }
    units, pools = OrgUnit.objects.in_bulk(cells["unit__in"]), Pool.objects.in_bulk(cells["pool__in"])
    if len(units) < len(cells["unit__in"]) or len(pools) < len(cells["pool__in"]):
        raise Refused("A department, project or pool of that save is gone. Change the other cells by hand.")
    changes = [
        QuotaChange(
            units[version.unit_id],
            pools[version.pool_id],
            before.get((version.unit_id, version.pool_id)),
            version.number if version.values is not None else 0,
        )
        for version in versions
    ]
    return quotas_save(actor=actor, changes=changes, reason=f"Takes back the save of {versions[0].actor_name}"[:500])
