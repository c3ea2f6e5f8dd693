"""To which project and pools found workloads belong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from orgs.models import OrgUnit, ProjectInfo, UnitState
from quotas.models import Pool
from quotas.selectors.pool_order import PoolOrder, pool_orders

from .found_pods import Group
from .untaken import NO_POOL, NO_PROJECT


class Place(NamedTuple):
    project: OrgUnit
    order: PoolOrder


def places_of(cluster: int, groups: Mapping[str, Group]) -> tuple[dict[str, Place], dict[str, str]]:
    """By the group's uid: its place, or why it has none. At most four queries."""
    namespaces = {group.namespace for group in groups.values()}
    infos = ProjectInfo.objects.filter(cluster=cluster, namespace__in=namespaces, unit__state=UnitState.ACTIVE)
    projects = {info.namespace: info.unit for info in infos.select_related("unit")}
    orders = pool_orders(list(projects.values()))
    named = {group.pod.pool for group in groups.values()} - {""}
    pools = {pool.name: pool for pool in Pool.objects.filter(cluster=cluster, name__in=named)} if named else {}
    places: dict[str, Place] = {}
    reasons: dict[str, str] = {}
    for uid, group in groups.items():
        project, pool = projects.get(group.namespace), group.pod.pool
        if project is None:
            reasons[uid] = NO_PROJECT
        elif (pool and pool not in pools) or (not pool and not orders[project.pk].pools):
            reasons[uid] = NO_POOL
        else:
            places[uid] = Place(project, PoolOrder([pools[pool]], project) if pool else orders[project.pk])
    return places, reasons
