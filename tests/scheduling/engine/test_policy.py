"""Access modes, limits, over quota off, and quota for non-preemptible work."""

from __future__ import annotations

from .builder import Pool


def pool_of(gpus: int = 16) -> Pool:
    return Pool().node("n", gpus)


def test_a_blocked_unit_runs_nothing_not_even_without_gpu() -> None:
    pool = pool_of().unit("shut", 0, over_quota=False).work("x", "shut", 0, cores=1)
    outcome = pool.decide()
    assert outcome.placed == {}
    assert outcome.reason("x") == ("blocked", {"unit": 1})


def test_a_blocked_department_blocks_its_projects() -> None:
    pool = pool_of().unit("dept", 0, over_quota=False).unit("a", 4, "dept").work("x", "a")
    assert pool.decide().reason("x") == ("blocked", {"unit": 1})


def test_best_effort_uses_what_is_idle() -> None:
    pool = pool_of().unit("a", 0).work("x", "a", 2, pods=8, minimum=1)
    assert pool.decide().gpus == {"a": 16}


def test_limits_hold_at_every_level() -> None:
    pool = pool_of().unit("dept", 4, limit=6).unit("a", 4, "dept", limit=4).unit("b", 0, "dept")
    pool.work("in-a", "a", pods=9, minimum=1).work("in-b", "b", pods=9, minimum=1)
    assert pool.decide().gpus == {"dept": 6, "a": 4, "b": 2}


def test_a_limit_of_cores_does_not_hold_back_work_that_asks_for_none() -> None:
    pool = pool_of().unit("a", 8, limit_cores=1).work("above", "a", 0, cores=2, on="n")
    outcome = pool.work("gpu", "a", 1).work("cpu", "a", 0, cores=1).decide()
    assert outcome.placed == {"gpu": ["n"]}
    numbers = {"unit": 1, "resource": "cpu_millicores", "limit": 1000, "allocated": 2000, "requested": 1000}
    assert outcome.reason("cpu") == ("over_limit", numbers)


def test_over_quota_off_stops_a_project_at_its_quota() -> None:
    pool = pool_of().unit("a", 3, over_quota=False).work("x", "a", 2, on="n").work("y", "a", 2)
    numbers = {"unit": 1, "resource": "gpu_milli", "quota": 3000, "allocated": 2000, "requested": 2000}
    assert pool.decide().reason("y") == ("over_quota_off", numbers)


def test_a_department_without_over_quota_lets_its_projects_borrow_inside_its_quota() -> None:
    pool = pool_of().unit("dept", 6, over_quota=False).unit("a", 2, "dept").unit("idle", 4, "dept")
    pool.work("x", "a", pods=9, minimum=1)
    assert pool.decide().gpus == {"dept": 6, "a": 6, "idle": 0}


def test_non_preemptible_work_is_measured_by_non_preemptible_work_alone() -> None:
    pool = pool_of().unit("a", 4).work("spare", "a", 4, on="n").work("fixed", "a", 4, preemptible=False)
    assert pool.decide().placed == {"fixed": ["n"]}


def test_non_preemptible_work_stays_inside_quota_at_every_level() -> None:
    pool = pool_of().unit("dept", 3).unit("a", 4, "dept")
    pool.work("first", "a", 2, on="n", preemptible=False).work("second", "a", 2, preemptible=False)
    numbers = {"unit": 1, "resource": "gpu_milli", "quota": 3000, "allocated": 2000, "requested": 2000}
    assert pool.decide().reason("second") == ("non_preemptible_over_quota", numbers)


def test_three_tenths_are_three_tenths() -> None:
    pool = pool_of().unit("a", 0.3)
    pool.work("first", "a", 1, milli=100, preemptible=False, on="n").work(
        "second", "a", 1, milli=200, preemptible=False
    )
    assert pool.decide().placed == {"second": ["n"]}


def test_reserved_room_counts_against_the_limit() -> None:
    pool = pool_of(8).unit("a", 4, limit=4).unit("b", 4)
    pool.work("old", "b", 4, on="n", stopping=True, devices=[(0, 1, 2, 3)])
    pool.work("first", "a", 4, reserved=[("n", (0, 1, 2, 3))], priority=50).work("second", "a", 4)
    pool.work("other", "b", 3, on="n", devices=[(4, 5, 6)])
    outcome = pool.decide()
    assert outcome.placed == {}
    assert outcome.reason("first") == ("room_reserved", {"nodes": 1, "pods": 1})
    assert outcome.reason("second")[0] == "over_limit"
