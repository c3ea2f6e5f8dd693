from __future__ import annotations

import pytest

from orgs.models import OrgUnit
from quotas.models import Pool
from tests.factories import make_cluster, make_department, make_pool, make_project


@pytest.fixture
def pool() -> Pool:
    return make_pool("gpu", make_cluster())


@pytest.fixture
def project(pool: Pool) -> OrgUnit:
    return make_project("p", make_department("d", pool.cluster))
