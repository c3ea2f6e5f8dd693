"""Moving pods so that a workload finds its room in one place; nobody is left without one."""

from __future__ import annotations

from .builder import Pool


def scattered(**settings: object) -> Pool:
    """One GPU is used on each of two nodes of two."""
    pool = Pool(**settings).node("n1", 2).node("n2", 2).unit("a", 4)
    return pool.work("one", "a", on="n1").work("other", "a", on="n2")


def test_one_is_moved_and_its_new_room_is_kept() -> None:
    outcome = scattered().work("whole", "a", 2).decide()
    assert sum(outcome.evicted.values()) == 1
    assert len(outcome.reserved["whole"]) == 1
    moved = next(iter(outcome.evicted))
    assert outcome.reserved[moved] != outcome.reserved["whole"]
    assert {evict.code.value for evict in outcome.decisions.evicts} == {"consolidate"}


def test_not_where_somebody_would_be_left_without_a_room() -> None:
    outcome = scattered().work("whole", "a", 2, pods=2).decide()
    assert outcome.evicted == {}


def test_only_preemptible_work_is_moved_and_only_for_preemptible_work() -> None:
    pool = Pool().node("n1", 2).node("n2", 2).unit("a", 4)
    pool.work("one", "a", on="n1", preemptible=False).work("other", "a", on="n2", preemptible=False)
    assert pool.work("whole", "a", 2).decide().evicted == {}
    assert scattered().work("whole", "a", 2, preemptible=False).decide().evicted == {}


def test_work_of_other_projects_is_moved_too() -> None:
    pool = Pool().node("n1", 2).node("n2", 2).unit("a", 2).unit("b", 2)
    pool.work("one", "b", on="n1").work("other", "b", on="n2").work("whole", "a", 2)
    outcome = pool.decide()
    assert {evict.code.value for evict in outcome.decisions.evicts} == {"consolidate"}


def test_not_in_a_pool_that_spreads() -> None:
    assert scattered().spread().work("whole", "a", 2).decide().evicted == {}
