"""Checks of which a list of what is taken is made. Each is given a value and its path, and gives back what is kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from portal.errors import Refused
from scheduling.services.workload_rules import is_plain, shown

MOST_PROBLEMS = 20
"""So many are told at once."""
Check = Callable[[Any, str], Any]
UNKNOWN = "Bursar does not know this field here. Remove it."
NOTHING: tuple[Any, ...] = (None, {}, [])
"""As tools write out what is not there."""


class Wrong(ValueError):  # noqa: N818
    """What is wrong, by path. Never quotes a value: it may be a secret."""

    def __init__(self, *problems: tuple[str, str]) -> None:
        super().__init__("; ".join(f"{path}: {words}" for path, words in problems))
        self.problems = problems

    def lines(self) -> list[str]:
        """For people."""
        told = [f"{path}: {words}" if path else words for path, words in self.problems[:MOST_PROBLEMS]]
        more = len(self.problems) - len(told)
        return [*told, f"And {more} more."] if more > 0 else told


def collected(acts: Iterable[Callable[[], Any]]) -> list[Any]:
    """What each gives. Raises Wrong with what is wrong in any of them."""
    found: list[Any] = []
    problems: list[tuple[str, str]] = []
    for act in acts:
        try:
            found.append(act())
        except Wrong as wrong:
            problems += wrong.problems
    if problems:
        raise Wrong(*problems)
    return found


def fields(
    known: Mapping[str, Check],
    refused: Mapping[str, str] | None = None,
    needed: Iterable[str] = (),
    others: str = UNKNOWN,
) -> Check:
    """A mapping with `known` fields. Those that are `refused` are so in these words, all `others` in those."""

    def check(value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise Wrong((path, "This has fields of its own. Write them below it."))

        def kept(name: Any) -> tuple[Any, Any] | None:
            where, item = below(path, name), value[name]
            if name in known:
                return None if item is None else (name, known[name](item, where))
            if item in NOTHING:
                return None
            raise Wrong((where, (refused or {}).get(name, others)))

        def is_there(name: str) -> None:
            if value.get(name) is None:
                raise Wrong((below(path, name), "It is missing, and needed."))

        acts: list[Callable[[], Any]] = [
            *(partial(kept, name) for name in value),
            *(partial(is_there, name) for name in needed),
        ]
        return dict(filter(None, collected(acts)))

    return check


def below(path: str, name: object) -> str:
    return f"{path}.{shown(name)}" if path else shown(name)


def listed(item: Check, most: int = 100, least: int = 0) -> Check:
    def check(value: Any, path: str) -> list[Any]:
        if not isinstance(value, list):
            raise Wrong((path, "This is a list. Begin each of its lines with a dash."))
        if not least <= len(value) <= most:
            raise Wrong((path, f"There are {len(value)} of them. Give {least} to {most}."))
        return collected(partial(item, one, f"{path}[{number}]") for number, one in enumerate(value))

    return check


def texts(key: Check, value: Check) -> Check:
    """Keys with values, as labels are."""

    def check(found: Any, path: str) -> dict[str, Any]:
        if not isinstance(found, Mapping):
            raise Wrong((path, "These are keys with values. Write key: value below it."))
        keys = collected(partial(key, name, below(path, name)) for name in found)
        values = collected(partial(value, found[name], below(path, name)) for name in found)
        return dict(zip(keys, values, strict=True))

    return check


def text(
    longest: int = 4000, pattern: str = "", words: str = "It is spelled in a way that Kubernetes does not take."
) -> Check:
    def check(value: Any, path: str) -> str:
        if not isinstance(value, str):
            raise Wrong((path, "This must be text. Put it in quotes."))
        if len(value) > longest:
            raise Wrong((path, f"{len(value)} characters are too many. Use at most {longest}."))
        if not is_plain(value):
            raise Wrong((path, "It holds control characters other than line breaks and tabs. Remove them."))
        if pattern and not re.fullmatch(pattern, value, re.ASCII):
            raise Wrong((path, words))
        return value

    return check


def whole(lowest: int, highest: int) -> Check:
    def check(value: Any, path: str) -> int:
        if type(value) is not int or not lowest <= value <= highest:
            raise Wrong((path, f"This must be a whole number from {lowest} to {highest}, without quotes."))
        return value

    return check


def flag(value: Any, path: str) -> bool:
    if type(value) is not bool:
        raise Wrong((path, "This must be true or false, without quotes."))
    return value


def only(*taken: Any, words: str = "") -> Check:
    """One of few values."""

    def check(value: Any, path: str) -> Any:
        if not any(type(value) is type(one) and value == one for one in taken):
            raise Wrong((path, words or f"Bursar takes {' or '.join(map(str, taken))} here."))
        return value

    return check


def either(*checks: Check, words: str) -> Check:
    def check(value: Any, path: str) -> Any:
        for one in checks:
            try:
                return one(value, path)
            except Wrong:
                continue
        raise Wrong((path, words))

    return check


def one_of(
    known: Mapping[str, Check],
    refused: Mapping[str, str] | None = None,
    beside: Mapping[str, Check] | None = None,
    others: str = UNKNOWN,
) -> Check:
    """A mapping with exactly one of the `known` fields, and what stands `beside` it."""
    every = fields({**known, **(beside or {})}, refused, others=others)

    def check(value: Any, path: str) -> Any:
        kept = every(value, path)
        if len(kept.keys() & known.keys()) != 1:
            raise Wrong((path, f"Give one of {', '.join(known)}."))
        return kept

    return check


def by(rule: Callable[[Any], Any]) -> Check:
    """A rule of Bursar's own, which raises Refused."""

    def check(value: Any, path: str) -> Any:
        try:
            return rule(value)
        except Refused as refusal:
            raise Wrong((path, " ".join(refusal.messages))) from None

    return check
