"""Higher priority displaces lower inside one project."""

from __future__ import annotations

from scheduling.engine.decisions import EvictCode

from .builder import MINUTE, Pool, named
from .simulator import advance, settle


def test_higher_priority_displaces_lower_in_its_project() -> None:
    pool = Pool().node("n", 2).unit("a", 2).work("low", "a", 1, on="n").work("mid", "a", 1, on="n", priority=60)
    outcome = pool.work("high", "a", 1, priority=90).decide()
    assert outcome.evicted == {"low": 1}
    assert outcome.reserved == {"high": ["n"]}
    evict = outcome.decisions.evicts[0]
    assert (evict.code, evict.numbers) == (EvictCode.PREEMPT, {"priority": 50, "for_priority": 90})


def test_equal_priority_displaces_nobody() -> None:
    pool = Pool().node("n", 1).unit("a", 1).work("old", "a", on="n").work("new", "a")
    assert pool.decide().evicted == {}


def test_other_projects_are_not_touched() -> None:
    pool = (
        Pool()
        .node("n", 2)
        .unit("a", 1)
        .unit("b", 1)
        .work("x", "b", on="n", priority=1)
        .work("y", "a", on="n", priority=99)
    )
    assert pool.work("high", "a", 1, priority=98).decide().evicted == {}


def test_fair_share_plays_no_part() -> None:
    pool = Pool().node("n", 4).unit("a", 0).unit("b", 4).work("low", "a", 4, on="n", priority=1)
    assert pool.work("high", "a", 4, priority=2).decide().evicted == {"low": 1}


def test_the_preemptible_only_and_past_the_minimum_runtime() -> None:
    pool = Pool(min_runtime_ms=MINUTE).node("n", 2).unit("a", 2)
    pool.work("fixed", "a", on="n", preemptible=False).work("young", "a", on="n", started_ago_ms=1)
    assert pool.work("high", "a", priority=90).decide().evicted == {}


def test_a_non_preemptible_preemptor_must_fit_its_quota() -> None:
    pool = Pool().node("n", 2).unit("a", 1).work("low", "a", 2, on="n")
    assert pool.work("high", "a", 2, priority=90, preemptible=False).decide().evicted == {}


def test_where_only_a_limit_was_in_the_way_it_starts_in_the_next_cycle() -> None:
    pool = Pool().node("n", 8).unit("a", 4, limit=4).work("low", "a", 4, on="n").work("high", "a", 4, priority=90)
    outcome = pool.decide()
    assert outcome.evicted == {"low": 1}
    assert outcome.reserved == {"high": ["n"]}
    after = advance(pool.snapshot(), outcome.decisions)
    assert named(after).placed == {"high": ["n"]}


def test_no_more_go_than_needed() -> None:
    pool = Pool().node("n", 4).unit("a", 4)
    pool.work("one", "a", 1, on="n", priority=10).work("three", "a", 3, on="n", priority=20)
    assert pool.work("high", "a", 3, priority=90).decide().evicted == {"three": 1}


def test_the_displaced_wait_and_do_not_come_back() -> None:
    pool = Pool().node("n", 2).unit("a", 2).work("low", "a", 1, pods=2, on="n").work("high", "a", 2, priority=90)
    _, decisions, _ = settle(pool.snapshot(), most_cycles=6)
    assert [wait.workload for wait in decisions.waits] == [1]


def test_room_that_is_being_freed_anyway_is_waited_for() -> None:
    pool = Pool().node("n", 2).unit("a", 0).unit("b", 2).work("leaving", "a", 1, on="n", stopping=True)
    pool.work("low", "a", 1, on="n").work("high", "a", 1, priority=90)
    assert pool.decide().evicted == {}
