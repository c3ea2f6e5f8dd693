"""Days and months of use: once, whole, and only when nothing can be added to them any more."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.utils import timezone

from orgs.models import OrgUnit
from orgs.services.move import unit_move
from portal.actor import SYSTEM
from quotas.models import CapacityHour, LendingDay, Pool, RolledUp, UnitUsage, UsageDay, UsageHour, UsageMonth
from scheduling.services import roll_up as rolling
from scheduling.services.purge import purge
from scheduling.services.roll_up import roll_up
from tests.factories import make_department, make_pool, make_project, make_usage

pytestmark = pytest.mark.django_db
FIRST = datetime(2026, 10, 30, tzinfo=UTC)
HOUR = 3600 * 1000


class Past:
    """Two departments of a cluster; what their projects had in hours of one's choice, in GPUs."""

    def __init__(self) -> None:
        self.pool: Pool = make_pool("a100")
        self.lender = make_project("lends", make_department("north", self.pool.cluster))
        self.borrower = make_project("borrows", make_department("south", self.pool.cluster))

    def hour(self, at: datetime, unit: OrgUnit, gpus: int, *, over: int = 0, idle: int = 0) -> None:
        for above in OrgUnit.objects.filter(pk__in=[part for part in unit.path.split("/") if part], cluster__gt=0):
            row, _ = UsageHour.objects.get_or_create(unit=above, pool=self.pool, at=at)
            row.gpu_milli_seconds += gpus * HOUR
            row.over_gpu_milli_seconds += over * HOUR
            row.idle_gpu_milli_seconds += idle * HOUR
            row.save()

    def day(self, at: datetime) -> None:
        """Ten hours: 4 of 10 in use, and 6 on top of nothing; 20 GPUs in the pool."""
        for hour in range(10):
            self.hour(at + timedelta(hours=hour), self.lender, 4, idle=6)
            self.hour(at + timedelta(hours=hour), self.borrower, 6, over=6)
            CapacityHour.objects.create(pool=self.pool, at=at + timedelta(hours=hour), gpu_milli_seconds=20 * HOUR)


@pytest.fixture
def past() -> Past:
    return Past()


def of(unit: OrgUnit, day: date) -> UsageDay:
    return UsageDay.objects.get(unit=unit, at=day)


def test_a_day_is_the_sum_of_its_hours_and_says_who_lent_to_whom(past: Past) -> None:
    past.day(FIRST)
    assert roll_up(FIRST + timedelta(days=1, minutes=1)) == 1
    row = of(past.lender, FIRST.date())
    assert (row.gpu_milli_seconds, row.idle_gpu_milli_seconds) == (40 * HOUR, 60 * HOUR)
    # 6 idle and 10 that nobody is guaranteed lend 6 in proportion.
    lent = 10 * (6 * HOUR * 6 // 16)
    assert row.lent_gpu_milli_seconds == lent
    for above in (past.lender.parent, past.pool.cluster):
        assert above is not None
        assert of(above, FIRST.date()).lent_gpu_milli_seconds == lent, "as all above it"
    assert of(past.borrower, FIRST.date()).over_gpu_milli_seconds == 60 * HOUR
    found = {(row.lender_name, row.borrower_name): row.gpu_milli_seconds for row in LendingDay.objects.all()}
    assert found == {("north", "south"): lent, ("", "south"): 60 * HOUR - lent}


def test_it_is_done_once(past: Past) -> None:
    past.day(FIRST)
    later = FIRST + timedelta(days=1)
    assert (roll_up(later), roll_up(later)) == (1, 0)
    assert rolling._roll_day(past.pool, FIRST.date()) == 0, "somebody else was quicker"
    assert UsageDay.objects.count() == 5


def test_it_dies_and_is_done_again(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    past.day(FIRST)
    with monkeypatch.context() as broken:
        broken.setattr(rolling, "_between", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            roll_up(FIRST + timedelta(days=1))
    assert (UsageDay.objects.count(), RolledUp.objects.get(pool=past.pool).until) == (0, FIRST.date())
    assert roll_up(FIRST + timedelta(days=1)) == 1
    assert (UsageDay.objects.count(), LendingDay.objects.count()) == (5, 2)


def test_a_day_waits_until_every_level_has_been_counted(past: Past) -> None:
    """A pool whose loop stands still goes on from where it stopped; its days come then."""
    past.day(FIRST)
    make_usage(past.lender, past.pool, 4, since=FIRST + timedelta(hours=20))
    assert roll_up(FIRST + timedelta(days=3)) == 0
    UnitUsage.objects.update(since=FIRST + timedelta(days=2, hours=1))
    assert roll_up(FIRST + timedelta(days=3)) == 2
    assert RolledUp.objects.get(pool=past.pool).until == FIRST.date() + timedelta(days=2)


def test_months_are_sums_of_days_with_the_names_of_then(past: Past) -> None:
    for days in range(3):
        past.day(FIRST + timedelta(days=days))
    roll_up(FIRST + timedelta(days=1))
    assert past.lender.parent is not None
    old = past.lender.path
    unit_move(actor=SYSTEM, unit=past.lender, parent=past.borrower.parent)  # type: ignore[arg-type]
    roll_up(FIRST + timedelta(days=3))
    paths = list(UsageDay.objects.filter(unit=past.lender).order_by("at").values_list("path", flat=True))
    past.lender.refresh_from_db()
    assert paths == [old, past.lender.path, past.lender.path], "a move does not rewrite history"
    months = UsageMonth.objects.filter(unit=past.lender)
    assert [(row.at, row.gpu_milli_seconds) for row in months] == [(date(2026, 10, 1), 80 * HOUR)]
    past.lender.delete()
    assert months.get().unit_name == "lends"


def test_old_hours_go_once_they_are_days_and_days_after_25_months(past: Past) -> None:
    long_ago = datetime.combine(timezone.now().date() - timedelta(days=40), time(), UTC)
    past.day(long_ago)
    make_usage(past.lender, past.pool, 4, since=long_ago + timedelta(hours=20))
    roll_up()
    assert purge()["usagehour"] == 0, "its day is not done: its loop stands still"
    UnitUsage.objects.update(since=timezone.now())
    roll_up()
    UsageDay.objects.filter(unit=past.borrower).update(at=long_ago.date() - timedelta(days=25 * 31))
    counts = purge()
    assert (counts["usagehour"], counts["capacityhour"], counts["usageday"]) == (50, 10, 1)
