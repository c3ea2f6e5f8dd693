"""All or nothing up to the minimum, one at a time after it."""

from __future__ import annotations

from .builder import Pool


def test_a_gang_starts_whole_or_not_at_all() -> None:
    pool = Pool().node("n1", 4).node("n2", 4).unit("a", 8).work("gang", "a", 3, pods=3).work("single", "a", 3)
    assert pool.decide().placed == {"single": ["n1"]}


def test_a_gang_spans_nodes() -> None:
    pool = Pool().node("n1", 4).node("n2", 4).unit("a", 8).work("gang", "a", 2, pods=4)
    assert pool.decide().placed == {"gang": ["n1", "n1", "n2", "n2"]}


def test_every_sub_group_needs_its_minimum() -> None:
    pool = Pool().node("n", 4).unit("a", 8).work("x", "a", 2, pods=1).group("x", 1, pods=4, minimum=3)
    assert pool.decide().placed == {}


def test_the_largest_pods_of_a_gang_choose_first() -> None:
    pool = Pool().node("n1", 4, cores=10).node("n2", 0, cores=4).unit("a", 8)
    pool.work("x", "a", 0, cores=4, pods=1).group("x", 4, pods=1, cores=8)
    assert pool.decide().placed == {"x": ["n2", "n1"]}


def test_an_elastic_workload_starts_with_its_minimum_and_grows_one_by_one() -> None:
    pool = Pool().node("n", 5).unit("a", 8).work("x", "a", 1, pods=8, minimum=3)
    outcome = pool.decide()
    assert outcome.placed == {"x": ["n"] * 5}
    assert outcome.waits == {}


def test_minimums_start_before_anything_grows() -> None:
    pool = Pool().node("n", 4).unit("a", 8).work("x", "a", 1, pods=4, minimum=1).work("y", "a", 1, pods=2)
    outcome = pool.decide()
    assert len(outcome.placed["x"]) == 2
    assert len(outcome.placed["y"]) == 2


def test_projects_grow_in_turn() -> None:
    pool = Pool().node("n", 8).unit("a").unit("b").work("x", "a", pods=8, minimum=1).work("y", "b", pods=8, minimum=1)
    assert pool.decide().gpus == {"a": 4, "b": 4}


def test_what_a_gang_lost_starts_again_together() -> None:
    pool = Pool().node("n1", 2).node("n2", 1).unit("a", 8).work("x", "a", 1, pods=4, on=["n1", "n1"]).work("y", "a", 1)
    outcome = pool.decide()
    assert outcome.placed == {"y": ["n2"]}
    assert "x" in outcome.waits


def test_a_gang_of_which_pods_are_missing_waits_for_them() -> None:
    pool = Pool().node("n", 8).unit("a", 8).work("x", "a", 1, pods=2, minimum=3)
    outcome = pool.decide()
    assert outcome.placed == {}
    assert outcome.reason("x") == ("incomplete", {"pods": 2, "minimum": 3})


def test_a_workload_without_minimum_starts_with_one_pod() -> None:
    pool = Pool().node("n", 2).unit("a", 8).work("x", "a", 1, pods=3, minimum=0)
    assert pool.decide().placed == {"x": ["n", "n"]}
