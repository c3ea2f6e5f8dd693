"""What Submit answers before anything is submitted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from scheduling.asking import Ask, FreeNodes, Room, Standing
from scheduling.engine.decisions import WaitCode
from scheduling.engine.types import Amounts, Bounds, Request, Taint, Toleration
from scheduling.forecast import Forecast, Outcome, forecast

GIB = 1024**3
PROJECT = Standing(
    1,
    "vision",
    quota=Bounds(12_000, None, None),
    allocated=Amounts(8000, 0, 0),
    fair_share=Amounts(12_000, 0, 0),
)
DEPARTMENT = Standing(2, "research", quota=Bounds(40_000, None, None), allocated=Amounts(20_000, 0, 0))
LARGE = {"cpu_millicores": 128_000, "memory_bytes": 1024 * GIB}
ROOM = Room(
    nodes=4,
    ready=4,
    free=Amounts(16_000, 512_000, 4096 * GIB),
    largest_node=Amounts(8000, 128_000, 1024 * GIB),
    free_nodes=(FreeNodes(1, 8, **LARGE), FreeNodes(2, 4, **LARGE), FreeNodes(1, 0, **LARGE)),
)


def ask(devices: int = 4, pods: int = 1, preemptible: bool = True, **request: Any) -> Ask:
    values = {"cpu_millicores": 1000, "memory_bytes": GIB} | request
    return Ask(Request(devices=devices, **values), pods, pods, preemptible)


def answer(asked: Ask, project: Standing = PROJECT, department: Standing = DEPARTMENT, room: Room = ROOM) -> Forecast:
    return forecast(asked, [project, department], room)


def test_inside_quota_and_room_starts_now_all_guaranteed() -> None:
    found = answer(ask(4))
    assert (found.outcome, found.guaranteed_milli, found.over_milli) == (Outcome.NOW, 4000, 0)
    assert [step.sign for step in found.steps] == ["check"] * 4
    assert found.guarantee.text == "4 of 12 left"
    assert found.fair_share.text == "12 of 12"


def test_beyond_quota_is_told_apart() -> None:
    found = answer(ask(8))
    assert (found.outcome, found.guaranteed_milli, found.over_milli) == (Outcome.NOW, 4000, 4000)
    assert found.guarantee.sign == "weak"
    assert found.guarantee.note == "the other 4 GPUs would be over quota"
    assert found.fair_share.sign == "weak"


def test_the_departments_quota_bounds_what_is_guaranteed() -> None:
    found = answer(ask(4), department=replace(DEPARTMENT, allocated=Amounts(39_000, 0, 0)))
    assert (found.guaranteed_milli, found.over_milli) == (1000, 3000)
    assert found.guarantee.text == "1 of 40 left in research"


def test_what_a_sibling_borrows_takes_nothing_from_the_guarantee() -> None:
    full = replace(DEPARTMENT, allocated=Amounts(40_000, 0, 0), borrowed_gpu_milli=6000)
    found = answer(ask(4), department=full)
    assert (found.guaranteed_milli, found.over_milli) == (4000, 0)
    assert found.guarantee.text == "4 of 12 left"


@pytest.mark.parametrize(
    ("project", "asked", "code", "numbers"),
    [
        (replace(PROJECT, blocked=True), ask(1), WaitCode.BLOCKED, {"unit": 1}),
        (
            replace(PROJECT, limit=Bounds(10_000, None, None)),
            ask(4),
            WaitCode.OVER_LIMIT,
            {"unit": 1, "resource": "gpu_milli", "limit": 10_000, "allocated": 8000, "requested": 4000},
        ),
        (
            replace(PROJECT, over_quota=False),
            ask(8),
            WaitCode.OVER_QUOTA_OFF,
            {"unit": 1, "resource": "gpu_milli", "quota": 12_000, "allocated": 8000, "requested": 8000},
        ),
        (
            replace(PROJECT, non_preemptible=Amounts(6000, 0, 0)),
            ask(8, preemptible=False),
            WaitCode.NON_PREEMPTIBLE_OVER_QUOTA,
            {"unit": 1, "resource": "gpu_milli", "quota": 12_000, "allocated": 6000, "requested": 8000},
        ),
    ],
)
def test_rules_of_the_unit_stop_it(project: Standing, asked: Ask, code: WaitCode, numbers: dict[str, Any]) -> None:
    found = answer(asked, project)
    assert (found.outcome, found.code, dict(found.numbers)) == (Outcome.WAITS, code, numbers)
    assert found.room.sign == "dash"


def test_a_limit_further_up_counts_too() -> None:
    found = answer(ask(4), department=replace(DEPARTMENT, limit=Bounds(22_000, None, None)))
    assert (found.code, found.numbers["unit"]) == (WaitCode.OVER_LIMIT, 2)
    assert found.limit.note == "would pass the limit of research"


def test_non_preemptible_inside_quota_starts() -> None:
    assert answer(ask(4, preemptible=False)).outcome is Outcome.NOW


def test_work_without_gpus_needs_no_gpu_quota() -> None:
    blocked_gpus = replace(PROJECT, quota=Bounds(0, None, None), allocated=Amounts())
    found = answer(ask(0), blocked_gpus)
    assert (found.outcome, found.over_milli) == (Outcome.NOW, 0)
    assert found.guarantee.text == "No GPUs asked for"


def test_short_of_room() -> None:
    found = answer(ask(8, pods=3), replace(PROJECT, quota=Bounds(0, None, None)))
    assert (found.outcome, found.code) == (Outcome.WAITS, WaitCode.SHORT)
    assert (found.numbers["short"], found.numbers["free"]) == (8000, 16_000)
    assert found.room.text == "8 short"


def test_enough_in_sum_but_not_on_one_node() -> None:
    found = answer(ask(8, pods=2), replace(PROJECT, quota=Bounds(0, None, None)))
    assert (found.outcome, found.code) == (Outcome.WAITS, WaitCode.FRAGMENTED)
    assert (found.numbers["slots"], found.numbers["largest"]) == (1, 8000)
    assert found.room.note == "16 free, room for 1 of 2 pods"


def test_what_is_lent_comes_back_to_who_is_guaranteed() -> None:
    full = replace(ROOM, free=Amounts(0, 512_000, 4096 * GIB), free_nodes=(FreeNodes(4, 0, **LARGE),), lent_milli=6000)
    assert answer(ask(4), room=full).outcome is Outcome.AFTER_RECLAIM
    assert answer(ask(8), room=full).outcome is Outcome.WAITS, "over quota takes nothing back"
    assert answer(ask(4), room=replace(full, lent_milli=2000)).outcome is Outcome.WAITS


@pytest.mark.parametrize(
    ("request_fields", "resource"),
    [
        ({"devices": 9}, "gpu_milli"),
        ({"cpu_millicores": 200_000}, "cpu_millicores"),
        ({"memory_bytes": 2048 * GIB}, "memory_bytes"),
    ],
)
def test_bigger_than_every_node_never_starts(request_fields: dict[str, int], resource: str) -> None:
    found = answer(ask(**request_fields))
    assert (found.outcome, found.code, found.numbers["resource"]) == (Outcome.NEVER, WaitCode.NEVER_FITS, resource)


def test_a_pool_without_nodes_and_one_without_ready_nodes() -> None:
    assert answer(ask(1), room=replace(ROOM, nodes=0, ready=0)).outcome is Outcome.NEVER
    found = answer(ask(1), room=replace(ROOM, ready=0))
    assert (found.outcome, found.code) == (Outcome.WAITS, WaitCode.NO_READY_NODE)


@pytest.mark.parametrize(
    ("slots", "free_share", "pods", "fits"),
    [({}, 500, 1, True), ({}, 400, 1, False), ({1: 1}, 0, 2, True), ({1: 1}, 0, 3, False), ({1: 1}, 500, 3, True)],
)
def test_shares_of_a_device(slots: dict[int, int], free_share: int, pods: int, fits: bool) -> None:
    free = [FreeNodes(number, size, free_share, **LARGE) for size, number in slots.items()]
    room = replace(ROOM, free_nodes=(*free, FreeNodes(1, 0, 0 if free else free_share, **LARGE)))
    asked = ask(1, pods=pods, device_milli=500)
    assert (answer(asked, room=room).outcome is Outcome.NOW) is fits


def test_gpu_memory_is_a_share_of_the_pools_largest_gpu() -> None:
    asked = ask(1, device_memory_mib=20 * 1024)
    large = tuple(replace(nodes, device_memory_mib=80 * 1024) for nodes in ROOM.free_nodes)
    room = replace(ROOM, device_memory_mib=80 * 1024, free_nodes=large)
    found = answer(asked, room=room)
    assert (found.outcome, found.guaranteed_milli) == (Outcome.NOW, 250)
    never = answer(asked, room=replace(ROOM, device_memory_mib=16 * 1024))
    assert (never.outcome, never.code) == (Outcome.NEVER, WaitCode.NEVER_FITS)
    assert never.room.text == "Nodes have 16 GiB of GPU memory"
    assert never.room.note == "each pod asks for 20 GiB"


def test_all_groups_have_to_find_room() -> None:
    launcher = Request(devices=0, cpu_millicores=2000, memory_bytes=GIB)
    asked = replace(ask(8), others=((launcher, 1, 1), (Request(devices=4, cpu_millicores=1000), 3, 1)))
    assert asked.least == Amounts(12_000, 4000, 2 * GIB)
    assert answer(asked).outcome is Outcome.NOW
    more = replace(asked, others=((Request(devices=4, cpu_millicores=1000), 3, 3),))
    found = answer(more)
    assert (found.code, found.numbers["short"]) == (WaitCode.SHORT, 4000)
    never = answer(replace(asked, others=((Request(devices=9), 1, 1),)))
    assert (never.outcome, never.numbers["requested"]) == (Outcome.NEVER, 9000)


def test_labels_that_no_node_has() -> None:
    asked = replace(ask(1), node_labels={"rack": "r7"})
    in_r7 = FreeNodes(1, 1, **LARGE, labels=(("rack", "r7"),))
    room = replace(ROOM, matching_nodes=1, free_nodes=(*ROOM.free_nodes, in_r7))
    assert answer(asked, room=room).outcome is Outcome.NOW
    full = answer(replace(asked, pods=2, min_members=2), room=room)
    assert (full.outcome, full.code, full.numbers["slots"]) == (Outcome.WAITS, WaitCode.FRAGMENTED, 1)
    found = answer(asked)
    assert (found.outcome, found.code) == (Outcome.NEVER, WaitCode.NO_MATCHING_NODE)
    assert found.room.text == "No node has the labels"


def test_gpu_memory_counts_by_kind_of_gpu() -> None:
    """The pool's largest GPUs are all in use; what is free are small ones."""
    small = FreeNodes(1, 1, **LARGE, device_memory_mib=16 * 1024)
    room = replace(ROOM, device_memory_mib=80 * 1024, free_nodes=(small,))
    assert answer(ask(1, device_memory_mib=20 * 1024), room=room).outcome is Outcome.WAITS
    assert answer(ask(1, device_memory_mib=8 * 1024), room=room).outcome is Outcome.NOW
    two = ask(1, pods=2, device_memory_mib=8 * 1024)
    assert answer(two, room=room).outcome is Outcome.NOW
    assert answer(replace(two, pods=3, min_members=3), room=room).outcome is Outcome.WAITS


