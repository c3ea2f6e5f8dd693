from __future__ import annotations

from typing import Any

import pytest

from portal.errors import Refused
from quotas.lens import Lens
from quotas.models import Quota, Rank
from quotas.resources import RESOURCES
from quotas.services.quota_rules import values_of

ROW = Quota(
    gpu_milli=8_000, cpu_millicores=4_000, limit_gpu_milli=16_000, over_quota=False, rank=Rank.HIGH, weight_milli=3_000
)


def _lens(resource: str = "gpu", show: str = "quota") -> Lens:
    return Lens(RESOURCES[resource], show)


@pytest.mark.parametrize(
    ("resource", "show", "text", "changes"),
    [
        ("gpu", "quota", "12.5", {"gpu_milli": 12_500}),
        ("cpu", "quota", "64", {"cpu_millicores": 64_000}),
        ("cpu", "quota", "", {"cpu_millicores": None}),
        ("memory", "quota", "2 TiB", {"memory_bytes": 2 * 1024**4}),
        ("gpu", "limit", "24", {"limit_gpu_milli": 24_000}),
        ("gpu", "limit", "", {"limit_gpu_milli": None}),
        ("memory", "limit", "1", {"limit_memory_bytes": 1024**3}),
        ("cpu", "weight", "1.5", {"weight_milli": 1_500}),
        ("gpu", "weight", "", {"weight_milli": 2_000, "rank": Rank.MEDIUM}),
        ("gpu", "reclaim", "90", {"reclaim_min_runtime_seconds": 5_400}),
        ("memory", "preempt", "2 h", {"preempt_min_runtime_seconds": 7_200}),
        ("cpu", "reclaim", "", {"reclaim_min_runtime_seconds": None}),
    ],
)
def test_typing_changes_one_column_of_the_row(resource: str, show: str, text: str, changes: dict[str, Any]) -> None:
    assert _lens(resource, show).typed(ROW, text) == values_of(ROW) | changes


def test_typing_where_there_is_no_row_starts_from_the_defaults() -> None:
    assert _lens().typed(Quota(), "4") == values_of(None) | {"gpu_milli": 4_000}
    assert values_of(None)["over_quota"] is True


def test_deleting_a_gpu_quota_deletes_the_row() -> None:
    assert _lens().typed(ROW, "") is None


def test_the_words_of_an_access_without_guarantee() -> None:
    nothing = {"gpu_milli": 0, "cpu_millicores": None, "memory_bytes": None}
    for resource in ("gpu", "cpu"):
        assert _lens(resource).typed(ROW, "Blocked") == values_of(ROW) | nothing | {"over_quota": False}
        assert _lens(resource).typed(ROW, "best effort") == values_of(ROW) | nothing | {"over_quota": True}
    with pytest.raises(Refused):
        _lens(show="limit").typed(ROW, "blocked")


@pytest.mark.parametrize(
    ("resource", "show", "words"),
    [
        ("gpu", "quota", "8"),
        ("memory", "quota", ""),
        ("gpu", "limit", "16"),
        ("cpu", "limit", ""),
        ("gpu", "weight", "3"),
        ("gpu", "reclaim", ""),
    ],
)
def test_what_a_cell_shows_can_be_typed(resource: str, show: str, words: str) -> None:
    lens = _lens(resource, show)
    assert lens.words(ROW) == words
    assert lens.typed(ROW, words) == values_of(ROW)
    shut = Quota(over_quota=False)
    assert (lens.words(shut) == "blocked") is (show == "quota")


def test_what_is_no_number() -> None:
    with pytest.raises(Refused):
        _lens().typed(ROW, "lots")
    for text in ("1.5", "-1", "2 weeks", "9" * 12):
        with pytest.raises(Refused, match="Type whole minutes"):
            _lens(show="reclaim").typed(ROW, text)


@pytest.mark.parametrize("parameters", [{}, {"resource": "tpu", "show": "all"}, {"resource": "", "show": "\x00"}])
def test_an_address_that_says_nothing_known_shows_gpu_quotas(parameters: dict[str, str]) -> None:
    assert Lens.of(parameters) == _lens()
