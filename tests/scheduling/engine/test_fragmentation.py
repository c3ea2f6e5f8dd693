"""The placement strategy that keeps what stays free usable."""

from __future__ import annotations

from scheduling.engine import Engine, Options, decide
from scheduling.engine.types import Placement

from .builder import Pool


def pool() -> Pool:
    """Whole nodes of four GPUs are asked for by many, single GPUs by one; `slim` has CPU for one GPU only."""
    built = Pool(gpu_placement=Placement.FRAGMENTATION).node("slim", 4, cores=2).node("wide", 4, cores=64)
    built.unit("a", 100)
    for number in range(6):
        built.work(f"large{number}", "a", 4, cores=16, preemptible=False, priority=10)
    return built.work("small", "a", 1, cores=1, priority=90)


def test_a_small_pod_goes_where_it_breaks_nothing_that_others_need() -> None:
    outcome = pool().decide()
    assert outcome.placed["small"] == ["slim"]
    assert sum(len(nodes) for nodes in outcome.placed.values()) == 2


def test_it_decides_the_same_whether_kept_or_obvious() -> None:
    snapshot = pool().snapshot()
    engine = Engine(snapshot)
    assert engine.decide() == decide(snapshot) == decide(snapshot, Options(obvious=True))
    engine.edit(snapshot, snapshot.workloads[:1], [])
    assert engine.decide() == decide(snapshot)


def test_who_may_not_use_all_nodes_and_shares_find_room_too() -> None:
    built = Pool(gpu_placement=Placement.FRAGMENTATION).node("n", 2).unit("a", 8)
    built.work("half", "a", 1, milli=500, pods=3, minimum=1).work("cpu", "a", 0, cores=1)
    outcome = built.decide()
    assert len(outcome.placed["half"]) == 3
    assert outcome.placed["cpu"] == ["n"]
