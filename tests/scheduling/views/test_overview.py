"""Overview: how well the pools are used, and who starves."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone

from orgs.models import OrgUnit, User
from quotas.models import Pool
from scheduling.models import PoolSample
from tests import factories as make
from tests.queries import assert_same_queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> OrgUnit:
    return make.make_project("vis-3d")


@pytest.fixture
def pool(project: OrgUnit) -> Pool:
    pool = make.make_pool("a100", cluster=project.cluster)
    make.make_summary(pool, gpus=16, used=12, over_gpu_milli=4000, requested_gpu_milli=8000, lost_gpu_milli=8000)
    make.make_quota(project, pool, 8)
    return pool


def page(user: User, query: str = "") -> str:
    response = make.signed_in(user).get(f"/overview/{query}")
    assert response.status_code == 200
    return unescape(response.content.decode())


def test_whoever_sees_the_whole_sees_the_pools(project: OrgUnit, pool: Pool) -> None:
    shown = page(make.make_user(role=make.ADMIN))
    assert "75\u00a0% of 16 ready GPUs are in use. Nobody waits below their guarantee." in shown
    assert "4 are over quota, 8 are waited for and 8 GPUs are not ready." in shown


def test_others_see_what_their_units_have(project: OrgUnit, pool: Pool) -> None:
    make.make_usage(project, pool, 6, requested_gpu_milli=10_000)
    other = make.make_project("secret", department=project.parent)
    make.make_quota(other, pool, 40)
    make.make_usage(other, pool, 40)
    shown = page(make.make_user(role=make.RESEARCHER, scope=project))
    assert "6 of 8 GPUs guaranteed are in use." in shown
    assert "4 are waited for." in shown
    assert "secret" not in shown


def test_a_scope_below_the_cluster_narrows_it(project: OrgUnit, pool: Pool) -> None:
    make.make_usage(project, pool, 6)
    shown = page(make.make_user(role=make.ADMIN), f"?scope={project.pk}")
    assert "6 of 8 GPUs guaranteed are in use." in shown


def test_who_waits_below_the_guarantee_is_named(project: OrgUnit, pool: Pool) -> None:
    make.make_usage(
        project, pool, 3, requested_gpu_milli=9000, pending=2, starving_since=timezone.now() - timedelta(hours=1)
    )
    shown = page(make.make_user(role=make.ADMIN))
    assert "1 project waits below its guarantee." in shown
    assert "<b>vis-3d</b> in a100" in shown
    assert "<b>3</b> of 8" in shown
    assert "vis-3d" not in page(make.make_user(role=make.RESEARCHER, scope=make.make_project()))


@pytest.mark.parametrize("ago", [(60, 40), (3, 2)], ids=["an hour", "a new installation"])
def test_the_chart_says_what_it_shows(project: OrgUnit, pool: Pool, ago: tuple[int, int]) -> None:
    now = timezone.now().replace(second=0, microsecond=0)
    for minutes, used in zip(ago, (4000, 10_000), strict=True):
        PoolSample.objects.create(
            pool=pool,
            at=now - timedelta(minutes=minutes),
            gpu_milli=16_000,
            guaranteed_gpu_milli=used,
            over_gpu_milli=2000,
            requested_gpu_milli=0,
            pending=0,
        )
    assert "between 6 and 12 GPUs were in use, of 16 ready." in page(make.make_user(role=make.ADMIN))


def test_without_pools_it_says_so() -> None:
    make.make_account()
    assert "There is no pool here yet" in page(make.make_user(role=make.ADMIN))


def test_queries_do_not_grow(project: OrgUnit, pool: Pool) -> None:
    def more(number: int) -> None:
        for _ in range(number):
            other = make.make_project(department=project.parent)
            another = make.make_pool(cluster=project.cluster)
            make.make_summary(another)
            make.make_quota(other, another, 4)
            make.make_usage(other, another, 1, requested_gpu_milli=4000, starving_since=timezone.now())
            make.make_waiting(make.make_workload(project=other, pool=another), "blocked", unit=other.pk)

    admin = make.signed_in(make.make_user(role=make.ADMIN))
    assert assert_same_queries(admin, "/overview/", lambda: more(5), lambda: more(20)) < 45


def test_who_lends_to_whom_and_how_long_guaranteed_gpus_took(project: OrgUnit, pool: Pool) -> None:
    make.make_usage(project, pool, 12, over_gpu_milli=4000)
    lender = make.make_project("robots-7", make.make_department("north", pool.cluster))
    make.make_usage(lender, pool, 0, idle_gpu_milli=2000)
    shown = page(make.make_user(role=make.ADMIN))
    assert "4 GPUs lent now" in shown
    assert "robots-7" in shown
    assert "Nobody waited for guaranteed GPUs in the last 30 days." in shown
    own = page(make.make_user(role=make.RESEARCHER, scope=project))
    assert "4 borrowed, 0 lent now" in own
    assert "robots-7" not in own, "whose idle guarantee it is, is not theirs to know"
