"""Taking back what other projects hold above their entitlement."""

from __future__ import annotations

from scheduling.engine.decisions import EvictCode

from .builder import MINUTE, Pool, named
from .simulator import advance, settle


def lent(gpus: int = 8, **settings: object) -> Pool:
    """All of node n is lent to b: quota 0, one workload per GPU. Project a has all the quota."""
    pool = Pool(**settings).node("n", gpus).unit("a", gpus).unit("b", 0)
    for number in range(gpus):
        pool.work(f"b{number}", "b", 1, on="n", devices=[(number,)])
    return pool


def test_quota_is_taken_back_and_the_room_kept() -> None:
    outcome = lent().work("due", "a", 2).decide()
    assert outcome.evicted == {"b7": 1, "b6": 1}
    assert outcome.reserved == {"due": ["n"]}
    assert outcome.placed == {}
    assert outcome.reason("due") == ("room_reserved", {"nodes": 1, "pods": 2})


def test_an_eviction_says_whose_surplus_it_takes_and_for_whom() -> None:
    outcome = lent().work("due", "a", 1).decide()
    evict = outcome.decisions.evicts[0]
    assert (evict.code, evict.for_workload) == (EvictCode.RECLAIM, 9)
    numbers = {"unit": 2, "resource": "gpu_milli", "allocated": 8000, "quota": 0, "fair_share": 7000}
    assert evict.numbers == numbers


def test_lowest_priority_goes_first_then_the_newest() -> None:
    pool = Pool().node("n", 3).unit("a", 1).unit("b", 0)
    pool.work("high", "b", on="n", priority=90).work("low", "b", on="n", priority=10).work("middle", "b", on="n")
    assert pool.work("due", "a").decide().evicted == {"low": 1}


def test_non_preemptible_work_is_never_a_victim() -> None:
    pool = Pool().node("n", 2).unit("a", 2).unit("b", 0)
    pool.work("adopted", "b", 2, on="n", preemptible=False).work("due", "a", 1)
    assert pool.decide().evicted == {}


def test_work_inside_the_minimum_runtime_is_not_stopped() -> None:
    pool = Pool(min_runtime_ms=10 * MINUTE).node("n", 2).unit("a", 2).unit("b", 0)
    pool.work("old", "b", 1, on="n", started_ago_ms=10 * MINUTE).work(
        "young", "b", 1, on="n", started_ago_ms=9 * MINUTE
    )
    assert pool.work("due", "a", 1).decide().evicted == {"old": 1}
    assert pool.work("due-too", "a", 1).decide().evicted == {"old": 1}


def test_nothing_is_stopped_unless_the_whole_gang_fits_after_it() -> None:
    pool = lent(4)
    pool.work("gang", "a", 1, pods=5)
    assert pool.decide().evicted == {}


def test_only_as_much_is_stopped_as_is_needed_beside_what_is_free() -> None:
    pool = Pool().node("n1", 4).node("n2", 4).unit("a", 8).unit("b", 0)
    pool.work("x", "b", 2, on="n1").work("y", "b", 2, on="n2").work("z", "b", 2, on="n2")
    outcome = pool.work("gang", "a", 2, pods=2).decide()
    assert outcome.evicted == {"z": 1}
    assert sorted(outcome.reserved["gang"]) == ["n1", "n2"]


def test_victims_on_one_node_make_room_for_a_large_pod() -> None:
    pool = Pool().node("n1", 2).node("n2", 2).unit("a", 2).unit("b", 0)
    pool.work("x", "b", on="n1").work("y", "b", on="n2").work("z", "b", on="n1").work("v", "b", on="n2")
    outcome = pool.work("due", "a", 2).decide()
    assert outcome.evicted == {"y": 1, "v": 1}
    assert outcome.reserved == {"due": ["n2"]}


def test_pods_above_the_minimum_go_before_whole_gangs() -> None:
    pool = Pool().node("n", 4).unit("a", 2).unit("b", 0)
    pool.work("elastic", "b", 1, pods=3, minimum=1, on="n").work("newer", "b", 1, on="n")
    assert pool.work("due", "a", 2).decide().evicted == {"elastic": 2}


