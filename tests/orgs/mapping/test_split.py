from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgs.mapping.split import divided, milli
from tests.examples import examples


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (8000, [1, 1], [4000, 4000]),
        (8000, [1, 1, 1], [3000, 3000, 2000]),
        (1000, [1, 1, 1], [340, 330, 330]),
        (8500, [1, 1], [4250, 4250]),
        (10_000, [3, 1, 0], [8000, 2000, 0]),
        (8000, [0, 0], [0, 0]),
        (8000, [], []),
        (0, [1, 2], [0, 0]),
    ],
)
def test_parts(total: int, weights: list[int], parts: list[int]) -> None:
    assert divided(total, weights) == parts


@examples(200)
@given(hundredths=st.integers(0, 10**8), weights=st.lists(st.integers(0, 500), max_size=40))
def test_parts_add_up_and_follow_the_weights(hundredths: int, weights: list[int]) -> None:
    total = hundredths * 10
    parts = divided(total, weights)
    among = sum(weights)
    assert sum(parts) == (total if among else 0)
    for part, weight in zip(parts, weights, strict=True):
        assert part % 10 == 0
        assert abs(part - (total * weight / among if among else 0)) <= 1000


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", 0), ("8", 8000), (" 2.5 ", 2500), ("0.01", 10), ("0.001", None), ("-1", None), ("x", None),
        ("1e400", None),        ("NaN", None), ("٣", None), ("1000001", None), ("8 GPUs", None),
    ],
)  # fmt: skip
def test_what_people_type(text: str, value: int | None) -> None:
    assert milli(text) == value
