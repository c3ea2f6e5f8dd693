"""Why something waits: the figures are those of the pool after the cycle."""

from __future__ import annotations

from scheduling.engine.decisions import Decisions

from .builder import GIB, Pool


def test_no_node_at_all_or_none_ready() -> None:
    assert Pool().unit("a", 4).work("x", "a").decide().reason("x") == ("no_ready_node", {"nodes": 0})
    pool = Pool().node("n", 4, ready=False).unit("a", 4).work("x", "a")
    assert pool.decide().reason("x") == ("no_ready_node", {"nodes": 1})


def test_an_empty_pool_decides_nothing() -> None:
    assert Pool().decide().decisions == Decisions()


def test_no_node_is_big_enough() -> None:
    pool = Pool().node("n1", 4, gib=64).node("n2", 8, gib=32).unit("a", 16)
    pool.work("gpus", "a", 9).work("memory", "a", 1, gib=65).work("both", "a", 8, gib=64)
    outcome = pool.decide()
    assert outcome.reason("gpus") == ("never_fits", {"resource": "gpu_milli", "requested": 9000, "largest": 8000})
    memory = {"resource": "memory_bytes", "requested": 65 * GIB, "largest": 64 * GIB}
    assert outcome.reason("memory") == ("never_fits", memory)
    both = {"resource": "memory_bytes", "requested": 64 * GIB, "largest": 32 * GIB}
    assert outcome.reason("both") == ("never_fits", both)


def test_distinct_devices_count_not_their_sum() -> None:
    pool = Pool().node("n", 1).unit("a", 4).work("x", "a", 2, milli=500)
    assert pool.decide().reason("x") == ("never_fits", {"resource": "gpu_milli", "requested": 1000, "largest": 500})


def test_the_pool_is_short() -> None:
    pool = Pool().node("n", 8).unit("a", 8).work("running", "a", 6, on="n").work("x", "a", 2, pods=2)
    numbers = {"resource": "gpu_milli", "requested": 4000, "free": 2000, "short": 2000}
    assert pool.decide().reason("x") == ("short", numbers)


def test_stopping_and_reserved_room_is_not_free() -> None:
    pool = Pool().node("n", 4).unit("a", 4).unit("b", 4)
    pool.work("old", "b", 2, on="n", devices=[(0, 1)], stopping=True)
    pool.work("heir", "b", 2, reserved=[("n", (0, 1))], preemptible=False)
    pool.work("other", "b", 1, on="n", preemptible=False).work("x", "a", 3)
    numbers = {"resource": "gpu_milli", "requested": 3000, "free": 1000, "short": 2000}
    assert pool.decide().reason("x") == ("short", numbers)


def test_enough_in_sum_but_not_together() -> None:
    pool = Pool().node("n1", 4).node("n2", 4).unit("a", 8)
    pool.work("r1", "a", 3, on="n1", preemptible=False).work("r2", "a", 1, on="n2", preemptible=False).work(
        "x", "a", 2, pods=2
    )
    numbers = {"resource": "gpu_milli", "requested": 2000, "pods": 2, "slots": 1, "free": 4000, "largest": 3000}
    assert pool.decide().reason("x") == ("fragmented", numbers)


def test_parts_of_devices_do_not_make_a_whole_one() -> None:
    pool = Pool().node("n", 2).unit("a", 8)
    pool.work("half", "a", 1, milli=500, pods=2, on="n", devices=[(0,), (1,)], preemptible=False)
    numbers = {"resource": "gpu_milli", "requested": 1000, "pods": 1, "slots": 0, "free": 1000, "largest": 0}
    assert pool.work("x", "a", 1).decide().reason("x") == ("fragmented", numbers)


def test_the_resource_that_is_missing_where_the_others_are() -> None:
    pool = Pool().node("n1", 4, cores=4).node("n2", 4, cores=4).node("cpu", 0, cores=64).unit("a", 8)
    pool.work("r1", "a", 1, cores=3, on="n1").work("r2", "a", 1, cores=3, on="n2").work("x", "a", 1, cores=2)
    numbers = {"resource": "cpu_millicores", "requested": 2000, "pods": 1, "slots": 0, "free": 66000, "largest": 64000}
    assert pool.decide().reason("x") == ("fragmented", numbers)


def test_pod_slots() -> None:
    pool = Pool().node("n", 4, pods=1).unit("a", 8).work("r", "a", 1, on="n").work("x", "a", 1)
    numbers = {"resource": "pods", "requested": 1, "pods": 1, "slots": 0, "free": 0, "largest": 0}
    assert pool.decide().reason("x") == ("fragmented", numbers)


def test_the_smaller_pods_of_a_gang_are_judged_beside_the_larger() -> None:
    """The four cores on n2 are taken by the larger pod; those of n1 have no GPU beside them."""
    pool = Pool().node("n1", 1, cores=8).node("n2", 4, cores=4).unit("a", 8)
    pool.work("r", "a", 1, on="n1", preemptible=False).work("x", "a", 3, cores=4).group("x", 1, pods=1, cores=1)
    numbers = {"resource": "gpu_milli", "requested": 1000, "pods": 1, "slots": 0, "free": 1000, "largest": 1000}
    assert pool.decide().reason("x") == ("fragmented", numbers)


def test_growth_above_the_minimum_is_no_waiting() -> None:
    pool = Pool().node("n", 2).unit("a", 8).work("x", "a", 1, pods=4, minimum=2, on=["n", "n"])
    assert pool.decide().waits == {}


def test_a_limit_is_named_before_the_hardware() -> None:
    pool = Pool().node("n", 2).unit("a", 2, limit=2).work("r", "a", 2, on="n").work("x", "a", 1)
    assert pool.decide().reason("x")[0] == "over_limit"
