"""Where the things lie that the audit log names: each app registers its kinds in `ready()`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from typing import Any

Links = Callable[[Any, Collection[int]], dict[int, str]]
"""`links(user, ids)`: addresses of those that are there still and that the user may see. Fixed number of queries."""
Thing = tuple[str, int]
"""Kind and id, as an event has them."""

_links: dict[str, Links] = {}


def register_links(links: Links, *kinds: str) -> None:
    for kind in kinds:
        _links[kind] = links


def linked_kinds() -> set[str]:
    """Kinds of things that events name."""
    return set(_links) - {"unit"}


def links_to(user: Any, things: Iterable[Thing]) -> dict[Thing, str]:
    """The addresses of all of them, each kind asked once."""
    asked: dict[str, set[int]] = defaultdict(set)
    for kind, pk in things:
        asked[kind].add(pk)
    return {
        (kind, pk): url for kind, ids in asked.items() if kind in _links for pk, url in _links[kind](user, ids).items()
    }
