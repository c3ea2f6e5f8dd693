"""Room that is being freed for a workload is its own until it starts."""

from __future__ import annotations

from scheduling.engine import decide
from scheduling.engine.options import Options

from .builder import Pool


def freed(*, stopping: bool) -> Pool:
    """Node n of 4: devices 0 and 1 are reserved for `big`, and taken by `old` while it is stopping."""
    pool = Pool().node("n", 4).node("other", 4, ready=False).unit("a", 4).unit("b", 4)
    if stopping:
        pool.work("old", "b", 2, on="n", devices=[(0, 1)], stopping=True)
    pool.work("fixed", "b", 2, on="n", devices=[(2, 3)], preemptible=False)
    return pool.work("big", "a", 2, reserved=[("n", (0, 1))])


def test_it_waits_while_the_room_is_occupied() -> None:
    outcome = freed(stopping=True).decide()
    assert outcome.placed == {}
    assert outcome.evicted == {}
    assert outcome.reserved == {}
    assert outcome.reason("big") == ("room_reserved", {"nodes": 1, "pods": 1})


def test_it_starts_there_when_the_room_is_free() -> None:
    outcome = freed(stopping=False).decide()
    assert outcome.placed == {"big": ["n"]}
    assert outcome.devices == {"big": [(0, 1)]}


def test_nobody_else_takes_the_room_however_urgent() -> None:
    pool = freed(stopping=True).work("urgent", "a", 1, priority=1000)
    assert pool.decide().placed == {}


def test_it_goes_first_when_the_room_is_free() -> None:
    pool = freed(stopping=False).work("urgent", "a", 2, priority=1000)
    assert list(pool.decide().placed) == ["big"]


def test_it_may_start_elsewhere_and_leaves_the_room_to_others() -> None:
    pool = freed(stopping=True).node("spare", 2).work("next", "b", 1)
    outcome = pool.decide()
    assert outcome.placed == {"big": ["spare"]}


def test_reserved_and_occupied_room_of_one_device_is_counted_once() -> None:
    pool = Pool().node("n", 1).unit("a", 4)
    pool.work("old", "a", 1, milli=500, on="n", devices=[(0,)], stopping=True)
    pool.work("heir", "a", 1, milli=500, reserved=[("n", (0,))]).work("new", "a", 1, milli=500)
    assert pool.decide().placed == {"heir": ["n"]}


def test_a_lapsed_reservation_holds_nothing() -> None:
    pool = Pool().node("n", 4).unit("a", 4).unit("b", 4).work("big", "a", 4).work("small", "b", 1)
    pool.work("x", "b", 1, on="n", devices=[(0,)])
    assert pool.decide().placed == {"small": ["n"]}


def test_a_workload_whose_reserved_node_is_lost_looks_again() -> None:
    pool = Pool().node("n", 4).node("down", 4, ready=False).unit("a", 4).unit("b", 0)
    pool.work("old", "b", 4, on="n").work("big", "a", 4, reserved=[("down", (0, 1, 2, 3))])
    outcome = pool.decide()
    assert outcome.evicted == {"old": 1}
    assert outcome.reserved == {"big": ["n"]}


def test_a_gang_waits_for_all_of_its_room() -> None:
    pool = Pool().node("n1", 2).node("n2", 2).unit("a", 4).unit("b", 0)
    pool.work("old", "b", 2, on="n1", stopping=True)
    pool.work("gang", "a", 2, pods=2, reserved=[("n1", (0, 1)), ("n2", (0, 1))]).work("small", "b", 1)
    outcome = pool.decide()
    assert outcome.placed == {}
    assert outcome.reason("gang") == ("room_reserved", {"nodes": 2, "pods": 1})


def test_reserved_cores_are_nobody_elses_either() -> None:
    pool = Pool().node("n", 0, cores=4).unit("a", 4).work("old", "a", 0, cores=2, on="n", stopping=True)
    pool.work("big", "a", 0, cores=4, reserved=[("n", ())]).work("small", "a", 0, cores=1)
    outcome = pool.decide()
    assert outcome.placed == {}
    numbers = {"resource": "cpu_millicores", "requested": 1000, "free": 0, "short": 1000}
    assert outcome.reason("small") == ("short", numbers)


