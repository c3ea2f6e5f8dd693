"""Which node and which devices take a pod."""

from __future__ import annotations

from dataclasses import replace

from .builder import Pool


def test_binpack_takes_the_fullest_node_that_fits() -> None:
    pool = Pool().node("empty", 8).node("full", 8).node("fuller", 8).unit("a", 24)
    pool.work("x", "a", 5, on="full").work("y", "a", 7, on="fuller").work("new", "a", 2)
    assert pool.decide().placed == {"new": ["full"]}


def test_spread_takes_the_emptiest_node_by_share_of_its_size() -> None:
    pool = Pool().node("small", 4).node("large", 16).unit("a", 24).spread()
    pool.work("x", "a", 1, on="small").work("y", "a", 5, on="large").work("new", "a", 1)
    assert pool.decide().placed == {"new": ["small"]}


def test_equal_nodes_are_told_apart_by_name() -> None:
    pool = Pool().node("n2", 8).node("n1", 8).unit("a", 8).work("new", "a", 1)
    assert pool.decide().placed == {"new": ["n1"]}


def test_whole_devices_are_distinct_and_lowest_first() -> None:
    pool = Pool().node("n", 4).unit("a", 4).work("x", "a", 1, on="n", devices=[(1,)]).work("new", "a", 2)
    assert pool.decide().devices == {"new": [(0, 2)]}


def test_devices_that_others_hold_are_left_alone() -> None:
    """1,300 of the 2,300 milli-GPU that are missing are known by device; the rest comes off the freest, the last."""
    pool = Pool().node("n", 6).unit("a", 6).work("new", "a", 3)
    (node,) = pool.nodes
    pool.nodes = [replace(node, capacity=node.capacity._replace(gpu_milli=3700), taken=((0, 1000), (2, 300)))]
    assert pool.decide().devices == {"new": [(1, 3, 4)]}
    pool.work("half", "a", 1, milli=500)
    assert pool.decide().devices["half"] == [(2,)]


def test_fractions_share_the_open_device_on_binpack() -> None:
    pool = Pool().node("n", 2).unit("a", 2).work("x", "a", 1, milli=500, on="n", devices=[(1,)])
    pool.work("new", "a", 1, milli=500)
    assert pool.decide().devices == {"new": [(1,)]}


def test_fractions_open_an_empty_device_on_spread() -> None:
    pool = Pool().node("n", 2).unit("a", 2).work("x", "a", 1, milli=500, on="n", devices=[(0,)]).spread()
    pool.work("new", "a", 1, milli=500)
    assert pool.decide().devices == {"new": [(1,)]}


def test_a_fraction_goes_to_an_open_device_of_another_node_before_it_opens_one() -> None:
    pool = Pool().node("fuller", 8).node("shared", 8).unit("a", 24).work("x", "a", 7, on="fuller")
    pool.work("y", "a", 1, milli=300, on="shared", devices=[(0,)]).work("new", "a", 1, milli=700)
    outcome = pool.decide()
    assert outcome.placed == {"new": ["shared"]}
    assert outcome.devices == {"new": [(0,)]}


def test_a_fraction_does_not_straddle_devices() -> None:
    pool = Pool().node("n", 2).unit("a", 4)
    pool.work("x", "a", 1, milli=600, pods=2, on="n", devices=[(0,), (1,)]).work("new", "a", 1, milli=500)
    assert pool.decide().placed == {}


def test_the_same_part_of_several_devices_is_taken_from_distinct_ones() -> None:
    pool = Pool().node("n", 2).unit("a", 4).work("new", "a", 2, milli=500)
    assert pool.decide().devices == {"new": [(0, 1)]}


def test_work_without_gpu_leaves_gpu_nodes_alone_where_it_can() -> None:
    pool = Pool().node("gpu", 8, cores=8).node("cpu", 0, cores=64).unit("a", 8)
    pool.work("small", "a", 0, cores=8)
    assert pool.decide().placed == {"small": ["cpu"]}


def test_cpu_work_is_packed_by_cores() -> None:
    pool = Pool().node("n1", 0, cores=64).node("n2", 0, cores=64).unit("a", 8)
    pool.work("x", "a", 0, cores=32, on="n2").work("new", "a", 0, cores=8)
    assert pool.decide().placed == {"new": ["n2"]}


def test_nodes_that_are_not_ready_take_nothing() -> None:
    pool = Pool().node("down", 8, ready=False).unit("a", 8).work("new", "a", 1)
    assert pool.decide().placed == {}


def test_cores_memory_and_pod_slots_bind_like_gpus() -> None:
    pool = (
        Pool().node("cores", 8, cores=1).node("memory", 8, gib=1).node("slots", 8, pods=0).node("fits", 8).unit("a", 8)
    )
    pool.work("new", "a", 1, cores=2, gib=2)
    assert pool.decide().placed == {"new": ["fits"]}


def test_pods_that_are_stopping_keep_their_room_but_not_their_share() -> None:
    pool = Pool().node("n", 4).unit("a", 4, limit=4).work("old", "a", 3, on="n", stopping=True).work("new", "a", 2)
    outcome = pool.decide()
    assert outcome.placed == {}
    assert outcome.gpus == {"a": 0}


def test_pods_found_without_devices_take_the_lowest_free_ones() -> None:
    pool = Pool().node("n", 4).unit("a", 4).work("found", "a", 2, on="n")
    pool.work("known", "a", 1, on="n", devices=[(0,)]).work("new", "a", 1)
    assert pool.decide().devices == {"new": [(3,)]}


def test_an_over_full_node_is_endured_and_not_made_worse() -> None:
    pool = (
        Pool()
        .node("n", 2)
        .unit("a", 8)
        .work("x", "a", 2, pods=2, on="n")
        .work("gpu", "a", 1)
        .work("cpu", "a", 0, cores=1)
    )
    assert pool.decide().placed == {"cpu": ["n"]}


def test_pods_of_other_schedulers_take_room_from_nobodys_quota() -> None:
    pool = Pool().node("n", 8).unit("a", 4)
    node = pool.nodes[0]
    pool.nodes[0] = node.__class__(node.id, node.name, 8, node.capacity._replace(gpu_milli=5000), node.pod_slots)
    pool.work("new", "a", 1, pods=8, minimum=1)
    outcome = pool.decide()
    assert len(outcome.placed["new"]) == 5
    assert outcome.fair == {"a": 5}
