"""The organization of the run: one cluster, three pools of GPUs, projects that lend and borrow."""

from __future__ import annotations

from dataclasses import dataclass

from django.test import Client

from orgs.models import OrgUnit
from quotas.models import Pool
from scheduling.models import PoolChoice
from tests.factories import ADMIN, make_account, make_pool, make_project, make_quota, make_user

NAMES = ("a", "b", "c")
"""Of the pools, and the values of the label `class` of their nodes."""
NODES, NODE_GPUS = 4, 4
GPUS = NODES * NODE_GPUS
"""Of each pool."""
CORES, MEMORY_GIB = 64, 512
"""Of each node."""
STEADY_GPUS = 6
"""What a steady project is guaranteed."""
GRACE_SECONDS = 30
"""So long a gang may run below its minimum."""


@dataclass(frozen=True, slots=True)
class World:
    cluster: OrgUnit
    pools: list[Pool]
    steady: list[OrgUnit]
    """One a pool: never asks for more than it is guaranteed, so nothing of it may ever be taken back."""
    owner: OrgUnit
    """Is guaranteed half of everything, and uses it now and then."""
    borrowers: list[OrgUnit]
    """Guaranteed little or nothing, and always ask for more."""
    probes: OrgUnit
    cookie: str
    """Session of a person who may submit."""


def make_pools(cluster: OrgUnit) -> list[Pool]:
    return [make_pool(name, cluster, label_key="class", staleness_grace_seconds=GRACE_SECONDS) for name in NAMES]


def organize(cluster: OrgUnit, pools: list[Pool]) -> World:
    """`cluster`: one with these pools."""
    department = OrgUnit.objects.get(parent=cluster, name="default")
    steady = [make_project(f"steady-{pool.name}", department) for pool in pools]
    owner = make_project("owner", department)
    borrowers = [make_project(f"borrower-{number}", department) for number in range(2)]
    for pool, project in zip(pools, steady, strict=True):
        make_quota(project, pool, STEADY_GPUS)
        make_quota(owner, pool, 8)
        make_quota(borrowers[0], pool, 1)
    PoolChoice.objects.create(account=make_account(), wait_seconds=5)
    probes = make_project("probes", department)
    client = Client()
    client.force_login(make_user("probe@example.org", role=ADMIN))
    return World(cluster, pools, steady, owner, borrowers, probes, client.cookies["sessionid"].value)