def promised() -> Pool:
    """Project a runs eight inside its quota of eight, and was promised four more that b's `old` is leaving."""
    pool = Pool().node("n1", 4).node("n2", 4).node("n3", 4).node("n4", 4).unit("a", 8).unit("b", 1).unit("c", 6)
    for name, node in (("first", "n1"), ("second", "n2")):
        pool.work(name, "a", 2, pods=2, on=[node, node], devices=[(0, 1), (2, 3)])
    pool.work("old", "b", 2, pods=2, on=["n3", "n3"], devices=[(0, 1), (2, 3)], stopping=True)
    pool.work("fixed", "b", 2, on="n4", devices=[(0, 1)], preemptible=False)
    return pool.work("more", "a", 2, pods=2, reserved=[("n3", (0, 1)), ("n3", (2, 3))])


def test_a_promise_beyond_quota_gives_way_before_what_runs_inside_it_is_stopped() -> None:
    outcome = promised().work("due", "c", 2, pods=3).decide()
    assert outcome.evicted == {}
    assert sorted(outcome.reserved["due"]) == ["n3", "n3", "n4"]
    assert len(outcome.decisions.withdrawn) == 2


def test_a_promise_beyond_quota_stands_where_nobody_inside_quota_could_use_the_room() -> None:
    outcome = promised().work("due", "c", 4, pods=2).decide()
    assert outcome.decisions.withdrawn == ()
    assert outcome.reason("more")[0] == "room_reserved"


def test_a_promise_that_helps_nobody_inside_quota_is_lost_to_nobody_else() -> None:
    """`due` is inside its quota, but three on one node are free only once."""
    outcome = promised().work("due", "c", 3, pods=2).work("other", "b", 2, pods=2, priority=90).decide()
    assert (outcome.placed, outcome.evicted, outcome.decisions.withdrawn) == ({}, {}, ())
    assert "other" not in outcome.reserved


def crowded(*, has_started: bool) -> Pool:
    """Two and two GPUs are promised to a, beyond its quota; `due` of c, inside its own, needs four on one node."""
    pool = Pool().unit("a", 8).unit("b", 4).unit("c", 4)
    for node in ("n1", "n2", "n3", "n4"):
        pool.node(node, 4)
    pool.work("first", "a", 4, on="n1").work("second", "a", 4, on="n2")
    for node in ("n3", "n4"):
        pool.work(f"fixed-{node}", "b", 2, on=node, devices=[(0, 1)], preemptible=False)
        if not has_started:
            pool.work(f"old-{node}", "b", 2, on=node, devices=[(2, 3)], stopping=True)
    if has_started:
        pool.work("more", "a", 2, pods=2, on=["n3", "n4"], devices=[(2, 3), (2, 3)], priority=60)
    else:
        pool.work("more", "a", 2, pods=2, reserved=[("n3", (2, 3)), ("n4", (2, 3))])
    return pool.work("due", "c", 4)


def test_nothing_that_runs_inside_quota_is_stopped_for_a_promise_that_does_not_run_yet() -> None:
    outcome = crowded(has_started=False).decide()
    assert (outcome.evicted, outcome.decisions.withdrawn) == ({}, ())
    assert outcome.reason("more")[0] == "room_reserved"
    assert crowded(has_started=True).decide().evicted == {"second": 1}
    assert len(decide(crowded(has_started=False).snapshot(), Options(promises_give_way=False)).evicts) == 1


def test_a_promise_inside_quota_stands() -> None:
    pool = Pool().node("n", 4).unit("a", 4).unit("c", 4)
    pool.work("old", "a", 2, on="n", devices=[(0, 1)], stopping=True)
    pool.work("heir", "a", 2, reserved=[("n", (0, 1))]).work("due", "c", 4)
    assert pool.decide().decisions.withdrawn == ()
