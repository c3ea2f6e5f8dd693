"""Hours of use: every level counts once, for as long as it held, whoever dies between; and what follows from them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgs.models import OrgUnit
from quotas.models import CapacityHour, Pool, PoolSummary, UnitUsage, UsageHour
from scheduling.engine import decide
from scheduling.engine.types import Amounts
from scheduling.loops import history
from scheduling.loops.cycle import Cycle
from scheduling.loops.history import History, full_hour, spans, usage_ppm
from scheduling.loops.record import record
from scheduling.loops.samples import Samples
from scheduling.loops.tenure import Tenure
from scheduling.models import Pod
from tests.factories import make_cluster, make_department, make_node, make_pod, make_pool, make_project, make_workload
from tests.scheduling.loops.cold import take_snapshot

database = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


@given(
    level=st.tuples(*[st.integers(0, 10**9).map(lambda part: part * 1000)] * 3),
    start=st.integers(0, 10**6),
    seconds=st.integers(0, 5 * 3600),
)
def test_hours_add_up_to_level_times_time(level: tuple[int, int, int], start: int, seconds: int) -> None:
    since = NOON + timedelta(seconds=start)
    found = list(spans(level, since, since + timedelta(seconds=seconds)))
    hours = [hour for hour, _ in found]
    assert hours == sorted(set(hours))
    assert all(full_hour(hour) == hour for hour in hours)
    gpu, cpu, memory = level
    held = (gpu, cpu, memory // 2**20)
    for place, part in enumerate(held):
        assert sum(amounts[place] for _, amounts in found) == part * seconds


class Bench:
    """A pool with one node of four GPUs, and cycles recorded at times of one's own."""

    def __init__(self) -> None:
        self.pool: Pool = make_pool("gpu", make_cluster())
        self.node = make_node("n", self.pool, gpus=4)
        self.project: OrgUnit = make_project("p", make_department("d", self.pool.cluster))
        tenure = Tenure.take(f"loop:pool:{self.pool.pk}", "test")
        assert tenure is not None
        self.tenure = tenure

    def run(self, gpus: int) -> Pod:
        workload = make_workload(project=self.project, pool=self.pool, gpus=gpus)
        return make_pod(workload, self.node, ",".join(map(str, range(gpus))))

    def cycle(self, at: datetime) -> None:
        self.tenure.cycle += 1
        snapshot = take_snapshot(self.pool.pk)
        record(self.tenure, Cycle(self.tenure.cycle, at, snapshot, decide(snapshot)), Samples())

    def hours(self, unit: OrgUnit) -> dict[int, int]:
        """GPU-minutes by hour of the day."""
        rows = UsageHour.objects.filter(unit=unit).values_list("at", "gpu_milli_seconds")
        return {at.astimezone(UTC).hour: milli // 60_000 for at, milli in rows}


@pytest.fixture
def bench() -> Bench:
    return Bench()


@database
def test_a_level_is_added_when_it_changes_and_at_each_full_hour(bench: Bench) -> None:
    bench.cycle(NOON)
    pod = bench.run(2)
    bench.cycle(NOON + timedelta(minutes=10))
    assert bench.hours(bench.project) == {}, "it had nothing so far"
    bench.cycle(NOON + timedelta(minutes=40))
    assert bench.hours(bench.project) == {}, "nothing changed, and the hour is not over"
    bench.cycle(NOON + timedelta(minutes=70))
    assert bench.hours(bench.project) == {12: 100, 13: 20}
    pod.delete()
    bench.cycle(NOON + timedelta(minutes=100))
    assert bench.hours(bench.project) == {12: 100, 13: 80}
    bench.cycle(NOON + timedelta(minutes=300))
    assert bench.hours(bench.project) == {12: 100, 13: 80}
    for unit in (bench.project.parent, bench.pool.cluster):
        assert unit is not None
        assert bench.hours(unit) == {12: 100, 13: 80}, "as all above it"
    row = UsageHour.objects.get(unit=bench.project, at=NOON)
    assert (row.cpu_millicore_seconds, row.memory_mib_seconds) == (1000 * 3000, 1024 * 3000)
    capacity = dict(CapacityHour.objects.values_list("at", "gpu_milli_seconds"))
    assert capacity[NOON] == 4000 * 3600
    assert sum(capacity.values()) == 4000 * 300 * 60, "the pool had its four GPUs all the time"


@database
def test_a_crash_neither_loses_nor_doubles(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.run(2)
    bench.cycle(NOON)
    Pod.objects.all().delete()
    with monkeypatch.context() as broken:
        broken.setattr("scheduling.loops.summary.SummaryChange.write", lambda self: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            bench.cycle(NOON + timedelta(minutes=30))
    assert bench.hours(bench.project) == {}
    # The taker-over goes on from where the rows are.
    bench.tenure.release()
    tenure = Tenure.take(f"loop:pool:{bench.pool.pk}", "another")
    assert tenure is not None
    bench.tenure = tenure
    for minute in (45, 45, 50):
        bench.cycle(NOON + timedelta(minutes=minute))
    assert bench.hours(bench.project) == {12: 90}


def hour(unit: OrgUnit, pool: Pool, at: datetime, gpus: int) -> None:
    UsageHour.objects.create(unit=unit, pool=pool, at=at, gpu_milli_seconds=gpus * 1000 * 3600)


@database
def test_past_use_is_a_part_of_what_there_was(bench: Bench) -> None:
    other = make_project("q", bench.project.parent)
    for ago in range(1, 5):
        at = NOON - timedelta(hours=ago)
        CapacityHour.objects.create(pool=bench.pool, at=at, gpu_milli_seconds=4000 * 3600)
        hour(bench.project, bench.pool, at, gpus=2 if ago == 1 else 0)
        hour(other, bench.pool, at, gpus=1)
    hour(other, bench.pool, NOON - timedelta(days=8), gpus=4)
    assert usage_ppm(bench.pool.pk, NOON, 7, None) == {
        bench.project.pk: Amounts(gpu_milli=125_000),
        other.pk: Amounts(gpu_milli=250_000),
    }
    recent = usage_ppm(bench.pool.pk, NOON, 7, 1)
    assert recent[other.pk].gpu_milli == 250_000, "a steady part is the same with any half-life"
    # 2 of 4 GPUs in the last hour, which counts 1/2; the three before count 1/4, 1/8 and 1/16.
    assert recent[bench.project.pk].gpu_milli == pytest.approx(1_000_000 * (2 / 2) / (4 * 15 / 16), abs=1)


@database
def test_what_was_not_added_to_an_hour_yet_counts_too(bench: Bench) -> None:
    bench.run(2)
    bench.cycle(NOON)
    found = usage_ppm(bench.pool.pk, NOON + timedelta(minutes=30), 7, None)
    assert found[bench.project.pk].gpu_milli == 500_000
    assert PoolSummary.objects.get().since == UnitUsage.objects.get(unit=bench.project).since == NOON


@database
def test_it_is_read_once_a_minute_and_only_where_it_counts(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[int] = []

    def counted(pool: int, now: datetime, window: int, half_life: int | None) -> dict[int, Amounts]:
        reads.append(window)
        return {bench.project.pk: Amounts(gpu_milli=7)}

    monkeypatch.setattr(history, "usage_ppm", counted)
    remembered = History(bench.pool.pk)
    snapshot = take_snapshot(bench.pool.pk, remembered)
    assert (reads, snapshot.usage_weight_milli) == ([], 0)
    assert all(unit.usage_ppm == Amounts() for unit in snapshot.units)
    Pool.objects.filter(pk=bench.pool.pk).update(history_weight_milli=1500)
    for _ in range(3):
        snapshot = take_snapshot(bench.pool.pk, remembered)
    assert (reads, snapshot.usage_weight_milli) == ([7], 1500)
    assert {unit.name: unit.usage_ppm for unit in snapshot.units}["p"] == Amounts(gpu_milli=7)
    Pool.objects.filter(pk=bench.pool.pk).update(history_window_days=14)
    take_snapshot(bench.pool.pk, remembered)
    assert reads == [7, 14], "another window is read at once"
    monkeypatch.setattr(history, "READ_SECONDS", 0.0)
    fresh = History(bench.pool.pk)
    take_snapshot(bench.pool.pk, fresh), take_snapshot(bench.pool.pk, fresh)
    assert reads[2:] == [14, 14]
