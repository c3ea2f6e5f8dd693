"""My work: what one can have now."""

from __future__ import annotations

from html import unescape

import pytest

from orgs.models import OrgUnit, User
from quotas.models import Pool
from scheduling.models import Workload
from tests import factories as make
from tests.queries import assert_same_queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> OrgUnit:
    return make.make_project("vis-3d")


def page(user: User, query: str = "") -> str:
    response = make.signed_in(user).get(f"/my-work/{query}")
    assert response.status_code == 200
    return unescape(response.content.decode())


def pool_with(project: OrgUnit, name: str, quota: int, used: int, free: int, department: int = 100) -> Pool:
    """A pool in which the project uses `used` of `quota` GPUs and `free` are nobody's now."""
    pool = make.make_pool(name, cluster=project.cluster)
    make.make_node(pool=pool)
    make.make_summary(pool, gpus=used + free, used=used)
    make.make_quota(project, pool, quota)
    make.make_quota(project.parent, pool, department)  # type: ignore[arg-type]
    make.make_usage(project, pool, used)
    make.make_usage(project.parent, pool, used)  # type: ignore[arg-type]
    return pool


def test_the_heading_is_the_best_that_is_guaranteed(researcher: User, project: OrgUnit) -> None:
    pool_with(project, "a100", quota=8, used=8, free=10)
    pool_with(project, "h100", quota=12, used=8, free=4)
    assert "<h1>You can start 4 GPUs in h100 now, guaranteed.</h1>" in page(researcher)


def test_without_guarantee_left_it_is_what_is_lent(researcher: User, project: OrgUnit) -> None:
    pool_with(project, "a100", quota=8, used=8, free=10)
    assert "<h1>No guaranteed GPUs are left; up to 10 over quota in a100.</h1>" in page(researcher)


def test_the_department_bounds_what_is_guaranteed(researcher: User, project: OrgUnit) -> None:
    pool_with(project, "h100", quota=12, used=8, free=4, department=10)
    assert "You can start 2 GPUs in h100 now, guaranteed." in page(researcher)


def test_a_blocked_pool_offers_nothing(researcher: User, project: OrgUnit) -> None:
    pool = make.make_pool("h100", cluster=project.cluster)
    make.make_node(pool=pool)
    make.make_summary(pool)
    make.make_quota(project, pool, 0, over_quota=False)
    shown = page(researcher)
    assert "blocked" in shown
    assert f"pool={pool.name}" not in shown


def test_a_pool_without_gpus_is_counted_in_cores(researcher: User, project: OrgUnit) -> None:
    pool = make.make_pool("cpu", cluster=project.cluster)
    make.make_node(pool=pool, gpus=0)
    make.make_summary(pool, gpus=0, cpu_millicores=96_000, allocated_cpu_millicores=32_000)
    shown = page(researcher)
    assert "up to 64 cores" in shown
    assert "<h1>No GPUs are free for you now; 64 cores are.</h1>" in shown


def test_the_second_line_is_what_waits_longest(researcher: User, project: OrgUnit) -> None:
    pool = pool_with(project, "a100", quota=8, used=8, free=10)
    workload = make.make_workload("nerf-city", project, pool, gpus=8, by=researcher)
    make.make_waiting(workload, "short", resource="gpu_milli", short=6000, requested=8000, free=2000)
    assert "6 GPUs short in a100" in page(researcher).split("</header>")[1]


def test_only_own_workloads_ended_ones_last_deleted_ones_not(researcher: User, project: OrgUnit) -> None:
    for name, state in (("gone", Workload.State.STOPPED), ("done", Workload.State.COMPLETED)):
        make.make_workload(name, project, by=researcher, state=state)
    Workload.objects.filter(name="gone").update(desired=Workload.Desired.DELETED)
    make.make_workload("active", project, by=researcher)
    make.make_workload("others", project, by=make.make_user())
    shown = page(researcher)
    assert shown.index(">active</a>") < shown.index(">done</a>")
    assert ">gone</a>" not in shown
    assert ">others</a>" not in shown


def test_without_a_project_it_says_whom_to_ask() -> None:
    shown = page(make.make_user(role=make.RESEARCHER, scope=make.make_department()))
    assert "You have no project to submit to yet." in shown
    assert "Who administers a department" in shown


def test_queries_do_not_grow_with_projects_pools_and_workloads(project: OrgUnit) -> None:
    admin = make.make_user(role=make.RESEARCHER)

    def more(number: int) -> None:
        for _ in range(number):
            other = make.make_project(department=project.parent)
            pool = make.make_pool(cluster=project.cluster)
            make.make_summary(pool)
            make.make_quota(other, pool, 4)
            make.make_waiting(make.make_workload(project=other, pool=pool, by=admin), "blocked", unit=other.pk)

    assert assert_same_queries(make.signed_in(admin), "/my-work/", lambda: more(11), lambda: more(15)) < 30
