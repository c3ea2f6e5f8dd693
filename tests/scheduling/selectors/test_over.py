"""Which workloads and pods are the ones over quota."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from orgs.models import OrgUnit
from quotas.models import Pool
from scheduling.models import Priority, Workload
from scheduling.selectors.over import over_quota_milli, pods_over_milli
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> OrgUnit:
    return make.make_project()


@pytest.fixture
def pool(project: OrgUnit) -> Pool:
    return make.make_pool(cluster=project.cluster)


def running(project: OrgUnit, pool: Pool, gpus: int, minutes: int = 0, **fields: object) -> Workload:
    started_at = timezone.now() - timedelta(minutes=minutes)
    return make.make_workload(
        project=project, pool=pool, gpus=gpus, state=Workload.State.RUNNING, started_at=started_at, **fields
    )


def test_low_priority_first_then_the_newest_and_never_non_preemptible(project: OrgUnit, pool: Pool) -> None:
    old, new = running(project, pool, 4, minutes=60), running(project, pool, 4, minutes=1)
    low = running(project, pool, 2, minutes=90, priority=Priority.LOW)
    running(project, pool, 8, preemptible=False)
    make.make_usage(project, pool, 18, over_gpu_milli=7000)
    assert over_quota_milli([pool.pk]) == {low.pk: 2000, new.pk: 4000, old.pk: 1000}


def test_a_project_inside_its_quota_has_none(project: OrgUnit, pool: Pool) -> None:
    running(project, pool, 4)
    make.make_usage(project, pool, 4)
    assert over_quota_milli([pool.pk]) == {}
    assert pods_over_milli([pool.pk]) == {}


def test_the_newest_pods_of_a_workload_are_over(project: OrgUnit, pool: Pool) -> None:
    workload = running(project, pool, 2, pods=3, allocated_gpu_milli=6000)
    pods = [make.make_pod(workload, make.make_node(pool=pool), "0,1") for _ in range(3)]
    make.make_usage(project, pool, 6, over_gpu_milli=3000)
    assert pods_over_milli([pool.pk]) == {pods[2].pk: 2000, pods[1].pk: 1000}
