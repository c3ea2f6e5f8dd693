"""Who lends to whom now: everything for those who see the whole, the rest as one party for others."""

from __future__ import annotations

import pytest

from orgs.models import OrgUnit
from quotas.models import Pool
from scheduling.selectors.lending import Lending, lending_now, lending_words, unit_lending
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def pool() -> Pool:
    pool = make.make_pool("a100")
    make.make_summary(pool, gpus=20, used=14)
    return pool


def project(pool: Pool, name: str, used: float, quota: float, department: str = "") -> OrgUnit:
    unit = make.make_project(name, make.make_department(department, pool.cluster))
    beyond = {"over_gpu_milli": int(max(used - quota, 0) * 1000), "idle_gpu_milli": int(max(quota - used, 0) * 1000)}
    make.make_usage(unit, pool, used, **beyond)
    return unit


def seen(pool: Pool, *units: OrgUnit, whole: bool = False) -> Lending:
    return lending_now([pool.pk], [(unit.pk, unit.name) for unit in units], whole=whole)


def test_whoever_sees_the_whole_sees_every_name(pool: Pool) -> None:
    """6 of 8 idle and 4 that nobody is guaranteed lend 5 to two."""
    lender, big, small = (project(pool, *row) for row in (("lab", 2, 8), ("big", 8, 4), ("small", 3, 2)))
    found = seen(pool, lender, big, small, whole=True)
    assert found.flow is not None
    # Ready are 20, guaranteed 14: of 6 and 6 half each.
    assert found.flow.givers == [("lab", 2500), ("unassigned", 2500)]
    assert found.flow.takers == [("big", 4000), ("small", 1000)]
    assert sum(found.flow.links.values()) == 5000
    assert lending_words(found) == "5 GPUs lent now"


def test_others_are_one_party_with_what_nobody_is_guaranteed(pool: Pool) -> None:
    lender, big, _ = (project(pool, *row) for row in (("lab", 2, 8), ("big", 8, 4), ("small", 3, 2)))
    found = seen(pool, big)
    assert found.flow is not None
    assert (found.flow.givers, found.flow.takers) == ([("others", 4000)], [("big", 4000)])
    assert (found.borrowed, found.lent) == (4000, 0)
    assert lending_words(found) == "4 borrowed, 0 lent now"
    found = seen(pool, lender)
    assert found.flow is not None
    assert (found.flow.givers, found.flow.takers) == ([("lab", 2500)], [("others", 2500)])
    quiet = project(pool, "quiet", 0, 0)
    assert seen(pool, quiet).flow is None, "what is between others concerns nobody here"


def test_many_are_folded_and_the_sums_stay(pool: Pool) -> None:
    units = [project(pool, f"p{number:02}", 1 + number / 10, 0) for number in range(12)]
    found = seen(pool, *units, whole=True)
    assert found.flow is not None
    names = [name for name, _ in found.flow.takers]
    assert (len(names), names[0], names[-1]) == (8, "p11", "all the rest")
    assert found.flow.total == found.borrowed == sum(1000 + 100 * number for number in range(12))


def test_the_panel_of_a_unit_is_for_those_who_may_see_its_projects(pool: Pool) -> None:
    unit = project(pool, "big", 8, 4, "north")
    assert unit.parent is not None
    stranger = make.make_user(role=make.RESEARCHER, scope=make.make_project("elsewhere"))
    assert unit_lending(unit.parent, stranger) is None
    found = unit_lending(unit.parent, make.make_user(role=make.VIEWER, scope=unit.parent))
    assert found is not None
    assert found.words == "4 borrowed, 0 lent now"
    assert found.waits == "Nobody waited for guaranteed GPUs in the last 30 days."
