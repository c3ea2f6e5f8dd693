"""Who held what adds up to the hours of use, to the milli-GPU-second, whatever happens and whoever dies."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgs.models import OrgUnit, UnitKind
from portal.actor import SYSTEM
from portal.errors import Refused
from quotas.models import Pool, RolledUp, UnitUsage, UsageDay, UsageHour, UsageMonth
from quotas.services.quota import quota_set
from scheduling.loops import holdings, pool_loop
from scheduling.loops.history import spans
from scheduling.loops.holdings import week_of
from scheduling.loops.summary import SummaryChange
from scheduling.loops.usage import SUMS, level_of
from scheduling.models import Allocation
from scheduling.services.roll_up import roll_up
from tests.examples import examples

from .test_kept import ACTS, Stage

pytestmark = pytest.mark.django_db(transaction=True)
SUNDAY = datetime(2026, 11, 29, 22, 30, tzinfo=UTC)
JUMPS = (0, 1, 90, 3_000, 40_000, 250_000, 900_000)
"""Seconds between two cycles: inside a second, a minute, an hour, a day, a week, and beyond."""


class Clock:
    """What the loop takes for the time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = SUNDAY
        monkeypatch.setattr(pool_loop, "timezone", SimpleNamespace(now=lambda: self.at))


class Crash(Exception):  # noqa: N818
    """The database goes away in the middle of a transaction."""


