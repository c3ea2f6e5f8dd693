from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orgs.models import OrgUnit, UnitState
from quotas.models import Node, UnitUsage
from quotas.selectors.matrix import Matrix, matrix
from quotas.selectors.sums import Amounts
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    RESEARCHER,
    default_pool_of,
    make_account,
    make_cluster,
    make_department,
    make_node,
    make_pool,
    make_project,
    make_quota,
    make_rule,
    make_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def north() -> OrgUnit:
    """language (12 GPUs) > lm-align (8), speech; vision > vis-3d; default > sandbox (2); 16 GPUs are ready."""
    north = make_cluster("north")
    language, vision = make_department("language", north), make_department("vision", north)
    default = OrgUnit.objects.get(parent=north, name="default")
    pool = default_pool_of(north)
    make_node(pool=pool), make_node(pool=pool), make_node(pool=pool, state=Node.State.NOT_READY)
    make_quota(language, pool, gpus=12, cpu_millicores=64_000)
    align = make_project("lm-align", language)
    make_quota(align, pool, gpus=8)
    UnitUsage.objects.create(unit=align, pool=pool, gpu_milli=9_500, cpu_millicores=4_000)
    make_project("speech", language)
    make_project("vis-3d", vision)
    make_quota(make_project("sandbox", default), pool, gpus=2)
    return north


def _shape(found: Matrix) -> list[tuple[str, int]]:
    return [(row.unit.name, row.level) for row in found.rows]


def test_rows_are_a_tree_and_the_default_department_is_its_projects(north: OrgUnit) -> None:
    pool = default_pool_of(north)
    found = matrix(make_user(role=ADMIN), north, make_account())
    assert _shape(found) == [
        ("language", 0), ("lm-align", 1), ("speech", 1), ("vision", 0), ("vis-3d", 1), ("default", 0), ("sandbox", 1)
    ]  # fmt: skip
    by_name = {row.unit.name: row.entries[pool.pk] for row in found.rows}
    assert (by_name["language"].guaranteed, by_name["language"].given) == (Amounts(12_000, 64_000), Amounts(8_000))
    assert by_name["lm-align"].used == Amounts(9_500, 4_000)
    assert (by_name["default"].guaranteed, by_name["default"].quota) == (Amounts(2_000), None)
    assert by_name["speech"].quota is None
    (column,) = found.columns
    assert (column.guaranteed, column.hardware.ready.gpu_milli) == (Amounts(14_000, 64_000), 16_000)
    assert (column.hardware.lost_gpu_milli, column.hardware.gpu_type) == (8_000, "T900")


def test_who_may_change_what(north: OrgUnit) -> None:
    language = OrgUnit.objects.get(name="language")
    head = make_user(role=DEPARTMENT_ADMIN, scope=language)
    found = matrix(head, north, language)
    assert [(row.unit.name, row.editable) for row in found.rows] == [
        ("language", False), ("lm-align", True), ("speech", True)
    ]  # fmt: skip
    assert found.columns[0].guaranteed is None
    assert all(row.editable for row in matrix(make_user(role=ADMIN), north, None).rows)


def test_a_researcher_sees_own_projects_only_and_no_sums(north: OrgUnit) -> None:
    mira = make_user(role=RESEARCHER, scope=OrgUnit.objects.get(name="vis-3d"))
    make_rule(mira, RESEARCHER, OrgUnit.objects.get(name="sandbox"))
    found = matrix(mira, north, None)
    assert _shape(found) == [("sandbox", 0), ("vis-3d", 0)]
    assert not any(row.editable for row in found.rows)
    assert [column.guaranteed for column in found.columns] == [None]


def test_sums_of_the_cluster_only_where_the_scope_is_all_of_it(north: OrgUnit) -> None:
    admin = make_user(role=ADMIN)
    assert matrix(admin, north, north).columns[0].guaranteed == Amounts(14_000, 64_000)
    assert matrix(admin, north, OrgUnit.objects.get(name="vision")).columns[0].guaranteed is None


def test_searching_keeps_the_way_to_what_is_found(north: OrgUnit) -> None:
    found = matrix(make_user(role=ADMIN), north, None, search="SPEECH")
    assert _shape(found) == [("language", 0), ("speech", 1)]


def test_pages_and_units_being_deleted(north: OrgUnit) -> None:
    admin = make_user(role=ADMIN)
    second = matrix(admin, north, None, number=2, size=3)
    assert _shape(second) == [("vision", 0), ("vis-3d", 1), ("default", 0)]
    assert second.columns[0].guaranteed == Amounts(14_000, 64_000)
    OrgUnit.objects.filter(name="lm-align").update(state=UnitState.DELETING)
    language = matrix(admin, north, None).rows[0]
    assert language.entries[default_pool_of(north).pk].given == Amounts()


def test_the_number_of_queries_does_not_depend_on_rows_and_pools(north: OrgUnit) -> None:
    admin = make_user(role=ADMIN)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            matrix(admin, north, None, size=500)
        return len(captured)

    queries()
    before = queries()
    language = OrgUnit.objects.get(name="language")
    pools = [make_pool(cluster=north) for _ in range(5)]
    for pool in pools:
        make_node(pool=pool)
    for _ in range(60):
        make_quota(make_project(department=language), pools[0], gpus=1)
    assert queries() == before <= 7
