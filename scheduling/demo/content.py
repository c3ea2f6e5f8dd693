"""Creates Aldergrove: two simulated clusters with topologies and pools, departments, projects, people and groups."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.db import transaction

from orgs.models import ClusterInfo, OrgUnit, Role, UnitKind, User
from orgs.services.account import account_create
from orgs.services.cluster import cluster_create
from orgs.services.department import department_create
from orgs.services.group import group_create, group_members_add
from orgs.services.project import project_create
from orgs.services.rule import rule_create
from orgs.services.user import user_create, users_create
from portal.actor import SYSTEM
from quotas.models import Pool, Quota, Rank, Topology
from quotas.services.pool import pool_create
from quotas.services.pool_order import pool_order_set
from quotas.services.quota import QuotaChange, quotas_save
from quotas.services.quota_rules import values_of
from quotas.services.topology import topology_create
from scheduling.clusters.simulated import simulate_cluster
from scheduling.services.simulation import simulated_node_do

from .organization import GPU_CLASS, SITES, Site
from .people import GROUPS, PASSWORD, PEOPLE, SIGNS_IN, address

NODES = Path(__file__).parent / "nodes"
POOL_SETTINGS: dict[str, dict[str, Any]] = {
    "l40s": {"gpu_placement": Pool.Placement.SPREAD},
    "t4": {"min_runtime_seconds": 300},
}
"""What differs from a usual pool; h100 keeps distributed work near together by the topology."""
QUOTA_SETTINGS: dict[tuple[str, str], dict[str, Any]] = {
    # One that goes before all others, and one that seldom has to give back what it borrowed at once.
    ("chat", "h100"): {"rank": Rank.HIGH},
    ("downscaling", "a100"): {"reclaim_min_runtime_seconds": 600},
    # One with a ceiling, two that never borrow, and one that may not use a pool at all.
    ("translate", "h100"): {"limit_gpu_milli": 8000},
    ("speech", "h100"): {"over_quota": False},
    ("dexterity", "h100"): {"over_quota": False},
    ("walker", "l40s"): {"over_quota": False},
}
CORDONED = "l40s-09"


def demo_exists() -> bool:
    return OrgUnit.objects.filter(kind=UnitKind.ACCOUNT).exists()


@transaction.atomic
def demo_create() -> None:
    """All of it in one transaction: a demo is there whole or not at all."""
    name, who, _, _ = PEOPLE[0]
    account_create(name="Aldergrove", email=address(who), person=name, password=PASSWORD)
    units = {"": OrgUnit.objects.get(kind=UnitKind.ACCOUNT)}
    for site in SITES:
        cluster = cluster_create(actor=SYSTEM, name=site.name, mode=ClusterInfo.Mode.SIMULATED)
        simulate_cluster(cluster, NODES / f"{site.name}.json")
        topology = topology_create(actor=SYSTEM, cluster=cluster, name="racks", levels=list(site.levels))
        pools = _pools(site, cluster, topology)
        here = _units(site, cluster)
        _quotas(site, pools, here)
        units |= here
    simulated_node_do(actor=SYSTEM, cluster=units["harbor"], node=CORDONED, act="cordon")
    _people(units)


def _pools(site: Site, cluster: OrgUnit, topology: Topology) -> dict[str, Pool]:
    """One for each class of GPU; the nodes without any stay in the default pool."""
    pools = {"default": Pool.objects.get(cluster=cluster, is_default=True)}
    for name in site.guaranteed:
        if name != "default":
            settings: dict[str, Any] = {"topology": topology} if name == "h100" else POOL_SETTINGS.get(name, {})
            pools[name] = pool_create(
                actor=SYSTEM,
                cluster=cluster,
                name=name,
                label_key=GPU_CLASS,
                label_value=name,
                **settings,
            )
    return pools


def _units(site: Site, cluster: OrgUnit) -> dict[str, OrgUnit]:
    units = {site.name: cluster}
    for department in site.departments:
        if department.name == "default":
            unit = OrgUnit.objects.get(parent=cluster, name="default")
        else:
            parent = units[department.inside or site.name]
            unit = department_create(
                actor=SYSTEM, parent=parent, name=department.name, description=department.description
            )
            units[department.name] = unit
        pool_order_set(actor=SYSTEM, unit=unit, pools=department.order)
        for project in department.projects:
            units[project] = project_create(actor=SYSTEM, parent=unit, name=project)
    return units


def _quotas(site: Site, pools: dict[str, Pool], units: dict[str, OrgUnit]) -> None:
    changes = []
    for pool, guaranteed in site.guaranteed.items():
        column = "cpu_millicores" if pool == "default" else "gpu_milli"
        special = {unit for unit, where in QUOTA_SETTINGS if where == pool and unit in units}
        for unit in [*guaranteed, *sorted(special - guaranteed.keys())]:
            amount = {column: guaranteed.get(unit, 0) * 1000}
            quota = Quota(**amount | QUOTA_SETTINGS.get((unit, pool), {}))
            changes.append(QuotaChange(units[unit], pools[pool], values_of(quota)))
    quotas_save(actor=SYSTEM, changes=changes)


def _people(units: dict[str, OrgUnit]) -> None:
    for name, who, _, _ in PEOPLE[1:SIGNS_IN]:
        user_create(actor=SYSTEM, email=address(who), name=name, password=PASSWORD)
    users_create(actor=SYSTEM, people=[(address(who), name) for name, who, _, _ in PEOPLE[SIGNS_IN:]])
    roles = {role.name: role for role in Role.objects.all()}
    users = {user.email: user for user in User.objects.select_related("subject")}
    for _, who, role, scope in PEOPLE[1:]:
        rule_create(actor=SYSTEM, subject=users[address(who)].subject, role=roles[role], scope=units[scope])
    for name, description, members, role, scope in GROUPS:
        group = group_create(actor=SYSTEM, name=name, description=description)
        group_members_add(actor=SYSTEM, group=group, users=[users[address(who)] for who in sorted(members)])
        rule_create(actor=SYSTEM, subject=group.subject, role=roles[role], scope=units[scope])
