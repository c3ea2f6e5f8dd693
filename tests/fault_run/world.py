"""The organization of the run: one simulated cluster, three pools of GPUs, projects that lend and borrow."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from django.test import Client

from orgs.models import OrgUnit
from quotas.models import Pool
from scheduling.clusters.simulated import simulate_cluster
from scheduling.models import PoolChoice
from tests.factories import ADMIN, make_account, make_cluster, make_pool, make_project, make_quota, make_user

NAMES = ("a", "b", "c")
GPUS = 16
"""Of each pool: four nodes with four."""
STEADY_GPUS = 6
"""What a steady project is guaranteed."""


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


def build(folder: Path) -> World:
    cluster = make_cluster("faults")
    pools = [make_pool(name, cluster, label_key="class") for name in NAMES]
    nodes = [
        {"name": f"{name}-node", "count": 4, "labels": {"class": name}, "gpu_type": "T900", "gpu_count": 4}
        | {"gpu_memory_gib": 80, "cores": 64, "memory_gib": 512}
        for name in NAMES
    ]
    nodes.append({"name": "plain", "count": 1, "labels": {}, "cores": 16, "memory_gib": 64})
    file = folder / "nodes.json"
    file.write_text(json.dumps(nodes))
    simulate_cluster(cluster, file)
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
