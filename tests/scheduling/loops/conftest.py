from __future__ import annotations

import pytest

from orgs.models import OrgUnit
from quotas.models import Pool
from tests.factories import make_cluster, make_department, make_pool, make_project

from .world import Steps, World


@pytest.fixture
def pool() -> Pool:
    return make_pool("gpu", make_cluster())


@pytest.fixture
def project(pool: Pool) -> OrgUnit:
    return make_project("p", make_department("d", pool.cluster))


@pytest.fixture
def steps(world: World, monkeypatch: pytest.MonkeyPatch) -> Steps:
    """Of the world that the file makes, whose gateway the loops have too."""
    monkeypatch.setattr("scheduling.loops.pool_loop.gateway_for", lambda cluster: world.gateway)
    return Steps(world)
