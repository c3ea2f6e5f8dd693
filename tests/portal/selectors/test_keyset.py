"""Pages of a list, forwards and back, and what people make of their addresses."""

from __future__ import annotations

import pytest
from django.utils import timezone

from orgs.models import OrgUnit
from portal.selectors.keyset import Sort, keyset_page
from scheduling.models import Priority, Workload
from tests import factories as make

pytestmark = pytest.mark.django_db
NEWEST = Sort(("priority", "created_at"), descending=True)


@pytest.fixture
def project() -> OrgUnit:
    return make.make_project()


def fill(project: OrgUnit, number: int) -> list[int]:
    """Many of equal priority and time, so that the id has to decide."""
    at = timezone.now()
    made = [
        make.make_workload(project=project, priority=Priority.LOW if i % 3 else Priority.HIGH, created_at=at)
        for i in range(number)
    ]
    return [w.pk for w in sorted(made, key=lambda w: (w.priority, w.created_at, w.pk), reverse=True)]


def test_every_row_once_forwards_and_the_same_pages_back(project: OrgUnit) -> None:
    expected = fill(project, 11)
    pages = [keyset_page(Workload.objects.all(), NEWEST, 4)]
    while following := pages[-1].following:
        pages.append(keyset_page(Workload.objects.all(), NEWEST, 4, **following))
    assert [page.ids for page in pages] == [expected[:4], expected[4:8], expected[8:]]
    assert [(page.first, page.last) for page in pages] == [(1, 4), (5, 8), (9, 11)]
    assert pages[0].previous is None

    back = [pages[-1]]
    while previous := back[-1].previous:
        back.append(keyset_page(Workload.objects.all(), NEWEST, 4, **previous))
    assert [(page.ids, page.first, page.last) for page in reversed(back)] == [
        (page.ids, page.first, page.last) for page in pages
    ]


def test_a_row_that_comes_while_one_reads_moves_nothing(project: OrgUnit) -> None:
    expected = fill(project, 6)
    first = keyset_page(Workload.objects.all(), NEWEST, 3)
    make.make_workload(project=project, priority=Priority.VERY_HIGH)
    assert first.following
    assert keyset_page(Workload.objects.all(), NEWEST, 3, **first.following).ids == expected[3:]


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "1~i1",
        "1~i50~i3~i4",
        "1~i50~tx~i4",
        "-1~i50~t0~i4",
        "1~i50~t" + "9" * 40 + "~i4",
        "1~i50~t0~i" + "9" * 40,
        "~~~",
    ],
)
def test_a_cursor_that_makes_no_sense_is_the_start(project: OrgUnit, cursor: str) -> None:
    expected = fill(project, 3)
    for place in ({"after": cursor}, {"before": cursor}):
        page = keyset_page(Workload.objects.all(), NEWEST, 2, **place)
        assert (page.ids, page.first, page.previous) == (expected[:2], 1, None)


def test_nothing(project: OrgUnit) -> None:
    page = keyset_page(Workload.objects.all(), NEWEST, 2)
    assert (page.ids, page.first, page.last, page.previous, page.following) == ([], 0, 0, None, None)
