"""Numbers and times in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import formats

NOW = datetime(2025, 10, 16, 14, 32, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("gpu_milli", "words"),
    [
        (0, "0"), (500, "0.5"), (92_000, "92"), (9_250, "9.25"), (333, "0.33"), (335, "0.34"), (4, "<0.01"),
        (5, "0.01"), (1_842_000, "1,842"), (10_000, "10"), (100_000, "100"), (-3_400, "−3.4"),
    ],
)  # fmt: skip
def test_gpus(gpu_milli: int, words: str) -> None:
    assert formats.gpus(gpu_milli) == words


@given(st.integers(0, 10**9))
def test_gpus_never_have_more_than_two_decimals_or_trailing_zeros(gpu_milli: int) -> None:
    whole, _, decimals = formats.gpus(gpu_milli).partition(".")
    assert len(decimals) <= 2
    assert not decimals.endswith("0")
    assert whole.replace(",", "").lstrip("<").isdigit()


def test_gpus_with_their_noun() -> None:
    assert [formats.gpus_counted(value) for value in (1000, 500, 2000, 0)] == ["1 GPU", "0.5 GPUs", "2 GPUs", "0 GPUs"]


@pytest.mark.parametrize(
    ("memory_bytes", "words"),
    [
        (0, "0 GiB"), (512 * 1024**2, "512 MiB"), (1024**3, "1 GiB"), (256 * 1024**3, "256 GiB"),
        (1536 * 1024**3, "1.5 TiB"), (1023 * 1024**3, "1,023 GiB"), (1024**2 * 3 // 2, "1.5 MiB"),
    ],
)  # fmt: skip
def test_memory(memory_bytes: int, words: str) -> None:
    assert formats.memory(memory_bytes) == words


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [(92, 100, "92"), (1, 1000, "<1"), (0, 5, "0"), (121, 100, "121"), (2, 3, "67"), (995, 1000, "100")],
)
def test_percent(part: int, whole: int, words: str) -> None:
    assert formats.percent(part, whole) == f"{words}\u00a0%"


def test_percent_of_nothing_is_none() -> None:
    assert formats.percent(3, 0) == "none"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"), (0.038, "38 ms"), (1.2, "1.2 s"), (8, "8 s"), (41, "41 s"), (61, "1 min 1 s"), (660, "11 min"),
        (3600, "1 h"), (7560, "2 h 6 min"), (187_200, "2 d 4 h"), (86_400 * 11, "11 d"), (-41, "−41 s"),
        (3_599.6, "59 min"),
    ],
)  # fmt: skip
def test_duration(seconds: float, words: str) -> None:
    assert formats.duration(seconds) == words
    assert formats.duration(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (timedelta(seconds=8), "8 s ago"), (timedelta(hours=23), "23 h ago"), (timedelta(days=2), "Tue 14 Oct"),
        (timedelta(days=400), "11 Sep 2024"), (timedelta(0), "now"), (timedelta(minutes=-5), "in 5 min"),
    ],
)  # fmt: skip
def test_ago(before: timedelta, words: str) -> None:
    assert formats.ago(NOW - before, NOW) == words


def test_moments() -> None:
    assert formats.ago(None) == "never"
    assert formats.clock(NOW) == "14:32"
    assert formats.exact(NOW) == "Thu 16 Oct 2025, 14:32:04 UTC"


def test_counts() -> None:
    assert formats.count(1842) == "1,842"
    assert [formats.counted(number, "workload") for number in (0, 1, 1842)] == [
        "0 workloads",
        "1 workload",
        "1,842 workloads",
    ]


@given(st.text(min_size=1, max_size=80), st.integers(8, 40))
def test_cut_names_keep_both_ends_and_fit(name: str, length: int) -> None:
    cut = formats.cut_middle(name, length)
    assert len(cut) <= length
    assert cut == name or (name.startswith(cut.partition("…")[0]) and name.endswith(cut.rpartition("…")[2]))
