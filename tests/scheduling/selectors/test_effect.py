"""What other quotas would do: the same fair shares as the loop comes to, and the work that changes sides."""

from __future__ import annotations

from typing import Any

import pytest

from orgs.models import OrgUnit
from portal.actor import SYSTEM
from quotas.models import UnitUsage
from quotas.selectors.sums import Amounts
from quotas.services.quota import quota_set
from quotas.services.quota_rules import values_of
from scheduling.engine.types import Bounds, Unit
from scheduling.models import Workload
from scheduling.selectors.effect import over_milli, quota_effect
from tests.factories import (
    ADMIN,
    RESEARCHER,
    make_cluster,
    make_department,
    make_pool,
    make_project,
    make_quota,
    make_summary,
    make_usage,
    make_user,
    make_workload,
)
from tests.scheduling.loops.world import Steps, World

GPU = 1000


def _values(**values: Any) -> dict[str, Any]:
    return values_of(None) | values


@pytest.mark.django_db(transaction=True)
def test_fair_shares_are_those_that_the_loop_comes_to_after_the_change() -> None:
    world = World()
    first, second, third = (world.project(name) for name in ("first", "second", "third"))
    quota_set(actor=SYSTEM, unit=first, pool=world.pool, gpu_milli=4 * GPU)
    quota_set(actor=SYSTEM, unit=second, pool=world.pool, gpu_milli=2 * GPU, limit_gpu_milli=3 * GPU)
    for project in (first, second, third):
        world.submit(project, f"of-{project.name}", devices=1, pods=6, min_pods=1)
    steps = Steps(world)
    steps.start()
    steps.cycle()
    changes = {
        first.pk: _values(gpu_milli=GPU, over_quota=False),
        second.pk: None,
        third.pk: _values(gpu_milli=3 * GPU, weight_milli=6000),
    }
    admin = make_user(role=ADMIN)
    found = {field: quota_effect(world.pool, changes, field, admin) for field in Amounts._fields}
    units = (first, second, third, world.department)

    def fair(field: str) -> dict[int, int]:
        usages = UnitUsage.objects.filter(pool=world.pool, unit__in=units)
        return dict(usages.values_list("unit", f"fair_{field}"))

    for field, effect in found.items():
        assert effect.fair_now == fair(field)
    gpus = found["gpu_milli"].fair_then
    assert [gpus[unit.pk] for unit in (first, second, third)] == [GPU, GPU, 6 * GPU]

    for unit, values in changes.items():
        quota_set(actor=SYSTEM, unit=OrgUnit.objects.get(pk=unit), pool=world.pool, **(values or _values()))
    steps.observe()
    steps.cycle()
    for field, effect in found.items():
        assert effect.fair_then == fair(field)


@pytest.mark.django_db
def test_a_department_that_loses_quota_puts_work_in_it_over_quota() -> None:
    vision = make_department("vision", make_cluster("north"))
    project = make_project("vis-3d", vision)
    pool = make_pool(cluster=vision.cluster)
    make_summary(pool, gpus=16, used=8)
    for unit in (vision, project):
        make_quota(unit, pool, gpus=8)
        make_usage(unit, pool, gpus=8)
    for number, priority in enumerate((50, 50, 100, 100)):
        make_workload(
            f"train-{number}", project, pool, gpus=2, state=Workload.State.RUNNING, preemptible=True, priority=priority
        )
    fixed = {"state": Workload.State.RUNNING, "preemptible": False}
    make_workload("fixed", project, pool, gpus=1, **fixed)
    found = quota_effect(pool, {vision.pk: _values(gpu_milli=4 * GPU)}, "gpu_milli", make_user(role=ADMIN))
    assert sorted((work.name, work.over, work.gpu_milli) for work in found.moved) == [
        ("train-0", True, 2 * GPU), ("train-1", True, 2 * GPU)
    ]  # fmt: skip
    raised = quota_effect(pool, {vision.pk: _values(gpu_milli=9 * GPU)}, "gpu_milli", make_user(role=ADMIN))
    assert raised.moved == ()
    stranger = quota_effect(
        pool, {vision.pk: None}, "gpu_milli", make_user(role=RESEARCHER, scope=make_project("other", make_department()))
    )
    assert {(work.name, work.url) for work in stranger.moved} == {("", "")}
    assert len(stranger.moved) == 4


def _unit(pk: int, parent: int | None, quota: int | None) -> Unit:
    return Unit(pk, parent, f"unit-{pk}", 0, quota=Bounds(quota))


def test_what_is_over_quota_at_any_level() -> None:
    units = [_unit(1, None, 4), _unit(2, 1, 4), _unit(3, 1, None), _unit(4, None, 0)]
    held = {1: 8, 2: 5, 3: 3, 4: 1}
    work = [(10, 2, 3), (11, 3, 3), (12, 2, 2), (13, 4, 1)]
    assert over_milli(units, held, work) == {10: 3, 11: 1, 13: 1}
    assert over_milli(units, {}, work) == {}
