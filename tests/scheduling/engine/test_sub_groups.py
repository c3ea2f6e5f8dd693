"""Workloads of several groups of pods, each with a minimum, in sets that need some of their children."""

from __future__ import annotations

from dataclasses import replace

from scheduling.engine.types import SubGroupSet

from .builder import Pool


def test_all_groups_start_together_or_none() -> None:
    pool = Pool().node("n", 3).unit("a", 8).work("job", "a", 1, pods=2).group("job", 2, pods=1)
    assert pool.decide().placed == {}
    assert len(pool.node("m", 1).decide().placed["job"]) == 3


def test_a_set_needs_some_of_its_groups_only() -> None:
    pool = Pool().node("n", 2).unit("a", 8).work("job", "a", 2, pods=1)
    pool.group("job", 2, pods=1).group("job", 2, pods=1)
    assert pool.decide().placed == {}
    pool.workloads["job"] = replace(pool.workloads["job"], min_children=1)
    outcome = pool.decide()
    assert outcome.placed["job"] == ["n"]
    assert outcome.waits == {}


def test_sets_nest() -> None:
    """Either both groups of the one set, or both of the other."""
    pool = Pool().node("n", 4).unit("a", 8).work("job", "a", 2, pods=1)
    for _ in range(3):
        pool.group("job", 2, pods=1)
    job = pool.workloads["job"]
    groups = tuple(replace(group, parent=1 + number // 2) for number, group in enumerate(job.sub_groups))
    sets = (SubGroupSet(1, "one"), SubGroupSet(2, "two"))
    pool.workloads["job"] = replace(job, sub_groups=groups, sets=sets, min_children=1)
    placed = {place.pod for place in pool.decide().decisions.places}
    assert placed in ({1, 2}, {3, 4})


def test_growth_goes_to_the_group_that_is_emptiest() -> None:
    pool = Pool().node("n", 8).unit("a", 3).work("job", "a", 1, pods=4, minimum=1, on=["n"])
    pool.group("job", 1, pods=4, minimum=1)
    job = pool.workloads["job"]
    pool.workloads["job"] = replace(job, preemptible=True)
    outcome = pool.decide()
    assert len(outcome.placed["job"]) == 7


def test_a_workload_gives_pods_above_a_minimum_before_it_goes_whole() -> None:
    pool = Pool().node("n", 4).unit("a", 2).unit("b", 0)
    pool.work("job", "b", 1, pods=4, minimum=2, on=["n"] * 4).work("due", "a", 2)
    outcome = pool.decide()
    assert outcome.evicted == {"job": 2}
    assert outcome.reserved == {"due": ["n"]}


def test_incomplete_as_long_as_a_group_has_too_few_pods() -> None:
    pool = Pool().node("n", 8).unit("a", 8).work("job", "a", 1, pods=1).group("job", 1, pods=1, minimum=2)
    assert pool.decide().reason("job") == ("incomplete", {"pods": 1, "minimum": 2})
