"""Creates Aldergrove: a simulated cluster, its topology and pools, departments, projects, people and groups."""

from __future__ import annotations

from django.db import transaction

from orgs.models import ClusterInfo, OrgUnit, Role, UnitKind, User
from orgs.services.account import account_create
from orgs.services.cluster import cluster_create
from orgs.services.department import department_create
from orgs.services.group import group_create, group_members_add
from orgs.services.project import project_create
from orgs.services.rule import rule_create
from orgs.services.user import user_create
from portal.actor import SYSTEM
from quotas.models import Pool, Rank
from quotas.services.pool import pool_create
from quotas.services.quota import quota_set
from quotas.services.topology import topology_create

from .people import GROUPS, PASSWORD, PEOPLE

CLUSTER = "harbor"

TREE: dict[str, tuple[str, ...]] = {
    "language": ("chat", "corpus", "translate"),
    "robotics": ("grasp", "walker", "perception"),
    "biology": ("folding",),
    "default": ("sandbox",),
}

GPUS: dict[str, dict[str, int]] = {
    "h100": {
        "language": 28,
        "chat": 16,
        "corpus": 8,
        "translate": 4,
        "robotics": 20,
        "grasp": 8,
        "walker": 8,
        "perception": 4,
        "biology": 12,
        "folding": 12,
    },
    "default": {
        "language": 12,
        "chat": 8,
        "translate": 4,
        "robotics": 12,
        "grasp": 4,
        "perception": 8,
        "biology": 4,
        "folding": 4,
    },
}
"""Guaranteed GPUs by pool and unit."""

CORES: dict[str, int] = {"language": 128, "corpus": 128, "robotics": 64, "perception": 64, "biology": 64, "folding": 64}
"""Guaranteed cores in the pool without GPUs."""


def demo_exists() -> bool:
    return OrgUnit.objects.filter(kind=UnitKind.ACCOUNT).exists()


@transaction.atomic
def demo_create() -> None:
    """All of it in one transaction: a demo is there whole or not at all."""
    name, email, _, _ = PEOPLE[0]
    account_create(name="Aldergrove", email=email, person=name, password=PASSWORD)
    cluster = cluster_create(actor=SYSTEM, name=CLUSTER, mode=ClusterInfo.Mode.SIMULATED)
    units = _units(cluster)
    _quotas(cluster, units)
    topology_create(actor=SYSTEM, cluster=cluster, name="halls", levels=["topology.kubernetes.io/zone"])
    _people(units)


def _units(cluster: OrgUnit) -> dict[str, OrgUnit]:
    units = {"": OrgUnit.objects.get(kind=UnitKind.ACCOUNT)}
    for department, projects in TREE.items():
        if department == "default":
            parent = OrgUnit.objects.get(parent=cluster, name="default")
        else:
            parent = units[department] = department_create(actor=SYSTEM, parent=cluster, name=department)
        for project in projects:
            units[project] = project_create(actor=SYSTEM, parent=parent, name=project)
    return units


def _quotas(cluster: OrgUnit, units: dict[str, OrgUnit]) -> None:
    pools = {
        "h100": pool_create(
            actor=SYSTEM, cluster=cluster, name="h100", label_key="gpu.bursar.dev/class", label_value="h100"
        ),
        "cpu": pool_create(
            actor=SYSTEM,
            cluster=cluster,
            name="cpu",
            label_key="gpu.bursar.dev/class",
            label_value="none",
            cpu_placement=Pool.Placement.SPREAD,
        ),
        "default": Pool.objects.get(cluster=cluster, is_default=True),
    }
    for pool, gpus in GPUS.items():
        for unit, count in gpus.items():
            rank = Rank.HIGH if unit == "chat" else Rank.MEDIUM
            quota_set(actor=SYSTEM, unit=units[unit], pool=pools[pool], gpu_milli=count * 1000, rank=rank)
    for unit, cores in CORES.items():
        quota_set(actor=SYSTEM, unit=units[unit], pool=pools["cpu"], cpu_millicores=cores * 1000)
    # One project that may not use a pool at all, and one with a ceiling, so that both can be seen.
    quota_set(actor=SYSTEM, unit=units["walker"], pool=pools["default"], over_quota=False)
    quota_set(
        actor=SYSTEM,
        unit=units["translate"],
        pool=pools["h100"],
        gpu_milli=4000,
        limit_gpu_milli=8000,
        expected_version=1,
    )


def _people(units: dict[str, OrgUnit]) -> None:
    roles = {role.name: role for role in Role.objects.all()}
    for name, email, role, scope in PEOPLE[1:]:
        user_create(actor=SYSTEM, email=email, name=name, password=PASSWORD)
        subject = User.objects.get(email=email).subject
        rule_create(actor=SYSTEM, subject=subject, role=roles[role], scope=units[scope])
    for name, description, members, role, scope in GROUPS:
        group = group_create(actor=SYSTEM, name=name, description=description)
        users = User.objects.filter(email__in=members).order_by("email")
        group_members_add(actor=SYSTEM, group=group, users=list(users))
        rule_create(actor=SYSTEM, subject=group.subject, role=roles[role], scope=units[scope])
