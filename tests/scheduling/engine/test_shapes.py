"""The largest gang of each shape: it gets its place, and one pod more does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.engine import Options, decide
from scheduling.engine.aftermath import after
from scheduling.engine.alone import STEPS, find, way
from scheduling.engine.cycle import Cycle
from scheduling.engine.shapes import Shape, largest, shapes
from scheduling.engine.types import NOTHING, Amounts, Bounds, Pod, Request, Snapshot, SubGroup, Workload
from tests.examples import examples

from .builder import GIB, GPU, Pool
from .clusters import clusters
from .simulator import advance
from .test_properties import arriving, joined

ADDED = 1_000_000


def of(pool: Pool, unit: str, **settings: object) -> dict[tuple[int, bool], tuple[int, int]]:
    found = shapes(Cycle(pool.snapshot(), Options()), pool.units[unit].id, **settings)
    return {(shape.devices, shape.preemptible): (shape.pods_now, shape.pods_after_reclaim) for shape in found}


def test_an_empty_pool_takes_what_its_nodes_hold_and_quota_bounds_what_may_not_be_stopped() -> None:
    found = of(Pool().node("n1", 8).node("n2", 4).unit("a", 6), "a")
    assert found == {
        (1, True): (12, 12),
        (1, False): (6, 6),
        (2, True): (6, 6),
        (2, False): (3, 3),
        (4, True): (3, 3),
        (4, False): (1, 1),
        (8, True): (1, 1),
        (8, False): (0, 0),
    }


def test_what_others_hold_above_their_entitlement_comes_back() -> None:
    pool = Pool().node("n", 8).unit("a", 4).unit("b", 4)
    pool.work("r", "b", 1, pods=4, on=["n"] * 4).work("s", "b", 1, pods=3, minimum=1, on=["n"] * 3)
    found = of(pool, "a", devices=(1, 2))
    assert found == {(1, True): (1, 4), (1, False): (1, 4), (2, True): (0, 2), (2, False): (0, 2)}


def test_limits_of_units_above_count_and_a_blocked_project_starts_nothing() -> None:
    pool = Pool().node("n", 8).unit("d", 8, limit=3).unit("a", 8, "d").unit("b", 0, over_quota=False)
    assert of(pool, "a", devices=(1,)) == {(1, True): (3, 3), (1, False): (3, 3)}
    pool.units["b"] = replace(pool.units["b"], quota=Bounds(0, 0, 0))
    assert of(pool, "b", devices=(1,)) == {(1, True): (0, 0), (1, False): (0, 0)}


def test_room_that_is_being_freed_is_not_there_now() -> None:
    pool = Pool().node("n", 4).unit("a", 4).work("old", "a", 3, on="n", stopping=True)
    assert of(pool, "a", devices=(1,)) == {(1, True): (1, 4), (1, False): (1, 4)}


def test_cpu_and_memory_beside_each_gpu() -> None:
    pool = Pool().node("n", 8, cores=16, gib=64).unit("a", 8)
    assert of(pool, "a", devices=(1,), per_device=Amounts(0, 4000, GIB))[1, True] == (4, 4)
    assert of(pool, "a", devices=(2,), per_device=Amounts(0, 1000, 32 * GIB))[2, True] == (1, 1)


def test_only_projects_have_shapes() -> None:
    pool = Pool().node("n", 8).unit("d", 8).unit("a", 8, "d")
    cycle = Cycle(pool.snapshot(), Options())
    with pytest.raises(ValueError, match="only projects"):
        shapes(cycle, pool.units["d"].id)
    with pytest.raises(LookupError):
        shapes(cycle, 99)


@given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 200))
@examples(100)
def test_the_largest_number_is_found_in_few_steps(most: int, limit: int, known: int) -> None:
    asked = []

    def is_enough(number: int) -> bool:
        asked.append(number)
        return number <= limit

    known = min(known, limit, most)
    assert largest(most, is_enough, known) == max(known, min(most, limit))
    assert len(asked) <= 18


def with_gang(snapshot: Snapshot, unit: int, shape: Shape, pods: int) -> Snapshot:
    members = tuple(Pod(ADDED + number) for number in range(pods))
    group = SubGroup(1, Request(shape.devices), pods, members)
    gang = Workload(ADDED, unit, "gang", 0, shape.preemptible, snapshot.now_ms, (group,))
    return replace(snapshot, workloads=(*snapshot.workloads, gang))


def gets_place(snapshot: Snapshot) -> bool:
    cycle = Cycle(snapshot, Options())
    return way(cycle, find(cycle, ADDED), STEPS[:3]).step is not None


def starts(snapshot: Snapshot, pods: int) -> bool:
    """In a cycle that only starts, with nothing else waiting."""
    decisions = decide(snapshot, Options(actions=("allocate",)))
    return len([place for place in decisions.places if place.workload == ADDED]) == pods


def without_waiting(snapshot: Snapshot) -> Snapshot:
    waiting = {job.workload.id for job in Cycle(snapshot, Options()).jobs if job.chunk}
    return replace(snapshot, workloads=tuple(one for one in snapshot.workloads if one.id not in waiting))


@given(clusters(), st.integers(0, 10), st.integers(1, 2))
@examples(40)
def test_the_largest_gang_gets_its_place_and_one_pod_more_does_not(whole: Snapshot, first: int, devices: int) -> None:
    early = arriving(whole, first)
    snapshot = joined(advance(early, decide(early)), whole)
    rest = without_waiting(after(snapshot, decide(snapshot)))
    cycle = Cycle(rest, Options())
    project = max(unit.id for unit in rest.units)
    for shape in shapes(cycle, project, devices=(devices,)):
        assert shape.pods_after_reclaim >= shape.pods_now
        for pods in {shape.pods_now, shape.pods_now + 1} - {0}:
            assert starts(with_gang(rest, project, shape, pods), pods) == (pods <= shape.pods_now)
        for pods in {shape.pods_after_reclaim, shape.pods_after_reclaim + 1} - {0}:
            assert gets_place(with_gang(rest, project, shape, pods)) == (pods <= shape.pods_after_reclaim)
    assert not cycle.ledger.changes


def test_the_cycle_is_left_as_it_was() -> None:
    pool = Pool().node("n", 8).unit("a", 4).unit("b", 4).work("r", "b", 1, pods=8, minimum=1, on=["n"] * 8)
    pool.work("x", "a", 1)
    cycle = Cycle(pool.snapshot(), Options())
    before = [(list(one.held), list(one.fair), list(one.requested)) for one in cycle.accounts]
    first = shapes(cycle, pool.units["a"].id, NOTHING)
    assert [(list(one.held), list(one.fair), list(one.requested)) for one in cycle.accounts] == before
    assert shapes(cycle, pool.units["a"].id, NOTHING) == first
    assert [job.workload.name for job in cycle.waiting] == ["x"]
    assert before[0][0] == [0, 0, 0]
    assert before[1][0] == [8 * GPU, 0, 0]
