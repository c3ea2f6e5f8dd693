"""Deciding a saved cycle once more, and holding it against what was decided then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields

from scheduling.cycle_file import CycleFile, plain
from scheduling.engine import decide
from scheduling.engine.decisions import Decisions


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the engine makes of a saved cycle now."""

    decisions: Decisions | None
    error: str = ""

    def is_same(self, saved: CycleFile) -> bool:
        """Byte for byte; where the engine came to nothing, it stops with the same error again."""
        if saved.decisions is None:
            return self.decisions is None and self.error == saved.error
        return plain(self.decisions) == plain(saved.decisions)


@dataclass(frozen=True, slots=True)
class Difference:
    """One part of the decisions (a field of `Decisions`): what only the file has, and what only the replay has.

    Both empty: the same in another order.
    """

    part: str
    saved: tuple[object, ...]
    replayed: tuple[object, ...]


def replay(cycle: CycleFile) -> Replayed:
    try:
        return Replayed(decide(cycle.snapshot, cycle.options))
    except Exception as problem:
        return Replayed(None, error_text(problem))


def error_text(problem: Exception) -> str:
    """An error as a file tells it."""
    return f"{type(problem).__name__}: {problem}"


def differences(saved: Decisions, replayed: Decisions) -> Iterator[Difference]:
    """Part by part, in their order."""
    for part in fields(Decisions):
        before, after = getattr(saved, part.name), getattr(replayed, part.name)
        if before != after:
            yield Difference(part.name, _only(before, after), _only(after, before))


def _only(items: tuple[object, ...], others: tuple[object, ...]) -> tuple[object, ...]:
    left = Counter(map(repr, others))
    found = []
    for item in items:
        if left[repr(item)]:
            left[repr(item)] -= 1
        else:
            found.append(item)
    return tuple(found)
