"""Who is served next: one free GPU, several who want it."""

from __future__ import annotations

from .builder import Pool


def winner(pool: Pool) -> list[str]:
    return list(pool.decide().placed)


def test_within_fair_share_before_beyond_it() -> None:
    """Beyond it means above it in every resource: a little more of one is no reason to come last."""
    pool = Pool().node("n", 4, cores=4, gib=4).unit("above", 0, quota_cores=0).unit("other", 0, quota_cores=0)
    pool.work("held", "above", 2, cores=2, gib=2, on="n").work("more", "above", 1, cores=1, gib=1)
    pool.work("due", "other", 2, cores=2, gib=2)
    assert winner(pool) == ["due"]


def test_rank_before_a_fair_share_of_nothing() -> None:
    pool = Pool().node("free", 1).unit("senior", 0, rank=1, weight_milli=0).unit("a", 0)
    pool.work("senior's", "senior").work("other", "a")
    assert winner(pool) == ["senior's"]


def test_within_quota_before_spare() -> None:
    pool = Pool().node("used", 7).node("free", 1).unit("a", 0, rank=2).unit("b", 3).unit("rest", 0, weight_milli=0)
    pool.work("x", "a", 1, on="used").work("y", "b", 2, on="used").work("z", "rest", 4, on="used", preemptible=False)
    outcome = pool.work("spare", "a", 1).work("due", "b", 1).decide()
    assert outcome.fair["a"] == 2
    assert list(outcome.placed) == ["due"]


def test_rank_before_share() -> None:
    pool = Pool().node("used", 7).node("free", 1).unit("low", 0).unit("high", 0, rank=1).unit("rest", 0, weight_milli=0)
    pool.work("x", "high", 2, on="used").work("y", "low", 1, on="used").work(
        "z", "rest", 4, on="used", preemptible=False
    )
    outcome = pool.work("of-low", "low").work("of-high", "high").decide()
    assert outcome.fair == {"high": 3, "low": 2, "rest": 0}
    assert list(outcome.placed) == ["of-high"]


def test_lower_share_of_the_entitlement_first() -> None:
    pool = Pool().node("used", 5).node("free", 1).unit("a", 4).unit("b", 4)
    pool.work("x", "a", 3, on="used").work("y", "b", 2, on="used").work("of-a", "a").work("of-b", "b")
    assert winner(pool) == ["of-b"]


def test_departments_are_compared_before_projects() -> None:
    pool = Pool().node("used", 5).node("free", 1).unit("red", 6).unit("blue", 6)
    pool.unit("r1", 3, "red").unit("r2", 3, "red").unit("b1", 6, "blue")
    pool.work("x", "r1", 3, on="used").work("y", "b1", 2, on="used").work("of-r2", "r2").work("of-b1", "b1")
    assert winner(pool) == ["of-b1"]


def test_the_older_unit_at_equal_shares() -> None:
    pool = Pool().node("free", 1).unit("older", 1).unit("younger", 1).work("y", "younger").work("x", "older")
    assert winner(pool) == ["x"]


def test_priority_inside_a_project() -> None:
    pool = Pool().node("free", 1).unit("a", 1).work("first", "a", priority=50).work("urgent", "a", priority=100)
    assert winner(pool) == ["urgent"]


def test_priority_means_nothing_across_projects() -> None:
    pool = Pool().node("free", 1).unit("older", 1).unit("younger", 1)
    pool.work("x", "older", priority=1).work("y", "younger", priority=100)
    assert winner(pool) == ["x"]


def test_the_older_workload_at_equal_priority() -> None:
    pool = Pool().node("free", 1).unit("a", 1).work("first", "a").work("second", "a")
    assert winner(pool) == ["first"]


def test_what_does_not_fit_does_not_hold_up_what_does() -> None:
    pool = Pool().node("free", 1).unit("a", 8).work("large", "a", 2).work("small", "a", 1)
    assert winner(pool) == ["small"]


def test_shares_come_in_serving_order_with_projects_below_their_department() -> None:
    pool = (
        Pool()
        .node("n", 12)
        .unit("red", 6)
        .unit("blue", 6)
        .unit("r1", 3, "red")
        .unit("r2", 3, "red")
        .unit("b1", 6, "blue")
    )
    pool.work("x", "r1", 3, on="n").work("y", "r2", 1, on="n").work("z", "b1", 1, on="n")
    names = {unit.id: unit.name for unit in pool.units.values()}
    assert [names[share.unit] for share in pool.decide().decisions.shares] == ["blue", "b1", "red", "r2", "r1"]
