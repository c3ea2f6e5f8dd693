"""What services have to say beside doing what they were asked: warnings, which stop nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

MOST_TOLD = 3
"""Sentences that are spelled out at once; of the others it is told how many there are."""

_heard: ContextVar[list[str] | None] = ContextVar("heard", default=None)


@contextmanager
def noticed() -> Iterator[list[str]]:
    """Collects what the services called inside say, to be shown once it is clear that they did it."""
    heard: list[str] = []
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)


def notice(text: str) -> None:
    """Tells whoever called; nobody has to listen."""
    heard = _heard.get()
    if heard is not None:
        heard.append(text)


def told(sentences: Sequence[str]) -> list[str]:
    """The first few, and how many more there are of that kind."""
    more = len(sentences) - MOST_TOLD
    return [*sentences[:MOST_TOLD], f"The same goes for {more} more."] if more > 0 else list(sentences)
