"""What time alone decides: minimum runtimes, preemption delay, pauses, staleness."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .builder import MINUTE, NOW, Pool


def timed(pool: Pool, name: str, **settings: Any) -> Pool:
    pool.workloads[name] = replace(pool.workloads[name], **settings)
    return pool


def lender(pool: Pool | None = None, **settings: Any) -> Pool:
    """`x` of b started five minutes ago and holds what a is due."""
    pool = (pool or Pool()).node("n", 2).unit("a", 2).unit("b", 0, **settings)
    return pool.work("x", "b", 2, on="n", started_ago_ms=5 * MINUTE).work("due", "a", 2)


def test_the_minimum_runtime_of_the_pool() -> None:
    assert lender(Pool(min_runtime_ms=6 * MINUTE)).decide().evicted == {}
    assert lender(Pool(min_runtime_ms=5 * MINUTE)).decide().evicted == {"x": 1}


def test_a_unit_has_its_own_for_reclaim() -> None:
    assert lender(reclaim_min_runtime_ms=6 * MINUTE).decide().evicted == {}
    assert lender(Pool(min_runtime_ms=60 * MINUTE), reclaim_min_runtime_ms=0).decide().evicted == {"x": 1}
    assert lender(preempt_min_runtime_ms=60 * MINUTE).decide().evicted == {"x": 1}


def test_for_reclaim_the_level_below_the_common_ancestor_counts_and_upwards() -> None:
    def outcome(**of: dict[str, int]) -> dict[str, int]:
        pool = Pool().node("n", 2).unit("red", 2).unit("blue", 0, **of.get("blue", {}))
        pool.unit("a", 2, "red").unit("b", 0, "blue", **of.get("b", {}))
        pool.work("x", "b", 2, on="n", started_ago_ms=5 * MINUTE).work("due", "a", 2)
        return dict(pool.decide().evicted)

    assert outcome(b={"reclaim_min_runtime_ms": 60 * MINUTE}) == {"x": 1}
    assert outcome(blue={"reclaim_min_runtime_ms": 60 * MINUTE}) == {}


def test_for_preemption_the_nearest_value_upwards_counts() -> None:
    pool = Pool().node("n", 2).unit("d", 2, preempt_min_runtime_ms=60 * MINUTE).unit("a", 2, "d")
    pool.work("low", "a", 2, on="n", priority=10, started_ago_ms=5 * MINUTE).work("high", "a", 2, priority=90)
    assert pool.decide().evicted == {}


def test_pods_above_the_minimum_may_go_all_the_same() -> None:
    pool = Pool(min_runtime_ms=60 * MINUTE).node("n", 4).unit("a", 2).unit("b", 0)
    pool.work("x", "b", 1, pods=4, minimum=2, on=["n"] * 4, started_ago_ms=MINUTE)
    assert pool.work("due", "a", 2).decide().evicted == {"x": 2}
    assert pool.work("more", "a", 1).decide().evicted == {"x": 2}


def test_nobody_is_stopped_before_the_preemption_delay_is_over() -> None:
    assert timed(lender(), "due", displaces_after_ms=NOW + 1).decide().evicted == {}
    assert timed(lender(), "due", displaces_after_ms=NOW).decide().evicted == {"x": 1}


def test_who_backs_off_is_left_out_and_says_until_when() -> None:
    pool = Pool().node("n", 2).unit("a", 2).work("x", "a")
    outcome = timed(pool, "x", backs_off_until_ms=NOW + MINUTE).decide()
    assert outcome.placed == {}
    assert outcome.reason("x") == ("backing_off", {"until_ms": NOW + MINUTE})
    assert timed(pool, "x", backs_off_until_ms=NOW).decide().placed == {"x": ["n"]}


def test_what_runs_below_its_minimum_too_long_is_stopped() -> None:
    pool = Pool(staleness_grace_ms=MINUTE).node("n", 1).unit("a", 2)
    pool.work("x", "a", 1, pods=2, on=["n"], preemptible=False)
    assert timed(pool, "x", stale_since_ms=NOW - MINUTE + 1).decide().evicted == {}
    outcome = timed(pool, "x", stale_since_ms=NOW - MINUTE).decide()
    assert outcome.evicted == {"x": 1}
    assert outcome.decisions.evicts[0].numbers == {"since_ms": NOW - MINUTE, "grace_ms": MINUTE}


def test_staleness_has_a_grace_of_its_own_and_spares_what_has_succeeded_in_part() -> None:
    pool = Pool(staleness_grace_ms=MINUTE).node("n", 1).unit("a", 2).work("x", "a", 1, pods=2, on=["n"])
    timed(pool, "x", stale_since_ms=NOW - 10 * MINUTE)
    assert timed(pool, "x", staleness_grace_ms=60 * MINUTE).decide().evicted == {}
    assert timed(pool, "x", staleness_grace_ms=None, has_succeeded_pods=True).decide().evicted == {}
    assert timed(pool, "x", has_succeeded_pods=False).decide().evicted == {"x": 1}
    pool.settings["staleness_grace_ms"] = None
    assert pool.decide().evicted == {}
