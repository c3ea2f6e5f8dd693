"""Every code of the engine has words, and its numbers are in them."""

from __future__ import annotations

from typing import Any

import pytest

from scheduling.engine.decisions import EvictCode, WaitCode
from scheduling.reasons import evict_reason, wait_reason

GIB = 1024**3

CASES: list[tuple[WaitCode, dict[str, Any], str, str]] = [
    (WaitCode.BLOCKED, {"unit": 3}, "vision is blocked in a100", "Waits in a100: vision may run nothing there."),
    (
        WaitCode.OVER_LIMIT,
        {"unit": 3, "resource": "gpu_milli", "limit": 24000, "allocated": 18000, "requested": 8000},
        "would pass its limit, 26 of 24 GPUs",
        "Waits in a100: vision has a limit of 24 GPUs and would have 26.",
    ),
    (
        WaitCode.OVER_QUOTA_OFF,
        {"unit": 3, "resource": "cpu_millicores", "quota": 64000, "allocated": 60000, "requested": 4500},
        "would pass its quota, 64.5 of 64 cores",
        "Waits in a100: vision may not go over its quota of 64 cores and would have 64.5.",
    ),
    (
        WaitCode.NON_PREEMPTIBLE_OVER_QUOTA,
        {"unit": 3, "resource": "gpu_milli", "quota": 8000, "allocated": 6000, "requested": 4000},
        "non-preemptible over quota, 10 of 8 GPUs",
        "Waits in a100: non-preemptible work of vision stays inside its quota of 8 GPUs, and would need 10.",
    ),
    (
        WaitCode.NO_READY_NODE,
        {"nodes": 4},
        "none of 4 nodes is ready in a100",
        "Waits in a100: none of its 4 nodes takes new work.",
    ),
    (
        WaitCode.NEVER_FITS,
        {"resource": "gpu_milli", "requested": 8000, "largest": 4000},
        "never fits: nodes of a100 have 4 GPUs",
        "Never starts in a100: a pod asks for 8 GPUs, the largest node has 4.",
    ),
    (
        WaitCode.SHORT,
        {"resource": "memory_bytes", "short": 64 * GIB, "requested": 256 * GIB, "free": 192 * GIB},
        "64 GiB short in a100",
        "Waits for room in a100: 64 GiB short, 192 GiB of 256 GiB free.",
    ),
    (
        WaitCode.FRAGMENTED,
        {"resource": "gpu_milli", "pods": 2, "requested": 8000, "slots": 0, "free": 10000, "largest": 4000},
        "16 short: 10 free, but no node has 8",
        "Waits for room in a100: needs 2 pods of 8 GPUs, no node has 8 free.",
    ),
    (
        WaitCode.ROOM_RESERVED,
        {"nodes": 2, "pods": 3},
        "room is being freed in a100",
        "Starts soon in a100: room is being freed on 2 nodes.",
    ),
    (
        WaitCode.NO_MATCHING_NODE,
        {"nodes": 4, "by": "selector"},
        "no node of a100 has the labels it asks for",
        "Waits in a100: none of its 4 ready nodes has the labels it asks for.",
    ),
    (
        WaitCode.TOPOLOGY,
        {"level": "example.org/rack", "domains": 6, "pods": 4, "slots": 3},
        "room for 3 of 4 pods inside one example.org/rack",
        "Waits for room in a100: all of it has to be inside one example.org/rack; of 6 domains the best has room for "
        "3 of 4 pods.",
    ),
    (
        WaitCode.BACKING_OFF,
        {"until_ms": 1_790_000_000_000},
        "starts failed, tried again at 14:13 UTC",
        "Waits in a100: its starts have failed again and again, so it is left out until 14:13 UTC.",
    ),
    (
        WaitCode.INCOMPLETE,
        {"pods": 3, "minimum": 4},
        "3 of 4 pods exist",
        "Waits in a100: 3 of the 4 pods that start together exist so far.",
    ),
]


def unit_name(unit: int) -> str:
    return {3: "vision"}[unit]


