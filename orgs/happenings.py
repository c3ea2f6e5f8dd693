"""What happens that webhooks can tell. Apps register its kinds, and the logs that it is read from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

TEST = "test"
"""The kind of what somebody sends to try a webhook."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing that happens."""

    code: str
    label: str
    group: str
    permissions: tuple[str, ...]
    """What somebody has to hold in a unit (`entity:action`) to be told of it there."""


@dataclass(frozen=True, slots=True)
class Happening:
    kind: str
    subject: str
    """What it is about; what is told of one subject keeps its order."""
    at: datetime
    path: str
    """Of the unit in which it happened."""
    data: dict[str, Any] = field(default_factory=dict)


class Log(ABC):
    """Rows with rising numbers and an `at`, that are never changed."""

    name: str

    @abstractmethod
    def rows(self) -> QuerySet[Any]:
        """All of them: each number is one."""

    @abstractmethod
    def wanted(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Those that may be told, with what telling needs."""

    @abstractmethod
    def told(self, rows: Sequence[Any]) -> Iterable[tuple[Any, Happening]]:
        """Each row that is told, with what it tells; in their order and a fixed number of queries."""


class Marks(ABC):
    """Rows that change, and keep by themselves what was told of them."""

    @abstractmethod
    def any(self) -> bool:
        """Whether there is something to tell."""

    @abstractmethod
    def take(self) -> list[Happening]:
        """What has happened since the last call; marked as told in the caller's transaction."""


_kinds: dict[str, Kind] = {}
_logs: list[Log] = []
_marks: list[Marks] = []


def register_kinds(*kinds: Kind) -> None:
    _kinds.update({kind.code: kind for kind in kinds})


def register_log(log: Log) -> None:
    _logs.append(log)


def register_marks(marks: Marks) -> None:
    _marks.append(marks)


def kinds() -> dict[str, Kind]:
    """By code, in the order in which people choose: what happens to work first."""
    return {kind.code: kind for kind in sorted(_kinds.values(), key=lambda kind: kind.group, reverse=True)}


def logs() -> list[Log]:
    return list(_logs)


def marks() -> list[Marks]:
    return list(_marks)
