"""Template context of every page: the shell around it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from portal import shell as registry
from portal.access import may_any


def shell(request: HttpRequest) -> dict[str, Any]:
    """Menu and scope picker of the signed-in person; nothing for others and for fragments."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or getattr(request, "htmx", False):
        return {}
    sections: dict[str, list[dict[str, Any]]] = {}
    for line in registry.menu():
        if may_any(user, line.permission):
            count = line.count(request) if line.count else 0
            here = request.path.startswith(reverse(line.url_name))
            sections.setdefault(line.section, []).append({"line": line, "count": count, "current": here})
    return {"menu": list(sections.items()), "scope_picker": registry.scope_picker(request)}