@pytest.mark.parametrize(("code", "numbers", "short", "sentence"), CASES)
def test_words_and_numbers(code: WaitCode, numbers: dict[str, Any], short: str, sentence: str) -> None:
    reason = wait_reason(code, numbers, "a100", unit_name)
    assert (reason.short, reason.sentence) == (short, sentence)
    assert reason.advice.endswith(".")


def test_every_code_has_a_case() -> None:
    assert {code for code, *_ in CASES} == set(WaitCode)


def test_some_of_the_pods_would_fit() -> None:
    numbers = {"resource": "gpu_milli", "pods": 4, "requested": 4000, "slots": 3, "free": 14000, "largest": 4000}
    reason = wait_reason(WaitCode.FRAGMENTED, numbers, "a100", unit_name)
    assert reason.short == "4 short: room for 3 of 4 pods"
    assert reason.sentence.endswith("room for 3 now.")


def test_pod_slots_can_be_what_is_missing() -> None:
    numbers = {"resource": "pods", "pods": 2, "requested": 1, "slots": 1, "free": 1, "largest": 1}
    reason = wait_reason(WaitCode.FRAGMENTED, numbers, "a100", unit_name)
    assert reason.sentence == "Waits for room in a100: its nodes take 1 more pod, it needs 2 together."


def test_a_pool_without_nodes() -> None:
    assert wait_reason(WaitCode.NO_READY_NODE, {"nodes": 0}, "a100", unit_name).short == "a100 has no node"


def test_an_unknown_code_is_shown_as_its_words() -> None:
    assert wait_reason("back_off", {}, "a100", unit_name).sentence == "Waits in a100: back off."


def test_taken_back_says_from_how_much() -> None:
    numbers = {"unit": 3, "resource": "gpu_milli", "allocated": 12000, "quota": 6000, "fair_share": 8000}
    assert evict_reason(EvictCode.RECLAIM, numbers, "seg-unet", unit_name) == (
        "Taken back for seg-unet: vision held 12 GPUs, its fair share is 8, its quota 6"
    )


@pytest.mark.parametrize(
    ("by", "short"),
    [
        ("taints", "tolerates no node of a100"),
        ("pods", "no node of a100 suits its rules about other pods"),
    ],
)
def test_what_rules_the_nodes_out(by: str, short: str) -> None:
    reason = wait_reason(WaitCode.NO_MATCHING_NODE, {"nodes": 1, "by": by}, "a100", unit_name)
    assert reason.short == short
    assert "1 ready node" in reason.sentence


def test_a_level_that_no_node_knows() -> None:
    numbers = {"level": "rack", "domains": 0, "pods": 1, "slots": 0}
    reason = wait_reason(WaitCode.TOPOLOGY, numbers, "a100", unit_name)
    assert reason.short == "no node of a100 has the label rack"


def test_gpu_memory_can_be_what_no_node_has() -> None:
    numbers = {"resource": "device_memory_mib", "requested": 98304, "largest": 81920}
    reason = wait_reason(WaitCode.NEVER_FITS, numbers, "a100", unit_name)
    assert reason.sentence == "Never starts in a100: a pod asks for 96 GiB of GPU memory, the largest node has 80 GiB."


def test_a_stale_workload_is_stopped_for_nobody() -> None:
    text = evict_reason(EvictCode.STALE, {"since_ms": 1_790_000_000_000, "grace_ms": 60_000}, "itself", unit_name)
    assert text == (
        "Stopped because it ran with fewer pods than it needs since 14:13 UTC, longer than the 1 min allowed"
    )
    assert evict_reason(EvictCode.STALE, {}, "x", unit_name) == ("Stopped because it ran with fewer pods than it needs")


def test_every_other_evict_code_names_the_other() -> None:
    for code in set(EvictCode) - {EvictCode.STALE}:
        assert "seg-unet" in evict_reason(code, {"unit": 3, "priority": 50, "for_priority": 75}, "seg-unet", unit_name)
