"""Scheduler: loops, the order of projects, decisions."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.utils import timezone

from orgs.models import OrgUnit, User
from portal.models import Lease
from quotas.models import Pool
from scheduling.models import CycleReport, Decision, Workload
from tests import factories as make
from tests.queries import assert_same_queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> OrgUnit:
    return make.make_project("vis-3d")


@pytest.fixture
def pool(project: OrgUnit) -> Pool:
    pool = make.make_pool("a100", cluster=project.cluster)
    make.make_summary(pool, pending=3)
    return pool


@pytest.fixture
def admin() -> User:
    return make.make_user(role=make.ADMIN)


def page(user: User, query: str = "") -> str:
    response = make.signed_in(user).get(f"/scheduler/{query}")
    assert response.status_code == 200
    return unescape(response.content.decode())


def hold(pool: Pool, seconds_left: float = 5) -> None:
    expires_at = timezone.now() + timedelta(seconds=seconds_left)
    Lease.objects.create(name=f"loop:pool:{pool.pk}", holder="worker-1", epoch=57, expires_at=expires_at)


def decide(workload: Workload, kind: Decision.Kind = Decision.Kind.PLACE, **fields: Any) -> None:
    assert workload.pool is not None
    values = {"cycle": 48211, "pod": Decision.objects.count() + 1, "state": Decision.State.OBSERVED} | fields
    Decision.objects.create(
        pool=workload.pool.pk,
        epoch=57,
        kind=kind,
        batch=workload.pk,
        workload=workload.pk,
        pod_uid="uid",
        deadline_at=timezone.now(),
        **values,
    )


@pytest.mark.parametrize(
    ("seconds_left", "answer"),
    [
        (5, "The loop runs on time. a100 leaves 3 workloads waiting."),
        (-2, "The loop of a100 does not run on time. a100 leaves 3 workloads waiting."),
        (-60, "The loop of a100 does not run on time. a100 leaves 3 workloads waiting."),
    ],
)
def test_the_heading_says_whether_the_loops_keep_time(
    admin: User, project: OrgUnit, pool: Pool, seconds_left: float, answer: str
) -> None:
    Pool.objects.exclude(pk=pool.pk).delete()
    hold(pool, seconds_left)
    shown = page(admin)
    assert f"<h1>{answer}</h1>" in shown
    assert ("Not running" in shown) == (seconds_left < -50)
    assert "epoch 57" in shown


def test_cycle_times(admin: User, pool: Pool) -> None:
    for cycle in range(20):
        CycleReport.objects.create(
            pool=pool,
            epoch=57,
            cycle=cycle,
            at=timezone.now(),
            timings={"snapshot": 9000, "decide": 1000 * (cycle + 1), "record": 4000},
            counts={"places": 1, "evicts": 1, "waits": 3},
        )
    shown = page(admin)
    assert "95 in 100 took at most 33 ms (a100)" in shown
    assert ">40</td>" in shown, "two decisions in each of 20 cycles"
    assert "Cycle 19 of a100" in shown


def test_the_queue_is_in_the_order_of_service(admin: User, project: OrgUnit, pool: Pool) -> None:
    first = make.make_project("vis-med", department=project.parent)
    make.make_usage(project, pool, 32, position=4, fair_gpu_milli=26_500, requested_gpu_milli=40_000, pending=1)
    make.make_usage(first, pool, 24, position=1, fair_gpu_milli=32_000, requested_gpu_milli=24_000)
    make.make_usage(make.make_project("idle", department=project.parent), pool, position=2)
    shown = page(admin)
    assert shown.index(f'id="queue-{first.pk}"') < shown.index(f'id="queue-{project.pk}"')
    assert shown.count('id="queue-') == 2
    assert "75\u00a0%" in shown
    assert "121\u00a0%" in shown


def test_only_projects_and_names_one_may_see(project: OrgUnit, pool: Pool) -> None:
    other = make.make_project("secret", department=make.make_department(parent=project.cluster))
    make.make_usage(other, pool, 8)
    make.make_usage(project, pool, 8)
    hidden = make.make_workload("hidden-one", other, pool, gpus=4)
    make.make_waiting(hidden, "blocked", unit=other.pk)
    decide(hidden, Decision.Kind.EVICT, code="reclaim", numbers={"unit": other.pk, "allocated": 8000}, for_workload=1)
    shown = page(make.make_user(role=make.RESEARCHER, scope=project))
    assert ">vis-3d</span>" in shown
    assert "a workload of another department, 4 GPUs" in shown
    assert "secret" not in shown
    assert "hidden-one" not in shown


def test_decisions_in_words(admin: User, project: OrgUnit, pool: Pool) -> None:
    node = make.make_node("a100-13", pool)
    placed = make.make_workload("eval-shard", project, pool)
    victim = make.make_workload("align-rl", project, pool)
    decide(placed, node=node.pk)
    decide(placed, node=node.pk)
    numbers = {"unit": project.pk, "resource": "gpu_milli", "allocated": 12_000, "quota": 6000, "fair_share": 8000}
    decide(victim, Decision.Kind.EVICT, code="reclaim", numbers=numbers, for_workload=placed.pk)
    shown = page(admin)
    assert "Placed eval-shard" in shown
    assert "vis-3d. 2 pods on a100-13." in shown
    assert "Stopped align-rl" in shown
    assert "Taken back for eval-shard: vis-3d held 12 GPUs, its fair share is 8, its quota 6" in shown


def test_a_pool_can_be_chosen(admin: User, project: OrgUnit, pool: Pool) -> None:
    other = make.make_pool("h100", cluster=project.cluster)
    assert "Queue of a100" in page(admin)
    assert "Queue of h100" in page(admin, f"?pool={other.pk}")
    assert "Queue of a100" in page(admin, "?pool=none-such")


def test_queries_do_not_grow(admin: User, project: OrgUnit, pool: Pool) -> None:
    def more(number: int) -> None:
        for _ in range(number):
            other = make.make_project(department=project.parent)
            hold(make.make_pool(cluster=project.cluster))
            make.make_usage(other, pool, 2, requested_gpu_milli=4000)
            workload = make.make_workload(project=other, pool=pool)
            make.make_waiting(workload, "blocked", unit=other.pk)
            decide(workload)

    assert assert_same_queries(make.signed_in(admin), "/scheduler/", lambda: more(6), lambda: more(30)) < 30
