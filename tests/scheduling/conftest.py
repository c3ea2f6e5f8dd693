"""A project with its pool, and somebody who works there: what most tests of pages and endpoints begin with."""

from __future__ import annotations

import pytest

from orgs.models import OrgUnit, User
from quotas.models import Pool
from tests import factories as make


@pytest.fixture
def project() -> OrgUnit:
    return make.make_project("vision")


@pytest.fixture
def pool(project: OrgUnit) -> Pool:
    return make.make_pool("a100", cluster=project.cluster)


@pytest.fixture
def roomy_pool(project: OrgUnit) -> Pool:
    """A node with 8 GPUs, and as its loop says 10 of 16 are free, on one node 4 and on another 6."""
    pool = make.make_pool("a100", cluster=project.cluster)
    make.make_node(pool=pool, gpus=8)
    make.make_summary(pool, gpus=16, used=6, free_slots={"4": 1, "6": 1})
    return pool


@pytest.fixture
def researcher(project: OrgUnit) -> User:
    return make.make_user(role=make.RESEARCHER, scope=project)
