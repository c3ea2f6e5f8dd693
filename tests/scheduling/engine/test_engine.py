"""An engine that is kept and edited decides like a fresh one."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from scheduling.engine import Engine, decide
from scheduling.engine.explain import Explainer, settled
from scheduling.engine.shapes import shapes
from scheduling.engine.types import Snapshot
from tests.examples import examples

from .builder import Pool
from .clusters import clusters
from .simulator import advance
from .test_properties import arriving


def edit(engine: Engine, old: Snapshot, new: Snapshot) -> None:
    """Tell the engine what differs; `new` keeps the order of `old`."""
    before = {workload.id: workload for workload in old.workloads}
    changed = [workload for workload in new.workloads if before.get(workload.id) != workload]
    engine.edit(new, changed, sorted(before.keys() - {workload.id for workload in new.workloads}))


@given(
    st.booleans().flatmap(lambda rich: clusters(rich=rich)),
    st.lists(st.tuples(st.integers(0, 4), st.sets(st.integers(0, 13))), min_size=1, max_size=6),
)
@examples(200)
def test_after_any_changes_it_decides_like_a_fresh_one(whole: Snapshot, steps: list[tuple[int, set[int]]]) -> None:
    """In each step some workloads arrive, some end, and what was decided happens."""
    snapshot, arrived = arriving(whole, 2), 2
    engine = Engine(snapshot)
    for more, ending in steps:
        decisions = engine.decide()
        assert decisions == decide(snapshot)
        assert decisions == engine.decide()
        following = advance(snapshot, decisions)
        late = whole.workloads[arrived : arrived + more]
        arrived += more
        stay = tuple(workload for number, workload in enumerate(following.workloads) if number not in ending)
        following = replace(following, workloads=(*stay, *late))
        edit(engine, snapshot, following)
        snapshot = following
    assert engine.decide() == decide(snapshot)


@given(st.booleans().flatmap(lambda rich: clusters(rich=rich)), st.lists(st.integers(0, 13), min_size=1, max_size=3))
@examples(60)
def test_what_it_leaves_explains_like_a_fresh_state_and_changes_nothing(whole: Snapshot, ending: list[int]) -> None:
    snapshot = arriving(whole, 6)
    engine = Engine(snapshot)
    for number in ending:
        fresh = settled(snapshot)
        with engine.settled() as cycle:
            explained = Explainer(cycle)
            for workload in snapshot.workloads:
                assert explained.explain(workload.id) == Explainer(fresh).explain(workload.id)
            project = snapshot.workloads[0].unit
            assert shapes(cycle, project, devices=(1, 2)) == shapes(fresh, project, devices=(1, 2))
        decisions = engine.decide()
        assert decisions == decide(snapshot)
        following = advance(snapshot, decisions)
        stay = tuple(workload for at, workload in enumerate(following.workloads) if at != number)
        if not stay:
            return
        edit(engine, snapshot, replace(following, workloads=stay))
        snapshot = replace(following, workloads=stay)
        assert engine.decide() == decide(snapshot)


def test_another_node_or_quota_is_taken_up() -> None:
    pool = Pool().node("n", 1).unit("a", 4).work("x", "a", 2)
    engine = Engine(pool.snapshot())
    assert not engine.decide().places
    engine.edit(pool.node("m", 2).snapshot(), [], [])
    assert [place.node for place in engine.decide().places] == [2]