def test_a_gang_that_straddles_the_entitlement_goes_whole() -> None:
    pool = Pool().node("n", 4).unit("a", 2).unit("b", 2).work("gang", "b", 1, pods=4, on="n").work("due", "a", 1)
    assert pool.decide().evicted == {"gang": 4}


def test_reclaim_reaches_up_to_the_fair_share_and_no_further() -> None:
    pool = Pool().node("n", 8).unit("a", 0).unit("b", 0)
    for number in range(8):
        pool.work(f"b{number}", "b", on="n")
    for number in range(8):
        pool.work(f"a{number}", "a")
    outcome = pool.decide()
    assert sum(outcome.evicted.values()) == 4
    assert len(outcome.reserved) == 4


def test_weight_moves_the_line() -> None:
    pool = Pool().node("n", 8).unit("a", 0, weight_milli=3000).unit("b", 0, weight_milli=1000)
    for number in range(8):
        pool.work(f"b{number}", "b", on="n")
    for number in range(8):
        pool.work(f"a{number}", "a")
    assert sum(pool.decide().evicted.values()) == 6


def test_rank_divides_the_spare_and_touches_no_quota() -> None:
    pool = Pool().node("n", 8).unit("senior", 0, rank=1).unit("b", 5)
    for number in range(8):
        pool.work(f"b{number}", "b", on="n")
    for number in range(8):
        pool.work(f"s{number}", "senior")
    assert sum(pool.decide().evicted.values()) == 3


def test_the_most_over_served_project_loses_first() -> None:
    pool = Pool().node("n", 8).unit("a", 2).unit("b", 2).unit("c", 2)
    for number in range(3):
        pool.work(f"b{number}", "b", on="n")
    for number in range(5):
        pool.work(f"c{number}", "c", on="n")
    assert list(pool.work("due", "a").decide().evicted) == ["c4"]


def test_a_project_above_quota_in_a_department_below_quota_is_safe_from_other_departments() -> None:
    pool = (
        Pool()
        .node("n", 4)
        .unit("red", 2)
        .unit("blue", 4)
        .unit("r", 2, "red")
        .unit("greedy", 0, "blue")
        .unit("idle", 4, "blue")
    )
    pool.work("x", "greedy", 1, pods=4, minimum=1, on="n").work("due", "r", 1)
    assert pool.decide().evicted == {}


def test_work_inside_a_projects_quota_is_not_safe_where_its_department_is_above_its_own() -> None:
    pool = Pool().node("n", 4).unit("red", 2).unit("blue", 2).unit("r", 2, "red").unit("b", 4, "blue")
    pool.work("x", "b", 1, pods=4, minimum=1, on="n").work("due", "r", 2)
    assert pool.decide().evicted == {"x": 2}


def test_inside_a_department_its_projects_settle_it_among_themselves() -> None:
    pool = (
        Pool()
        .node("n", 8)
        .unit("red", 4)
        .unit("blue", 4)
        .unit("r1", 2, "red")
        .unit("r2", 2, "red")
        .unit("b", 4, "blue")
    )
    pool.work("x", "r1", 1, pods=4, minimum=1, on="n").work("y", "b", 1, pods=4, minimum=1, on="n").work("due", "r2", 1)
    assert pool.decide().evicted == {"x": 1}


def test_room_left_over_from_an_eviction_is_kept_for_who_comes_next() -> None:
    """Red is due one GPU. The other one that goes with it costs nobody anything more."""
    pool = Pool().node("n", 2).unit("red", 1, weight_milli=0).unit("b", 0)
    pool.unit("r1", 1, "red").unit("r2", 1, "red")
    pool.work("pair", "b", 2, on="n").work("due", "r1", 1).work("also", "r2", 1)
    outcome = pool.decide()
    assert outcome.evicted == {"pair": 1}
    assert outcome.reserved == {"due": ["n"], "also": ["n"]}


