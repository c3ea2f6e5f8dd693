"""Makes several pools in one step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django.db import transaction

from orgs.models import OrgUnit
from portal.actor import Actor
from portal.errors import Refused
from quotas.models import Pool

from .pool import locked_cluster, pool_create

MOST_AT_ONCE = 50


class NewPool(NamedTuple):
    """A pool with the usual settings."""

    name: str
    label_key: str
    label_value: str


@transaction.atomic
def pools_create(*, actor: Actor, cluster: OrgUnit, pools: Sequence[NewPool]) -> list[Pool]:
    """All of these pools, or none: a refusal names the field with the pool's place, `name_0`.

    Needs `pool:create` on the cluster.
    """
    if not pools:
        raise Refused({"pools": "No pool is chosen. Choose at least one."})
    if len(pools) > MOST_AT_ONCE:
        raise Refused({"pools": f"{len(pools)} pools are too many at once. Choose at most {MOST_AT_ONCE}."})
    cluster = locked_cluster(cluster)
    made = []
    for place, pool in enumerate(pools):
        try:
            made.append(pool_create(actor=actor, cluster=cluster, **pool._asdict()))
        except Refused as refusal:
            raise Refused({f"{name}_{place}": texts for name, texts in refusal.message_dict.items()}) from None
    return made
