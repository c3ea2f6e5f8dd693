"""Points that are easily built wrong, each with a case of its own."""

from __future__ import annotations

from dataclasses import replace

from scheduling.engine import Options, decide
from scheduling.engine.types import Amounts, PodState

from .builder import GPU, MINUTE, Pool


def test_non_preemptible_work_is_held_by_what_is_non_preemptible_not_by_all_that_is_allocated() -> None:
    pool = Pool().node("n", 4).unit("a", 2).work("borrowed", "a", 3, on="n")
    assert pool.work("fixed", "a", 1, preemptible=False).decide().placed == {"fixed": ["n"]}


def test_projects_borrow_from_each_other_inside_a_department_that_may_not_borrow() -> None:
    pool = Pool().node("n", 8).unit("d", 4, over_quota=False).unit("a", 1, "d").unit("b", 3, "d")
    pool.work("x", "a", 1, pods=5, minimum=1)
    assert len(pool.decide().placed["x"]) == 4


def test_a_project_above_quota_in_a_department_below_it_is_safe_from_other_departments() -> None:
    pool = Pool().node("n", 6).unit("red", 4).unit("blue", 2).unit("r1", 1, "red").unit("r2", 3, "red")
    pool.unit("b", 2, "blue").work("x", "r1", 4, on="n").work("y", "b", 2, on="n")
    assert pool.work("due", "b", 1).decide().evicted == {}


def test_work_inside_a_projects_quota_is_not_safe_where_its_department_is_above_its_own() -> None:
    pool = Pool().node("n", 4).unit("red", 1).unit("blue", 3).unit("r", 4, "red").unit("b", 3, "blue")
    pool.work("x", "r", 1, pods=4, minimum=1, on=["n"] * 4)
    assert pool.work("due", "b", 3).decide().evicted == {"x": 3}


def test_reclaim_reaches_up_to_the_fair_share_and_not_only_to_the_quota() -> None:
    pool = Pool().node("n", 4).unit("a", 0).unit("b", 0)
    pool.work("x", "b", 1, pods=4, minimum=1, on=["n"] * 4).work("due", "a", 1, pods=4, minimum=1)
    assert pool.decide().evicted["x"] == 1


def test_a_gang_that_straddles_the_line_goes_whole() -> None:
    pool = Pool().node("n", 4).unit("a", 1).unit("b", 3).work("gang", "b", 1, pods=4, on=["n"] * 4)
    assert pool.work("due", "a", 1).decide().evicted == {"gang": 4}


def test_rank_and_weight_evict_nothing_inside_quota() -> None:
    pool = Pool().node("n", 4).unit("a", 0, rank=9, weight_milli=9000).unit("b", 4)
    assert pool.work("x", "b", 4, on="n").work("more", "a", 1, priority=1000).decide().evicted == {}


def test_priority_acts_inside_a_project_only_and_apart_from_preemptibility() -> None:
    pool = Pool().node("n", 2).unit("a", 1).unit("b", 1)
    pool.work("low", "b", 1, on="n", priority=1).work("mine", "a", 1, on="n", priority=1, preemptible=False)
    assert pool.work("high", "a", 1, priority=1000).decide().evicted == {}


def test_weights_count_for_each_resource_on_its_own() -> None:
    weights = Amounts(gpu_milli=1000, cpu_millicores=3000, memory_bytes=1)
    pool = Pool().node("n", 8, cores=8).unit("a", 0, quota_cores=0, weight_milli=weights)
    pool.unit("b", 0, quota_cores=0, weight_milli=1000)
    for unit in ("a", "b"):
        pool.work(f"of-{unit}", unit, 1, cores=1, pods=8, minimum=1)
    fair = {share.unit: share.fair_share for share in pool.decide().decisions.shares}
    assert [fair[1].gpu_milli, fair[2].gpu_milli] == [4 * GPU, 4 * GPU]
    assert [fair[1].cpu_millicores, fair[2].cpu_millicores] == [6000, 2000]