def test_non_preemptible_work_reclaims_inside_quota_only() -> None:
    pool = Pool().node("n", 4).unit("a", 1).unit("b", 1)
    for number in range(4):
        pool.work(f"b{number}", "b", on="n")
    outcome = pool.work("small", "a", 1, preemptible=False).work("large", "a", 2, preemptible=False).decide()
    assert list(outcome.reserved) == ["small"]


def test_inside_quota_others_are_safe_only_inside_theirs() -> None:
    """b is within its fair share of five GPUs, but above its quota of four, and in the way of a's quota."""
    pool = Pool().node("n1", 4).node("n2", 4).node("n3", 1).unit("a", 4).unit("b", 4)
    pool.work("x", "b", 1, pods=4, minimum=4, on="n1").work("y", "b", 1, on="n2").work("due", "a", 4)
    outcome = pool.decide()
    assert outcome.evicted == {"y": 1}
    assert outcome.reserved == {"due": ["n2"], "y": ["n3"]}


def test_room_that_is_being_freed_anyway_costs_nobody_anything() -> None:
    pool = Pool().node("n", 4).unit("a", 4).unit("b", 0)
    pool.work("leaving", "b", 2, on="n", stopping=True).work("x", "b", 2, on="n").work("due", "a", 2)
    outcome = pool.decide()
    assert outcome.evicted == {}
    assert outcome.reserved == {"due": ["n"]}


def test_a_surplus_of_something_else_is_no_ground() -> None:
    pool = Pool().node("n", 4, cores=8).unit("a", 4).unit("b", 0, quota_cores=0)
    pool.work("cpu", "b", 0, cores=8, on="n").work("due", "a", 1)
    assert pool.decide().placed == {"due": ["n"]}
    pool = Pool().node("n", 4, cores=8).unit("a", 4).unit("b", 4)
    pool.work("cpu", "b", 0, cores=8, on="n").work("due", "a", 1, cores=1)
    assert pool.decide().evicted == {}


def test_it_comes_to_rest_with_every_quota_in_its_owners_hands() -> None:
    pool = lent(8)
    for number in range(8):
        pool.work(f"a{number}", "a")
    _, decisions, _ = settle(pool.snapshot(), most_cycles=10)
    assert {share.unit: share.allocated.gpu_milli for share in decisions.shares} == {1: 8000, 2: 0}


def test_who_loses_its_minimum_does_not_grow_in_the_same_cycle() -> None:
    pool = Pool().node("n", 3).unit("a", 1).unit("b", 2)
    pool.work("x", "b", 1, pods=4, minimum=3, on=["n", "n", "n"]).work("due", "a", 1)
    outcome = pool.decide()
    assert outcome.evicted == {"x": 3}
    assert list(outcome.reserved) == ["due"]


def test_inside_quota_a_gang_goes_whole_that_is_only_partly_above_its_quota() -> None:
    """It does not come back at the cost of who is inside quota."""
    pool = Pool().node("n", 6).unit("a", 1).unit("b", 3).unit("c", 1)
    pool.work("halves", "c", 1, milli=500, pods=2, on="n", devices=[(4,), (5,)], preemptible=False)
    pool.work("gang", "b", 1, pods=4, on="n", devices=[(0,), (1,), (2,), (3,)]).work("due", "a", 1)
    outcome = pool.decide()
    assert outcome.fair["b"] == 4
    assert outcome.evicted == {"gang": 4}
    after = advance(pool.snapshot(), outcome.decisions)
    assert named(advance(after, named(after).decisions)).evicted == {}


def test_who_waited_for_a_limit_starts_when_an_eviction_brings_its_unit_below_it() -> None:
    pool = Pool().node("n", 4).node("small", 2).unit("a", 4).unit("b", 0, limit=4, weight_milli=0)
    pool.work("gang", "b", 4, on="n").work("single", "b", 1).work("due", "a", 4)
    outcome = pool.decide()
    assert outcome.evicted == {"gang": 1}
    assert outcome.reserved == {"due": ["n"]}
    assert outcome.placed == {"single": ["small"]}
