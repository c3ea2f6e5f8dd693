"""Cycles that are kept as files, for those who may see the whole of the pool's cluster."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet
from django.utils import timezone

from orgs.access import NotVisible
from portal.actor import Actor
from quotas.models import Pool
from scheduling.models import SavedCycle
from scheduling.services.saved_cycle import may_see_whole

MOST_SHOWN = 50


def seen_whole(actor: Actor, pools: Iterable[Pool]) -> list[Pool]:
    """Those of the pools (with cluster) of which the person may have everything."""
    known: dict[int, bool] = {}
    for pool in pools:
        if pool.cluster_id not in known:
            known[pool.cluster_id] = may_see_whole(actor, pool.cluster)
    return [pool for pool in pools if known[pool.cluster_id]]


def _kept() -> QuerySet[SavedCycle]:
    """With pool, cluster and who asked, without their content."""
    present = Q(expires_at__gt=timezone.now())
    rows = SavedCycle.objects.filter(present).select_related("pool__cluster", "asked_by__user")
    return rows.defer("content")


def saved_in(actor: Actor, pools: Iterable[Pool]) -> QuerySet[SavedCycle]:
    """Of these pools: what is kept, what is wished for, and what could not be kept."""
    return _kept().filter(pool__in=[pool.pk for pool in seen_whole(actor, list(pools))])


def saved_cycles(actor: Actor, pools: Iterable[Pool]) -> list[SavedCycle]:
    """The newest first."""
    return list(saved_in(actor, pools).order_by("-id")[:MOST_SHOWN])


def saved_of(actor: Actor, pool: Pool, cycle: int) -> SavedCycle | None:
    """The file of one cycle, if there is one that the person may have."""
    if not may_see_whole(actor, pool.cluster):
        return None
    return _kept().filter(pool=pool, cycle=cycle, state=SavedCycle.State.SAVED).order_by("-id").first()


def saved_cycle_for(actor: Actor, pk: int) -> SavedCycle:
    """NotVisible where it is not there, or not for this person."""
    saved = _kept().filter(pk=pk).first()
    if saved is None or not may_see_whole(actor, saved.pool.cluster):
        raise NotVisible("There is no such cycle, or you may not see it.")
    return saved


def file_name(saved: SavedCycle) -> str:
    return f"{saved.pool.name}-cycle-{saved.cycle}.json.gz"
