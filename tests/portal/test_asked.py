from __future__ import annotations

import pytest
from django.http import QueryDict

from portal.asked import page_size, whole_number, whole_numbers


@pytest.mark.parametrize("text", ["", "-1", "1.5", "one", "٣", "²", "1" * 19, " 1", "1\x00"])
def test_what_is_no_id(text: str) -> None:
    assert whole_number(text) is None


def test_ids() -> None:
    assert whole_number("0") == 0
    assert whole_numbers(["7", "x", "9" * 18, ""]) == (7, 10**18 - 1)


def test_only_sizes_that_are_offered() -> None:
    sizes = (25, 50, 100)
    assert page_size(QueryDict("size=50"), sizes) == 50
    for query in ("", "size=51", "size=x", "size=-25"):
        assert page_size(QueryDict(query), sizes) == 25
        assert page_size(QueryDict(query), sizes, usual=100) == 100
