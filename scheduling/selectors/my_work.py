"""What a person can have now, by project and pool, and what they have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from orgs.models import OrgUnit, UnitKind
from orgs.scope import below, units_with
from portal.actor import Actor
from portal.formats import cores, gpus
from portal.quota_bar import QuotaBar
from quotas.models import Pool
from scheduling.asking import Room, Standing
from scheduling.models import Workload

from .standing import rooms, standings
from .visible import CREATE_WORK, visible_workloads
from .workloads import WorkloadRow, workload_rows

MOST_PROJECTS = 8
MOST_WORKLOADS = 10


@dataclass(frozen=True, slots=True)
class PoolOffer:
    """What a project can have in a pool now; of a pool without GPUs in millicores, of the others in milli-GPU."""

    pool: Pool
    resource: str
    """gpu or cpu."""
    used: int
    quota: int
    guaranteed: int
    """Left of the guarantee, at every level."""
    over: int
    """Free beyond it: may be taken back."""
    one_node: int
    """Most free GPUs on one node, whole ones."""
    blocked: bool
    bar: QuotaBar | None = None

    @property
    def words(self) -> str:
        """How the pool is open to the project, under its name."""
        if self.blocked:
            return "blocked"
        if self.resource == "cpu":
            return f"{cores(self.used)} cores in use"
        if self.quota:
            return f"{gpus(self.used)} of {gpus(self.quota)} in use"
        return f"{gpus(self.used)} in use, best effort" if self.used else "best effort"


@dataclass(frozen=True, slots=True)
class ProjectOffer:
    project: OrgUnit
    department: str
    pools: list[PoolOffer]

    @property
    def guaranteed(self) -> int:
        return sum(offer.guaranteed for offer in self.pools if offer.resource == "gpu")


def submit_projects(user: Any, scope: OrgUnit | None) -> QuerySet[OrgUnit]:
    """Projects in the scope in which the person may submit something, by name."""
    projects = units_with(user, CREATE_WORK, UnitKind.PROJECT).filter(below(scope))
    return projects.select_related("parent").order_by("name")


def project_offers(actor: Actor, scope: OrgUnit | None) -> tuple[list[ProjectOffer], int]:
    """The person's projects, those with own active work first, and how many more there are. Ten queries at most."""
    projects = submit_projects(actor.user, scope)
    mine = Workload.objects.filter(project=OuterRef("pk"), submitted_by=actor.subject_id, is_active=True)
    shown = list(projects.annotate(mine=Exists(mine)).order_by("-mine", "name")[:MOST_PROJECTS])
    return offers_for(shown), max(0, projects.count() - len(shown))


def offers_for(projects: Sequence[OrgUnit]) -> list[ProjectOffer]:
    pools = list(Pool.objects.filter(cluster__in={project.cluster_id for project in projects}).order_by("name"))
    ids = [pool.pk for pool in pools]
    standing, room = standings(projects, ids), rooms(ids)
    offers = []
    for project in projects:
        found = [
            _offer(pool, standing.chain(project, pool), room[pool.pk])
            for pool in pools
            if pool.cluster_id == project.cluster_id
        ]
        scale = {
            name: max((_end(offer) for offer in found if offer.resource == name), default=0) for name in ("gpu", "cpu")
        }
        department = project.parent.name if project.parent else ""
        offers.append(ProjectOffer(project, department, [_drawn(offer, scale[offer.resource]) for offer in found]))
    return offers


def _offer(pool: Pool, chain: list[Standing], room: Room) -> PoolOffer:
    project = chain[0]
    column = 0 if room.largest_node.gpu_milli else 1
    quota, used = project.quota[column] or 0, project.allocated[column]
    left = min(_quota_left(unit, column) for unit in chain)
    caps = [bound - unit.allocated[column] for unit in chain if (bound := unit.limit[column]) is not None]
    caps += [
        bound - unit.allocated[column]
        for unit in chain
        if not unit.over_quota and (bound := unit.quota[column]) is not None
    ]
    blocked = any(unit.blocked for unit in chain)
    guaranteed = 0 if blocked else max(0, min([left, *caps]))
    free = max(0, min([room.free[column], *caps]))
    return PoolOffer(
        pool=pool,
        resource="gpu" if column == 0 else "cpu",
        used=used,
        quota=quota,
        guaranteed=guaranteed,
        over=0 if blocked else max(0, free - guaranteed),
        one_node=room.largest_free,
        blocked=blocked,
    )


def _quota_left(unit: Standing, column: int) -> int:
    if column == 0:
        return unit.quota_left_gpu_milli or 0
    quota = unit.quota[column]
    return 0 if quota is None else quota - unit.allocated[column]


def _end(offer: PoolOffer) -> int:
    return max(offer.used, offer.quota) + offer.over


def _drawn(offer: PoolOffer, scale: int) -> PoolOffer:
    inside = min(offer.used, offer.quota)
    bar = QuotaBar(
        inside=inside,
        over=offer.used - inside,
        idle=offer.guaranteed,
        free=offer.over,
        scale=scale,
        resource=offer.resource,
        blocked=offer.blocked,
    )
    return PoolOffer(
        offer.pool,
        offer.resource,
        offer.used,
        offer.quota,
        offer.guaranteed,
        offer.over,
        offer.one_node,
        offer.blocked,
        bar,
    )


def my_workloads(actor: Actor, scope: OrgUnit | None) -> tuple[list[WorkloadRow], int]:
    """The person's newest workloads, active ones first, and how many there are in all, ended ones included."""
    mine = visible_workloads(actor.user).filter(below(scope, "project"), submitted_by=actor.subject_id)
    mine = mine.exclude(Q(desired=Workload.Desired.DELETED) & Q(is_active=False))
    newest = mine.order_by("-created_at", "-id").values_list("id", flat=True)
    ids = list(newest.filter(is_active=True)[:MOST_WORKLOADS])
    ids += list(newest.filter(is_active=False)[: MOST_WORKLOADS - len(ids)])
    return workload_rows(ids), mine.count()
