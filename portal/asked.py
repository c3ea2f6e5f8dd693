"""Numbers in the address of a page, which may hold anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

_LONGEST = 18
"""Digits that fit into a column of ids whatever they are."""


def whole_number(text: str) -> int | None:
    """None where it is none that an id could be."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _LONGEST else None


def whole_numbers(texts: Iterable[str]) -> tuple[int, ...]:
    """Those among the texts."""
    return tuple(number for text in texts if (number := whole_number(text)) is not None)


def page_size(query: Mapping[str, str], sizes: Sequence[int], usual: int | None = None) -> int:
    """How many rows (`size`): one of the sizes that the page offers, else the usual one, as a rule the first."""
    wanted = whole_number(query.get("size", ""))
    if wanted is not None and wanted in sizes:
        return wanted
    return sizes[0] if usual is None else usual
