"""Refusals that the audit log tells of: what a right or a guard refuses when a person asks for a change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_heard: ContextVar[list[Told] | None] = ContextVar("refusals", default=None)


class Told(Exception):  # noqa: N818
    """Mixed into an exception that has to be told, whether a view answers with it or catches it.

    `entity`, `unit` and `name` say what was not changed: its kind, the id of its scope, and what it is called.
    """

    entity: str = "page"
    unit: int | None = None
    name: str = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        heard = _heard.get()
        if heard is not None:
            heard.append(self)

    @property
    def reason(self) -> str:
        """Its words, each once."""
        words: list[str] = getattr(self, "messages", None) or [str(self)]
        return " ".join(dict.fromkeys(words))


@contextmanager
def refusals_heard() -> Iterator[list[Told]]:
    """Collects what is refused inside."""
    heard: list[Told] = []
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)


@contextmanager
def only_asking() -> Iterator[None]:
    """Around a preview: what would be refused has not been tried."""
    token = _heard.set(None)
    try:
        yield
    finally:
        _heard.reset(token)
