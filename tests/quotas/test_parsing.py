from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import formats
from portal.errors import Refused
from quotas import parsing


@pytest.mark.parametrize(
    ("parse", "text", "expected"),
    [
        (parsing.gpus, "8", 8_000),
        (parsing.gpus, " 12.25 ", 12_250),
        (parsing.gpus, "0.50", 500),
        (parsing.gpus, "1,024.5", 1_024_500),
        (parsing.gpus, "7.100000", 7_100),
        (parsing.cores, "1,280", 1_280_000),
        (parsing.weight, "2.5", 2_500),
        (parsing.memory, "64", 64 * 1024**3),
        (parsing.memory, "1.5 TiB", 3 * 1024**4 // 2),
        (parsing.memory, "512mib", 512 * 1024**2),
        (parsing.memory, "1,024 Gi", 1024**4),
    ],
)
def test_what_people_type(parse: Callable[[str], int], text: str, expected: int) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize("parse", [parsing.gpus, parsing.cores, parsing.weight, parsing.memory])
@pytest.mark.parametrize(
    "text", ["", "-1", "1e3", "1,5", "12,34", "0x10", "٣", "1.2.3", "nan", "8 GPUs!", "1" * 16, ".5", "8\x00", "½"]
)
def test_what_is_no_quantity(parse: Callable[[str], int], text: str) -> None:
    with pytest.raises(Refused, match="for example"):
        parse(text)


def test_a_third_decimal_is_not_rounded_away() -> None:
    with pytest.raises(Refused, match="at most two decimals, for example"):
        parsing.gpus("12.345")


@given(st.integers(min_value=0, max_value=10**8).map(lambda hundredths: hundredths * 10))
def test_what_is_shown_can_be_typed(milli: int) -> None:
    assert parsing.gpus(formats.gpus(milli)) == milli
    assert parsing.cores(formats.cores(milli)) == milli


@given(st.text(max_size=20))
def test_anything_typed_is_a_number_or_refused(text: str) -> None:
    for parse in (parsing.gpus, parsing.cores, parsing.memory, parsing.weight):
        try:
            value = parse(text)
        except Refused:
            continue
        assert value >= 0


@pytest.mark.parametrize(("seconds", "words"), [(0, "0 min"), (45, "45 s"), (5_400, "90 min"), (86_400, "1,440 min")])
def test_a_runtime_is_taken_back_as_it_is_shown(seconds: int, words: str) -> None:
    assert parsing.runtime_words(seconds) == words
    assert parsing.runtime(words) == seconds


@pytest.mark.parametrize(("text", "seconds"), [("90", 5_400), ("2h", 7_200), (" 45 S ", 45)])
def test_runtimes(text: str, seconds: int) -> None:
    assert parsing.runtime(text) == seconds
