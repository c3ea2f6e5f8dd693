"""What the shell shows of the apps: each registers its menu lines and the scope picker in `ready()`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

SECTIONS = ("", "Who", "Where", "Insight", "foot")


@dataclass(frozen=True, slots=True)
class MenuLine:
    """A line of the side navigation, shown to whoever may do `permission` anywhere."""

    label: str
    url_name: str
    icon: str
    section: str
    order: int
    permission: str
    """`entity:action`; of several, with blanks between them, one is enough."""
    count: Callable[[HttpRequest], int] | None = None
    key: str = ""
    """The letter that goes there after `g`."""


_menu: list[MenuLine] = []
_scope_picker: list[Callable[[HttpRequest], dict[str, Any]]] = []


def register_menu(*lines: MenuLine) -> None:
    _menu.extend(lines)
    _menu.sort(key=lambda line: (SECTIONS.index(line.section), line.order))


def register_scope_picker(context: Callable[[HttpRequest], dict[str, Any]]) -> None:
    """`context(request)` gives the template `orgs/scope_picker.html` what it shows."""
    _scope_picker.append(context)


def menu() -> tuple[MenuLine, ...]:
    return tuple(_menu)


def scope_picker(request: HttpRequest) -> dict[str, Any]:
    return _scope_picker[0](request) if _scope_picker else {}
