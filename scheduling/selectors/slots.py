"""How many pods of one size would start now in each pool, by the forecast that Submit answers with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from orgs.models import OrgUnit
from quotas.models import Pool
from scheduling.asking import Ask
from scheduling.engine.types import Request

from .offers import Outlook
from .sooner import most_that_starts

MOST_PODS = 1000


@dataclass(frozen=True, slots=True)
class Slots:
    """In one pool, for one project."""

    pool: Pool
    pods: int
    """That would start together now; 0 = none."""
    guaranteed_gpu_milli: int
    over_gpu_milli: int
    """Of all of them, what is inside the quota and what is above it."""
    text: str
    note: str


def slots_in(project: OrgUnit, pools: Sequence[Pool], request: Request, *, preemptible: bool) -> list[Slots]:
    """One a pool. The queries of an outlook, and two more for each pool in which none starts."""
    outlook = Outlook(project, pools, {})
    return [_slots(outlook, pool, Ask(request, 1, 1, preemptible)) for pool in pools]


def _slots(outlook: Outlook, pool: Pool, one: Ask) -> Slots:
    def with_pods(pods: int) -> Ask:
        return replace(one, pods=pods, min_members=pods)

    pods = most_that_starts(MOST_PODS + 1, outlook, pool, with_pods)
    if not pods:
        answer = outlook.answer(pool, one)
        return Slots(pool, 0, 0, 0, answer.short, answer.note)
    found, answer = outlook.forecast(pool, with_pods(pods)), outlook.answer(pool, with_pods(pods))
    return Slots(pool, pods, found.guaranteed_milli, found.over_milli, answer.short, answer.note)