def test_a_topology_level_has_to_have_room_in_one_domain() -> None:
    racks = tuple(FreeNodes(2, 4, **LARGE, labels=(("rack", rack),)) for rack in ("r1", "r2"))
    room = replace(ROOM, free_nodes=(*racks, FreeNodes(1, 4, **LARGE)))
    together = replace(ask(4, pods=2), level="rack")
    assert answer(together, room=room).outcome is Outcome.NOW
    three = ask(4, pods=3)
    assert answer(three, room=room).outcome is Outcome.NOW
    found = answer(replace(three, level="rack"), room=room)
    assert (found.outcome, found.code) == (Outcome.WAITS, WaitCode.TOPOLOGY)
    assert dict(found.numbers) == {"level": "rack", "pods": 3, "slots": 2, "domains": 2}


def test_what_no_summary_tells_of_is_not_known() -> None:
    labels = {"kubernetes.io/hostname": "n1"}
    found = answer(replace(ask(1), node_labels=labels), room=replace(ROOM, matching_nodes=1))
    assert (found.outcome, found.code) == (Outcome.NOT_KNOWN, None)


def test_taints_that_it_does_not_tolerate() -> None:
    tainted = tuple(replace(nodes, taints=(Taint("gpu", "yes"),)) for nodes in ROOM.free_nodes)
    found = answer(ask(1), room=replace(ROOM, free_nodes=tainted))
    assert (found.outcome, found.numbers["by"]) == (Outcome.NEVER, "taints")
    tolerant = replace(ask(1), tolerations=(Toleration("gpu"),))
    assert answer(tolerant, room=replace(ROOM, free_nodes=tainted)).outcome is Outcome.NOW


def test_cores_and_memory_have_to_be_beside_the_gpus() -> None:
    found = answer(ask(4, cpu_millicores=200_000), room=replace(ROOM, largest_node=Amounts(8000, 256_000, GIB * 2048)))
    assert (found.outcome, found.code) == (Outcome.WAITS, WaitCode.FRAGMENTED)
    assert (found.numbers["resource"], found.numbers["largest"]) == ("cpu_millicores", 128_000)


def test_what_is_given_away_is_not_there_for_the_next() -> None:
    room: Room | None = ROOM
    given = 0
    while room is not None and (room := room.taking(ask(2))) is not None:
        given += 1
    assert given == 8
    both = replace(ask(8), others=((Request(devices=4, cpu_millicores=1000), 2, 2),))
    left = ROOM.taking(both)
    assert left is not None
    assert left.taking(ask(1)) is None
    assert left.free == Amounts(0, 509_000, 4095 * GIB)
