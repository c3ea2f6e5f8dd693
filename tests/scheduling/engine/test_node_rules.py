"""Where a pod may run: node selector and affinity, taints, GPU memory, other pods."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from scheduling.engine.types import NODE_NAME, Operator, PodRule, Requirement, Taint, Toleration

from .builder import GPU, Pool


def node(pool: Pool, name: str, gpus: int = 4, **settings: Any) -> Pool:
    pool.node(name, gpus)
    pool.nodes[-1] = replace(pool.nodes[-1], **settings)
    return pool


def asks(pool: Pool, name: str, **request: Any) -> Pool:
    workload = pool.workloads[name]
    groups = tuple(replace(group, request=replace(group.request, **request)) for group in workload.sub_groups)
    pool.workloads[name] = replace(workload, sub_groups=groups)
    return pool


def in_rack(rack: str) -> tuple[tuple[str, str], ...]:
    return (("rack", rack),)


def test_all_requirements_of_one_term() -> None:
    pool = Pool().unit("a", 8)
    node(pool, "n1", labels=(("disk", "ssd"), ("gen", "2")))
    node(pool, "n2", labels=(("disk", "ssd"), ("gen", "4")))
    pool.work("x", "a")
    terms = (
        (Requirement("disk", Operator.IN, ("hdd",)),),
        (Requirement("disk", Operator.EXISTS), Requirement("gen", Operator.GREATER, ("3",))),
    )
    assert asks(pool, "x", nodes=terms).decide().placed == {"x": ["n2"]}
    by_name = ((Requirement(NODE_NAME, Operator.NOT_IN, ("n2",)),),)
    assert asks(pool, "x", nodes=by_name).decide().placed == {"x": ["n1"]}


def test_no_node_that_the_selector_allows() -> None:
    pool = node(Pool().unit("a", 8), "n").work("x", "a")
    asks(pool, "x", nodes=((Requirement("gen", Operator.LESS, ("3",)),),))
    assert pool.decide().reason("x") == ("no_matching_node", {"nodes": 1, "by": "selector"})


def test_taints_keep_off_who_does_not_tolerate_them() -> None:
    pool = node(Pool().unit("a", 8), "n", taints=(Taint("team", "vision"),)).work("x", "a")
    assert pool.decide().reason("x") == ("no_matching_node", {"nodes": 1, "by": "taints"})
    assert asks(pool, "x", tolerations=(Toleration("team", "speech", exists=False),)).decide().placed == {}
    assert asks(pool, "x", tolerations=(Toleration("team", "vision", exists=False),)).decide().placed == {"x": ["n"]}


def test_gpu_memory_is_a_different_part_of_each_kind_of_device() -> None:
    pool = node(Pool().unit("a", 8), "small", 1, device_memory_mib=16_000)
    node(pool, "large", 1, device_memory_mib=80_000)
    pool.work("x", "a", pods=3)
    outcome = asks(pool, "x", device_memory_mib=20_000).decide()
    assert outcome.placed == {"x": ["large"] * 3}
    assert outcome.gpus == {"a": 0.75}


def test_three_thirds_of_a_device_fit() -> None:
    pool = node(Pool().unit("a", 8), "n", 1, device_memory_mib=10_000).work("x", "a", pods=3)
    assert asks(pool, "x", device_memory_mib=3333).decide().placed == {"x": ["n"] * 3}
    assert asks(pool, "x", device_memory_mib=3334).decide().placed == {}


def test_gpu_memory_needs_nodes_that_tell_theirs() -> None:
    pool = node(Pool().unit("a", 8), "n").work("x", "a")
    assert asks(pool, "x", device_memory_mib=1000).decide().placed == {}


def test_apart_holds_for_both_sides() -> None:
    pool = Pool().unit("a", 8)
    for name, rack in (("n1", "r"), ("n2", "r"), ("n3", "s")):
        node(pool, name, labels=in_rack(rack))
    pool.work("loner", "a", on="n1").work("plain", "a", 2)
    loner = PodRule("rack", (("app", "web"),))
    asks(pool, "loner", apart=(loner,))
    asks(pool, "plain", labels=(("app", "web"),))
    assert pool.decide().placed == {"plain": ["n3"]}


def test_pods_that_keep_apart_from_their_own_kind() -> None:
    pool = Pool().unit("a", 8)
    for number in range(3):
        node(pool, f"n{number}", labels=in_rack(str(number)))
    pool.work("x", "a", pods=4, minimum=1)
    web = (("app", "web"),)
    outcome = asks(pool, "x", labels=web, apart=(PodRule("rack", web),)).decide()
    assert sorted(outcome.placed["x"]) == ["n0", "n1", "n2"]


def test_together_the_first_one_goes_anywhere_and_the_others_to_it() -> None:
    pool = Pool().unit("a", 8)
    for name, rack in (("n1", "r"), ("n2", "s"), ("n3", "s")):
        node(pool, name, 2, labels=in_rack(rack))
    pool.work("data", "a", 1, on="n3").work("x", "a", pods=3)
    web = (("app", "web"),)
    asks(pool, "data", labels=(("app", "data"),))
    outcome = asks(pool, "x", together=(PodRule("rack", (("app", "data"),)),)).decide()
    assert set(outcome.placed["x"]) == {"n2", "n3"}
    assert len(asks(pool, "x", labels=web, together=(PodRule("rack", web),)).decide().placed["x"]) == 3


def test_nobody_to_be_together_with() -> None:
    pool = node(Pool().unit("a", 8), "n", labels=in_rack("r")).work("x", "a")
    asks(pool, "x", together=(PodRule("rack", (("app", "data"),)),))
    assert pool.decide().reason("x") == ("no_matching_node", {"nodes": 1, "by": "pods"})


def test_several_shares_of_one_pod_are_of_distinct_devices() -> None:
    pool = node(Pool().unit("a", 8), "n", 2).work("x", "a", 2, milli=400, pods=2)
    outcome = pool.decide()
    assert outcome.devices["x"] == [(0, 1), (0, 1)]
    assert outcome.gpus == {"a": 4 * 400 / GPU}
