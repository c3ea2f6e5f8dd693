"""What services have to say beside doing what they were asked: warnings, which stop nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

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
