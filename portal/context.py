"""Template context of every page: the shell around it."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django.http import HttpRequest

from portal import shell as registry
from portal.access import may


def shell(request: HttpRequest) -> dict[str, Any]:
    """Menu and scope picker of the signed-in person; nothing for others and for fragments."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or getattr(request, "htmx", False):
        return {}
    shown = []
    for line in registry.menu():
        entity, action = line.permission.split(":")
        if may(user, action, entity):
            shown.append({"line": line, "count": line.count(request) if line.count else 0})
    sections = [(name, list(lines)) for name, lines in groupby(shown, key=lambda item: item["line"].section)]
    current = request.resolver_match.url_name if request.resolver_match else ""
    return {"menu": sections, "menu_current": current, "scope_picker": registry.scope_picker(request)}