def test_work_without_gpu_of_a_blocked_unit_does_not_start_on_nodes_with_gpus_either() -> None:
    pool = Pool().node("n", 8).unit("shut", 0, over_quota=False).unit("open", 0)
    pool.unit("dept", 0, over_quota=False).unit("inside", 2, "dept")
    for unit in ("shut", "open", "inside"):
        pool.work(f"of-{unit}", unit, 0, cores=1)
    found = pool.decide()
    assert found.placed == {"of-open": ["n"]}
    assert found.reason("of-shut") == ("blocked", {"unit": 1})
    assert found.reason("of-inside") == ("blocked", {"unit": 3})


def test_work_without_gpu_is_held_by_the_access_mode_of_its_unit() -> None:
    pool = Pool().node("n", 0).unit("blocked", 0, quota_cores=0, over_quota=False)
    pool.units["blocked"] = replace(pool.units["blocked"], quota=pool.units["blocked"].quota._replace(memory_bytes=0))
    assert pool.work("cpu", "blocked", 0, cores=1).decide().reason("cpu") == ("blocked", {"unit": 1})


def test_pods_of_a_node_that_has_left_the_pool_stay_charged() -> None:
    pool = Pool().node("n", 4).unit("a", 2, limit=2).work("old", "a", 2, on="n").work("new", "a", 1)
    pool.nodes[0] = replace(pool.nodes[0], id=99)
    outcome = pool.decide()
    assert outcome.gpus == {"a": 2}
    assert outcome.reason("new")[0] == "over_limit"


def test_a_cordoned_node_takes_nothing_new_and_keeps_what_it_has() -> None:
    pool = Pool().node("n", 4, ready=False).unit("a", 8).work("old", "a", 1, on="n").work("new", "a", 1)
    outcome = pool.decide()
    assert outcome.placed == {}
    assert outcome.gpus == {"a": 1}


def test_past_use_counts_against_who_used_more() -> None:
    pool = Pool(usage_weight_milli=1000).node("n", 8).unit("a", 0, usage_ppm=Amounts(gpu_milli=500_000)).unit("b", 0)
    for unit in ("a", "b"):
        pool.work(f"of-{unit}", unit, 1, pods=8, minimum=1)
    assert pool.decide().fair == {"a": 3, "b": 5}
    pool.units["a"] = replace(pool.units["a"], usage_ppm=Amounts(gpu_milli=900_000))
    assert pool.decide().fair == {"a": 1, "b": 7}
    pool.settings["usage_weight_milli"] = 0
    assert pool.decide().fair == {"a": 4, "b": 4}


def test_the_room_of_a_pod_that_hangs_while_it_stops_is_not_counted_on() -> None:
    pool = Pool().node("n", 2).unit("a", 2).unit("b", 0)
    pool.work("hangs", "b", 2, on="n", stopping=True).work("due", "a", 2)
    assert pool.decide().reserved == {"due": ["n"]}
    group = pool.workloads["hangs"].sub_groups[0]
    stuck = tuple(replace(pod, state=PodState.STUCK) for pod in group.pods)
    pool.workloads["hangs"] = replace(pool.workloads["hangs"], sub_groups=(replace(group, pods=stuck),))
    outcome = pool.decide()
    assert outcome.reserved == {}
    assert outcome.gpus == {"a": 0, "b": 0}


def test_tenths_add_up() -> None:
    """0.1 and 0.2 of a device are 0.3, and inside a quota of that."""
    pool = Pool().node("n", 1).unit("a", 0.3).work("one", "a", 1, milli=100, on="n", devices=[(0,)], preemptible=False)
    assert pool.work("two", "a", 1, milli=200, preemptible=False).decide().placed == {"two": ["n"]}