class Play:
    """A stage whose cycles happen at times of one's own, and may end half-way."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.stage = Stage()

    def act(self, name: str, number: int) -> None:
        with suppress(Refused):
            getattr(self if hasattr(self, name) else self.stage, name)(number)

    def cycle(self, number: int) -> None:
        self.clock.at += timedelta(seconds=JUMPS[number % len(JUMPS)], microseconds=number * 777)
        self.at_once()

    def at_once(self) -> None:
        loop = self.stage.steps.loop
        loop._quiet_until = loop._record_at = 0.0
        self.stage.steps.cycle()

    def crash(self, number: int) -> None:
        """In the transaction of a cycle, at the rows of allocations or after them."""
        self.stage.submit(number)
        part = holdings.AllocationChange if number % 2 else SummaryChange
        with pytest.MonkeyPatch.context() as broken, suppress(Crash):
            broken.setattr(part, "write", _breaks)
            self.cycle(number)

    def taken_over(self, number: int) -> None:
        """By a worker whose clock is behind."""
        self.clock.at -= timedelta(seconds=number % 5)
        self.stage.steps = self.stage.steps.successor()
        self.stage.loop = self.stage.steps.loop

    def roll_up(self, number: int) -> None:
        roll_up(self.clock.at)


def _breaks(change: Any) -> None:
    raise Crash


def held(pool: Pool, until: datetime) -> dict[tuple[int, datetime], Counter[str]]:
    """By project and hour, from the allocations."""
    found: dict[tuple[int, datetime], Counter[str]] = {}
    for row in Allocation.objects.filter(pool=pool):
        assert week_of(row.started_at) == row.week, "it lies in one week"
        assert row.ended_at is None or week_of(row.ended_at - timedelta(seconds=1)) == row.week
        level = (row.gpu_milli, row.cpu_millicores, 0)
        for hour, (gpu, cpu, _) in spans(level, row.started_at, row.ended_at or until):
            found.setdefault((row.project_id, hour), Counter()).update(gpu=gpu, cpu=cpu)
    return found


def counted(pool: Pool, until: datetime, **units: Any) -> dict[tuple[int, datetime], Counter[str]]:
    """By unit and hour, from the hours and what has not been added to them yet."""
    found: dict[tuple[int, datetime], Counter[str]] = {}
    for row in UsageHour.objects.filter(pool=pool, **units):
        found[row.unit_id, row.at] = Counter(gpu=row.gpu_milli_seconds, cpu=row.cpu_millicore_seconds)
    for usage in UnitUsage.objects.filter(pool=pool, **units):
        level = level_of([getattr(usage, name) for name in SUMS])
        for hour, (gpu, cpu, *_) in spans(level, usage.since, until):
            found.setdefault((usage.unit_id, hour), Counter()).update(gpu=gpu, cpu=cpu)
    return {key: sums for key, sums in found.items() if any(sums.values())}


def check(play: Play) -> None:
    """Every hour of every project, and of the cluster with what was of projects that are gone."""
    pool, cluster = play.stage.world.pool, play.stage.world.cluster
    latest = max((row.since for row in UnitUsage.objects.filter(pool=pool)), default=SUNDAY)
    until = max(play.clock.at.replace(microsecond=0), latest)
    found = {key: sums for key, sums in held(pool, until).items() if any(sums.values())}
    there = set(OrgUnit.objects.filter(cluster=cluster).values_list("pk", flat=True))
    assert counted(pool, until, unit__kind=UnitKind.PROJECT) == {
        key: sums for key, sums in found.items() if key[0] in there
    }
    whole: dict[tuple[int, datetime], Counter[str]] = {}
    for (_, hour), sums in found.items():
        whole.setdefault((cluster.pk, hour), Counter()).update(sums)
    assert counted(pool, until, unit=cluster) == whole


def check_days(play: Play) -> None:
    """The days after the last roll-up, and the months."""
    pool, cluster = play.stage.world.pool, play.stage.world.cluster
    play.clock.at += timedelta(days=1)
    play.at_once()
    roll_up(play.clock.at)
    until = RolledUp.objects.get(pool=pool).until
    assert until == play.clock.at.date(), "every day that is over"
    days: Counter[tuple[int, date]] = Counter()
    for (project, hour), sums in held(pool, play.clock.at.replace(microsecond=0)).items():
        if hour.date() < until:
            days[project, hour.date()] += sums["gpu"]
            days[cluster.pk, hour.date()] += sums["gpu"]
    there = set(OrgUnit.objects.filter(cluster=cluster).values_list("pk", flat=True))
    rolled = UsageDay.objects.filter(pool=pool, gpu_milli_seconds__gt=0, unit__in=there)
    assert {(row.unit_id, row.at): row.gpu_milli_seconds for row in rolled if row.kind != UnitKind.DEPARTMENT} == {
        key: amount for key, amount in days.items() if amount and key[0] in there
    }
    november = UsageMonth.objects.filter(pool=pool, unit=cluster, at=date(2026, 11, 1)).first()
    whole = UsageDay.objects.filter(pool=pool, unit=cluster, at__lt=date(2026, 12, 1))
    if until >= date(2026, 12, 1):
        assert (november.gpu_milli_seconds if november else 0) == sum(row.gpu_milli_seconds for row in whole)


@pytest.mark.hypothesis
@examples(12)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["submit", "observe", "cycle", "later"] * 5 + ["crash", "taken_over", "roll_up"] * 2 + ACTS
            ),
            st.integers(0, 99),
        ),
        min_size=8,
        max_size=30,
    )
)
def test_allocations_add_up_to_the_hours(acts: list[tuple[str, int]]) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        play = Play(Clock(monkeypatch))
        for name, number in acts:
            play.act(name, number)
        play.at_once()
        check(play)
        check_days(play)


def rows(pool: Pool) -> list[tuple[int, datetime, datetime | None, str]]:
    found = Allocation.objects.filter(pool=pool).order_by("started_at", "pk")
    return list(found.values_list("gpu_milli", "started_at", "ended_at", "end_code"))


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Play:
    return Play(Clock(monkeypatch))


def start(play: Play, number: int = 0) -> None:
    play.stage.submit(number)
    for _ in range(2):
        play.stage.observe(0)
    play.at_once()
    play.stage.observe(0)


def test_a_week_ends_and_goes_on(play: Play) -> None:
    start(play, 1)
    play.clock.at += timedelta(days=8)
    play.at_once()
    monday = datetime(2026, 11, 30, tzinfo=UTC)
    pool = play.stage.world.pool
    cut = [(SUNDAY, monday, ""), (monday, monday + timedelta(days=7), ""), (monday + timedelta(days=7), None, "")]
    assert rows(pool) == [(4000, *times) for times in cut for _ in range(2)], "two pods on two nodes"
    assert {row.week for row in Allocation.objects.filter(pool=pool)} == {
        monday.date() + timedelta(days=days) for days in (-7, 0, 7)
    }
    check(play)


def test_what_ends_in_the_second_in_which_it_began_leaves_no_row(play: Play) -> None:
    start(play, 1)
    play.stage.stop(0)
    play.clock.at += timedelta(milliseconds=900)
    play.stage.observe(0)
    play.stage.observe(0)
    play.at_once()
    assert rows(play.stage.world.pool) == []


def test_a_clock_that_is_behind_does_not_turn_time_back(play: Play) -> None:
    start(play, 1)
    play.clock.at += timedelta(minutes=10)
    play.act("guarantee", 3)
    play.at_once()
    play.stage.steps = play.stage.steps.successor()
    play.clock.at -= timedelta(minutes=5)
    play.stage.stop(0)
    for _ in range(3):
        play.stage.observe(0)
    play.at_once()
    assert {ended for _, _, ended, _ in rows(play.stage.world.pool)} == {SUNDAY + timedelta(minutes=10)}
    check(play)


def test_a_start_that_was_overtaken_is_not_held_for_long(play: Play) -> None:
    """Told to stop between the snapshot and the transaction: nothing is recorded, and the next cycle sees it."""
    play.stage.submit(1)
    for _ in range(2):
        play.stage.observe(0)
    think = pool_loop.PoolLoop._think

    def think_while_it_is_stopped(*look: Any) -> Any:
        made = think(*look)
        play.stage.stop(0)
        return made

    with pytest.MonkeyPatch.context() as overtaken:
        overtaken.setattr(pool_loop.PoolLoop, "_think", think_while_it_is_stopped)
        play.at_once()
    play.clock.at += timedelta(seconds=1)
    play.at_once()
    assert rows(play.stage.world.pool) == [(4000, SUNDAY, SUNDAY + timedelta(seconds=1), "") for _ in range(2)], (
        "counted for a second, as in the hours"
    )
    check(play)


def test_who_was_stopped_for_others_says_so(play: Play) -> None:
    """What was lent goes back to whom it is guaranteed."""
    start(play, 1)
    play.stage.later(3)
    play.clock.at += timedelta(hours=1)
    owner = play.stage.projects[0]
    quota_set(actor=SYSTEM, unit=owner, pool=play.stage.world.pool, gpu_milli=4000)
    play.stage.world.submit(owner, "owner", devices=4)
    for _ in range(3):
        play.stage.observe(0)
        play.at_once()
    ended = {(ended, code) for _, _, ended, code in rows(play.stage.world.pool) if ended}
    assert ended == {(play.clock.at, "reclaim")}
    check(play)
