from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orgs.hooks import Figures
from orgs.models import OrgUnit, UnitState
from quotas.models import UnitUsage
from quotas.selectors.figures import quota_impact, unit_figures, unit_pool_figures
from tests.factories import (
    default_pool_of,
    make_account,
    make_cluster,
    make_department,
    make_pool,
    make_project,
    make_quota,
)

pytestmark = pytest.mark.django_db


def _organization() -> tuple[OrgUnit, OrgUnit, OrgUnit, OrgUnit]:
    """north > vision (20 + 4 GPUs) > vis-3d (8); north > default > sandbox (2)."""
    north = make_cluster("north")
    vision, default = make_department("vision", north), OrgUnit.objects.get(parent=north, name="default")
    vis_3d, sandbox = make_project("vis-3d", vision), make_project("sandbox", default)
    pool, second = default_pool_of(north), make_pool("h100", north)
    make_quota(vision, pool, gpus=20)
    make_quota(vision, second, gpus=4)
    make_quota(vis_3d, pool, gpus=8)
    make_quota(sandbox, pool, gpus=2)
    return north, vision, vis_3d, default


def test_quotas_of_every_kind_of_unit() -> None:
    north, vision, vis_3d, default = _organization()
    make_quota(make_department("elsewhere"), make_pool(), gpus=99)
    found = unit_figures([unit.pk for unit in (north, vision, vis_3d, default)])
    quotas = {unit.name: found[unit.pk].quota_gpu_milli for unit in (north, vision, vis_3d, default)}
    assert quotas == {"north": 26_000, "vision": 24_000, "vis-3d": 8_000, "default": 2_000}
    assert quota_impact(vision).gpu_milli == 24_000
    assert quota_impact(make_account()).gpu_milli == 0


def test_quotas_of_what_is_being_deleted_do_not_count() -> None:
    north, vision, _, _ = _organization()
    OrgUnit.objects.filter(path__startswith=vision.path).update(state=UnitState.DELETING)
    assert unit_figures([north.pk])[north.pk].quota_gpu_milli == 2_000


def test_a_nested_department_called_default_is_like_any_other() -> None:
    north, vision, _, _ = _organization()
    inner = make_department("default", vision)
    make_quota(make_project("inner", inner), default_pool_of(north), gpus=1)
    assert inner.pk not in unit_figures([inner.pk])
    assert unit_figures([north.pk])[north.pk].quota_gpu_milli == 26_000


def test_use_is_summed_over_the_pools() -> None:
    north, _, vis_3d, _ = _organization()
    for pool in (default_pool_of(north), make_pool("l40s", north)):
        UnitUsage.objects.create(
            unit=vis_3d,
            pool=pool,
            gpu_milli=9_000,
            over_gpu_milli=1_000,
            requested_gpu_milli=9_500,
            running=2,
            pending=1,
        )
    expected = Figures(
        quota_gpu_milli=8_000,
        used_gpu_milli=18_000,
        over_gpu_milli=2_000,
        waiting_gpu_milli=1_000,
        running=4,
        pending=2,
    )
    assert unit_figures([vis_3d.pk]) == {vis_3d.pk: expected}
    by_pool = {one.pool: one.figures for one in unit_pool_figures(vis_3d)}
    assert list(by_pool) == ["default", "h100", "l40s"]
    assert (by_pool["default"].quota_gpu_milli, by_pool["l40s"].quota_gpu_milli) == (8_000, 0)
    assert by_pool["h100"] == Figures()
    assert unit_pool_figures(make_account()) == []


def test_the_number_of_queries_does_not_depend_on_the_number_of_units() -> None:
    north, vision, *_ = _organization()
    units = [north.pk, *(make_project(department=vision).pk for _ in range(30))]
    for some in (units[:2], units):
        with CaptureQueriesContext(
            connection,
        ) as captured:
            unit_figures(some)
        assert len(captured) == 2
