"""Kubernetes quantities as integers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.clusters.kubernetes.quantities import MAX_AMOUNT, thousandths, units


@pytest.mark.parametrize(
    ("quantity", "amount"),
    [
        ("8", 8),
        ("64Gi", 64 * 2**30),
        ("1.5Ki", 1536),
        ("129e6", 129_000_000),
        ("12E", MAX_AMOUNT),
        ("123k", 123_000),
        ("128974848000m", 128_974_848),
        ("1n", 1),
        ("-5", 0),
        ("0", 0),
    ],
)
def test_units(quantity: str, amount: int) -> None:
    assert units(quantity) == amount


@pytest.mark.parametrize(
    ("quantity", "amount"), [("250m", 250), ("2", 2000), ("0.1", 100), ("1u", 1), ("1.0005", 1001)]
)
def test_thousandths_are_rounded_up(quantity: str, amount: int) -> None:
    assert thousandths(quantity) == amount


@pytest.mark.parametrize(
    "text", ["", "x", "1GiB", "1..2", "..", "1e9999", "\u0661", "1 Gi", "NaN", "Infinity", "9" * 100]
)
def test_what_is_no_quantity_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        units(text)


@given(st.from_regex(r"[+-]?[0-9.]{1,12}([eE][+-]?[0-9]{1,3}|[numkMGTPE]i?)?", fullmatch=True))
def test_amounts_fit_their_columns(text: str) -> None:
    try:
        amount = thousandths(text)
    except ValueError:
        return
    assert 0 <= amount <= MAX_AMOUNT