def test_who_was_not_reached_by_a_search_comes_first_in_the_next_cycle() -> None:
    pool = Pool().node("n", 4).unit("a", 1).unit("b", 1).unit("c", 0)
    for number in range(4):
        pool.work(f"x{number}", "c", 1, on="n")
    snapshot = pool.work("first", "a", 1).work("second", "b", 1).snapshot()
    bounded = Options(search_steps=1)
    made = decide(snapshot, bounded)
    assert [reserve.workload for reserve in made.reserves] == [5]
    assert made.not_searched == (6,)
    made = decide(replace(snapshot, search_first=made.not_searched), bounded)
    assert [reserve.workload for reserve in made.reserves] == [6]


def test_who_wants_more_than_its_quota_may_disturb_only_so_many() -> None:
    pool = Pool(disruptions_per_workload=2).node("n", 8).unit("a", 0).unit("b", 0)
    for number in range(8):
        pool.work(f"x{number}", "a", 1, on="n")
    three = pool.work("y", "b", 3)
    assert not three.decide().evicted
    assert sum(three.work("z", "b", 2).decide().evicted.values()) == 2


def test_a_quota_is_taken_back_however_many_that_disturbs() -> None:
    pool = Pool(disruptions_per_workload=2).node("n", 8).unit("a", 0).unit("b", 3)
    for number in range(8):
        pool.work(f"x{number}", "a", 1, on="n")
    assert sum(pool.work("y", "b", 3).decide().evicted.values()) == 3


def test_a_cycle_disturbs_no_more_once_its_bound_is_reached() -> None:
    pool = Pool(disruptions_per_cycle=2).node("n", 8).unit("a", 0).unit("b", 6)
    for number in range(8):
        pool.work(f"x{number}", "a", 1, on="n")
    for number in range(3):
        pool.work(f"y{number}", "b", 1)
    snapshot = pool.work("large", "b", 3).snapshot()
    made = decide(snapshot)
    assert len(made.evicts) == 2
    assert len(made.not_searched) == 2
    made = decide(replace(snapshot, search_first=made.not_searched[-1:], disruptions_per_cycle=1))
    assert len(made.evicts) == 3, "one that needs more than that is not held up for ever"


def _full(**allowed: int) -> Pool:
    """Three workloads of `a`, which is entitled to none of it, the newest last."""
    pool = Pool(disruption_budget_delay_ms=90 * MINUTE).node("n", 3).unit("a", 0).unit("b", 1).unit("c", 0)
    for name in ("r1", "r2", "r3"):
        pool.work(name, "a", 1, on="n", disruptions_allowed=allowed.get(name))
    return pool


def test_what_disruption_budgets_allow_goes_first() -> None:
    assert _full().work("x", "b", 1).decide().evicted == {"r3": 1}
    assert _full(r3=0).work("x", "b", 1).decide().evicted == {"r2": 1}


def test_a_disruption_budget_is_overridden_for_quota_alone_and_after_the_delay() -> None:
    protected = {"r1": 0, "r2": 0, "r3": 0}
    outcome = _full(**protected).work("x", "b", 1).decide()
    assert outcome.evicted == {"r3": 1}
    assert outcome.decisions.evicts[0].numbers["allowed"] == 0
    assert not _full(**protected).work("x", "c", 1).decide().evicted, "beyond its quota"
    snapshot = _full(**protected).work("x", "b", 1).snapshot()
    assert not decide(replace(snapshot, disruption_budget_delay_ms=100 * MINUTE)).evicts, "too early"
    assert not decide(replace(snapshot, disruption_budget_delay_ms=None)).evicts


def test_an_elastic_workload_gives_what_its_disruption_budget_allows() -> None:
    pool = Pool().node("n", 4).unit("a", 0).unit("b", 3)
    pool.work("r", "a", 1, pods=4, minimum=1, on="n", disruptions_allowed=2)
    assert pool.work("x", "b", 1).work("y", "b", 1).work("z", "b", 1).decide().evicted == {"r": 2}
