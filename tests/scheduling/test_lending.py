"""Lending adds up, whatever the order, and nobody lends more than is idle."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from scheduling.lending import UNASSIGNED, divided, flows, lent_by
from tests.examples import examples

amounts = st.dictionaries(st.integers(1, 40), st.integers(0, 10**15), max_size=12)


def turned(of: dict[int, int]) -> dict[int, int]:
    return dict(reversed(of.items()))


@examples(60)
@given(over=amounts, idle=amounts, unassigned=st.integers(0, 10**15))
def test_sums_are_equal_on_both_sides(over: dict[int, int], idle: dict[int, int], unassigned: int) -> None:
    lent = lent_by(sum(over.values()), idle, unassigned)
    found = flows(lent, over)
    by_lender, by_borrower = Counter[int](), Counter[int]()
    for (lender, borrower), part in found.items():
        assert part > 0
        by_lender[lender] += part
        by_borrower[borrower] += part
    assert by_lender == Counter(lent)
    assert by_borrower == Counter({unit: part for unit, part in over.items() if part})
    assert all(part <= idle[lender] for lender, part in lent.items() if lender != UNASSIGNED)
    if sum(over.values()) <= sum(idle.values()) + unassigned:
        assert lent.get(UNASSIGNED, 0) <= unassigned


@examples(40)
@given(over=amounts, idle=amounts, unassigned=st.integers(0, 10**15))
def test_the_order_in_which_units_come_changes_nothing(
    over: dict[int, int], idle: dict[int, int], unassigned: int
) -> None:
    borrowed = sum(over.values())
    assert lent_by(borrowed, idle, unassigned) == lent_by(borrowed, turned(idle), unassigned)
    lent = lent_by(borrowed, idle, unassigned)
    assert flows(lent, over) == flows(turned(lent), turned(over))


@examples(40)
@given(amount=st.integers(0, 10**12), weights=amounts)
def test_nobody_is_more_than_one_off_its_exact_part(amount: int, weights: dict[int, int]) -> None:
    whole = sum(weights.values())
    found = divided(amount, weights)
    assert sum(found.values()) == (amount if whole else 0)
    for key, part in found.items():
        assert not whole or abs(part * whole - amount * weights[key]) < whole


def test_in_proportion_to_what_is_idle() -> None:
    """10 idle and 4 idle lend 7 of 14 borrowed by two, 14 nobody's the rest; ids break ties."""
    lent = lent_by(14, {1: 10, 2: 4}, 14)
    assert lent == {1: 5, 2: 2, UNASSIGNED: 7}
    assert divided(1, {5: 1, 3: 1}) == {5: 0, 3: 1}
    assert flows(lent, {8: 12, 9: 2}) == {
        (UNASSIGNED, 8): 6, (UNASSIGNED, 9): 1, (1, 8): 4, (1, 9): 1, (2, 8): 2,
    }  # fmt: skip


def test_what_runs_on_nodes_that_went_away_was_nobodys() -> None:
    assert lent_by(10, {1: 3}, 0) == {1: 3, UNASSIGNED: 7}
