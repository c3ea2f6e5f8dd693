from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orgs.models import OrgUnit, UnitKind, User
from orgs.selectors import tree as module
from orgs.selectors.tree import Opened, Row, tree
from tests.factories import (
    ADMIN,
    DEPARTMENT_ADMIN,
    RESEARCHER,
    VIEWER,
    make_cluster,
    make_department,
    make_pool,
    make_project,
    make_quota,
    make_rule,
    make_usage,
    make_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> User:
    return make_user(role=ADMIN)


def lines(rows: list[Row]) -> list[str]:
    """The tree as indented text."""
    return ["  " * (row.level - 1) + row.unit.name + ("" if not row.dimmed else " (dim)") for row in rows]


def row_of(rows: list[Row], unit: OrgUnit) -> Row:
    return next(row for row in rows if row.unit == unit)


def test_units_stand_under_their_parents_by_name_the_default_department_last(admin: User) -> None:
    north = make_cluster("north")
    vision = make_department("vision", parent=north)
    make_project("vis-3d", department=vision)
    make_department("inner", parent=vision)
    make_department("language", parent=north)
    found = tree(admin, None)
    assert lines(found.rows) == [
        "Aldergrove",
        "  north",
        "    language",
        "    vision",
        "      inner",
        "      vis-3d",
        "    default",
    ]
    row = row_of(found.rows, vision)
    assert (row.level, row.position, row.siblings, row.expanded) == (3, 2, 3, True)
    assert found.kinds == {UnitKind.ACCOUNT: 1, UnitKind.CLUSTER: 1, UnitKind.DEPARTMENT: 4, UnitKind.PROJECT: 1}


def test_who_sees_one_project_sees_one_row() -> None:
    project = make_project("vis-3d")
    make_project("hidden", department=project.parent)
    assert lines(tree(make_user(role=RESEARCHER, scope=project), None).rows) == ["vis-3d"]
    assert tree(make_user(), None).rows == []


def test_search_keeps_the_way_to_what_it_finds(admin: User) -> None:
    north = make_cluster("north")
    vision = make_department("vision", parent=north)
    make_project("vis-3d", department=vision)
    make_project("speech", department=make_department("language", parent=north))
    found = tree(admin, None, "VIS")
    assert lines(found.rows) == ["Aldergrove (dim)", "  north (dim)", "    vision", "      vis-3d"]
    assert tree(admin, None, "nothing").rows == []


def test_figures_people_and_scales_roll_up(admin: User) -> None:
    north = make_cluster("north")
    vision = make_department("vision", parent=north)
    small, large = make_project("small", department=vision), make_project("large", department=vision)
    pool = make_pool("a100", cluster=north)
    for unit, quota, used in ((small, 4, 2), (large, 8, 12), (vision, 16, 14)):
        make_quota(unit, pool, quota)
        make_usage(unit, pool, used, over_gpu_milli=max(used - quota, 0) * 1000)
    make_usage(north, pool, 14, over_gpu_milli=4000)
    mira = make_user(role=RESEARCHER, scope=small)
    make_rule(mira, VIEWER, large)
    make_user(role=DEPARTMENT_ADMIN, scope=vision)
    rows = tree(admin, None).rows
    assert row_of(rows, large).figures.used_gpu_milli == 12_000
    assert row_of(rows, large).figures.over_gpu_milli == 4000
    assert row_of(rows, vision).figures.quota_gpu_milli == 16_000
    assert rows[0].figures.used_gpu_milli == 14_000
    assert row_of(rows, small).scale == row_of(rows, large).scale == 12_000
    assert [row_of(rows, unit).people for unit in (small, large, vision)] == [1, 1, 2]
    assert rows[0].people == 3


def test_people_are_for_those_who_may_read_rules() -> None:
    project = make_project()
    assert tree(make_user(role=RESEARCHER, scope=project), None).rows[0].people is None
    assert tree(make_user(role=DEPARTMENT_ADMIN, scope=project), None).rows[0].people == 2


def large(monkeypatch: pytest.MonkeyPatch) -> tuple[OrgUnit, OrgUnit]:
    """Two departments of more projects than there is room for."""
    monkeypatch.setattr(module, "MOST_ROWS", 12)
    monkeypatch.setattr(module, "PART", 4)
    vision = make_department("vision")
    robots = make_department("robots", vision.parent)
    for number in range(9):
        make_project(f"v-{number}", department=vision)
        make_project(f"r-{number}", department=robots)
    return vision, robots


def opened(*texts: str) -> Opened:
    return Opened.read(",".join(texts))


def test_a_large_tree_shows_what_is_opened_a_part_at_a_time(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    vision, robots = large(monkeypatch)
    found = tree(admin, None)
    assert not [row for row in found.rows if row.unit.kind == UnitKind.PROJECT]
    row = row_of(found.rows, vision)
    assert (row.expanded, row.opening) == (False, str(vision.pk))
    assert found.kinds[UnitKind.PROJECT] == 18
    found = tree(admin, None, opened=opened(row.opening))
    row = row_of(found.rows, vision)
    assert (row.expanded, row.opening) == (True, "")
    inside = [row for row in found.rows if row.unit.kind == UnitKind.PROJECT]
    assert [row.unit.name for row in inside] == ["v-0", "v-1", "v-2", "v-3"]
    assert (inside[0].position, inside[0].siblings) == (1, 9)
    assert [(more.parent, more.number, more.opening) for more in inside[-1].more] == [(vision.pk, 5, f"{vision.pk}x2")]
    assert found.left_out == 5
    found = tree(admin, None, opened=opened(inside[-1].more[0].opening))
    assert len([row for row in found.rows if row.unit.kind == UnitKind.PROJECT]) == 7, "as many as there is room for"
    # What was opened last has room first.
    found = tree(admin, None, opened=opened(str(vision.pk), str(robots.pk)))
    names = [row.unit.name for row in found.rows if row.unit.kind == UnitKind.PROJECT]
    assert names == ["r-0", "r-1", "r-2", "r-3", "v-0", "v-1", "v-2"]


def test_a_large_department_as_scope_is_open(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    vision, _ = large(monkeypatch)
    monkeypatch.setattr(module, "MOST_ROWS", 8)
    inside = tree(admin, vision)
    assert lines(inside.rows) == ["vision"] + [f"  v-{number}" for number in range(4)]
    assert inside.left_out == 5
    assert tree(admin, None, "v-1").left_out == 0
    assert tree(admin, None, "v-").left_out == 1


def test_many_topmost_units_are_shown_a_part_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    vision, _ = large(monkeypatch)
    monkeypatch.setattr(module, "MOST_ROWS", 6)
    user = make_user()
    for project in OrgUnit.objects.filter(parent=vision):
        make_rule(user, RESEARCHER, project)
    found = tree(user, None)
    assert lines(found.rows) == ["v-0", "v-1", "v-2", "v-3"]
    assert found.rows[-1].more[0].opening == "0x2"
    assert lines(tree(user, None, opened=opened("0x2")).rows) == [f"v-{number}" for number in range(6)]


@pytest.mark.parametrize("text", ["", "x", "1x", "-1", "1x0", "1x99999", "9" * 30, "1,,2x", "٣", "1 2"])
def test_an_address_that_nobody_wrote_opens_what_it_can(text: str, admin: User) -> None:
    make_project()
    assert tree(admin, None, opened=Opened.read(text)).rows
    assert len(Opened.read("1," * 5000).parts) <= 1


def test_beyond_a_hundred_rows_departments_start_closed(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_OPEN", 4)
    project = make_project("vis-3d", department=make_department("vision"))
    rows = tree(admin, None).rows
    assert row_of(rows, project).hidden
    assert project.parent is not None
    assert row_of(rows, project.parent).expanded is False


def test_the_number_of_queries_is_the_same_for_any_size() -> None:
    def queries() -> int:
        user = make_user(role=ADMIN)
        with CaptureQueriesContext(connection) as captured:
            tree(user, None)
        return len(captured)

    vision = make_department("vision")
    make_project(department=vision)
    before = queries()
    for _ in range(40):
        make_user(role=RESEARCHER, scope=make_project(department=vision))
    assert queries() == before
