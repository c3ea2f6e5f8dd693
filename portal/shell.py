"""What the shell shows of the apps: each registers its menu lines, sections of Settings and the scope picker in
`ready()`."""

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
    counts: str = "waiting"
    """What is counted, for those who do not see where the number stands."""
    tone: str = "wait"
    """The colour of the number."""
    key: str = ""
    """The letter that goes there after `g`."""


@dataclass(frozen=True, slots=True)
class SettingsPart:
    """A section of the Settings page, drawn by a template of its own with what `context` says; None: not for them."""

    template: str
    context: Callable[[HttpRequest], dict[str, Any] | None]


_menu: list[MenuLine] = []
_settings: list[SettingsPart] = []
_scope_picker: list[Callable[[HttpRequest], dict[str, Any]]] = []


def register_menu(*lines: MenuLine) -> None:
    _menu.extend(lines)
    _menu.sort(key=lambda line: (SECTIONS.index(line.section), line.order))


def register_settings(part: SettingsPart) -> None:
    _settings.append(part)


def settings_parts(request: HttpRequest) -> list[tuple[str, dict[str, Any]]]:
    """Templates with their contexts, of the sections that this person sees."""
    drawn = [(part.template, part.context(request)) for part in _settings]
    return [(template, context) for template, context in drawn if context is not None]


def register_scope_picker(context: Callable[[HttpRequest], dict[str, Any]]) -> None:
    """`context(request)` gives the template `orgs/scope_picker.html` what it shows."""
    _scope_picker.append(context)


def menu() -> tuple[MenuLine, ...]:
    return tuple(_menu)


def scope_picker(request: HttpRequest) -> dict[str, Any]:
    return _scope_picker[0](request) if _scope_picker else {}
