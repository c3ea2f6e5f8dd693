from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from quotas.resources import RESOURCES
from quotas.splitting import grain_of, split, split_words, typed
from tests.examples import examples

GIB = 1024**3
GPU, CPU, MEMORY = RESOURCES.values()


@examples(60)
@given(
    amount=st.integers(0, 10**15),
    weights=st.lists(st.integers(0, 1000), min_size=1, max_size=30),
    grain=st.sampled_from((1, 10, 1000, GIB)),
)
def test_parts_add_up_and_nobody_is_a_grain_off(amount: int, weights: list[int], grain: int) -> None:
    parts = split(amount, weights, grain)
    whole = sum(weights)
    assert sum(parts) == (amount if whole else 0)
    for part, weight in zip(parts, weights, strict=True):
        assert not whole or abs(part * whole - amount * weight) < 2 * grain * whole
        assert weight or part < grain


def test_what_remains_goes_by_largest_remainder_then_to_the_first() -> None:
    assert split(10, [1, 1, 1]) == [4, 3, 3]
    assert split(10, [5, 3, 1]) == [6, 3, 1]
    assert split(7, [1, 2]) == [2, 5]
    assert split(11, [1, 1], grain=10) == [11, 0]
    assert split(7, [0, 0]) == [0, 0]


def test_what_people_divide_in() -> None:
    assert grain_of(GPU, 10_000, 3) == 1000
    assert grain_of(GPU, 1_000, 3) == 10
    assert grain_of(GPU, 10_500, 2) == 10
    assert grain_of(MEMORY, 1024 * GIB, 3) == GIB
    assert [typed(CPU, 3_330), typed(GPU, 4_000), typed(MEMORY, 3 * GIB), typed(MEMORY, GIB + 1024**2)] == [
        "3.33", "4", "3 GiB", "1025 MiB"
    ]  # fmt: skip


def test_words() -> None:
    assert split_words(GPU, ["a", "b"], [4000, 4000]) == "4 each."
    assert split_words(GPU, ["a", "b", "c"], [4000, 3000, 3000]) == "3 each; what remains goes to a: 1 more."
    words = split_words(GPU, list("abcdefg"), [2000] * 5 + [1000] * 2)
    assert words == "1 each; what remains goes to 5 of them, by name: 1 more."
