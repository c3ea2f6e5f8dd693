"""Short forms in which the tables of addresses are written: arguments by paths into the world, statuses by role."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from tests.world import ROLES, World

Arguments = Callable[[World], dict[str, Any]]
NONE: Arguments = lambda world: {}  # noqa: E731


def of(**paths: str) -> Arguments:
    """Arguments by paths into the world: `of(pk="project.pk")`."""

    def arguments(world: World) -> dict[str, Any]:
        found = {}
        for name, path in paths.items():
            value: Any = world
            for part in path.split("."):
                value = value[part] if isinstance(value, dict) else getattr(value, part)
            found[name] = value
        return found

    return arguments


@lru_cache
def statuses(text: str) -> dict[str, int]:
    """`SA Vi: 200; rest: 403` by role. Who is not signed in is sent there (302), and nobody, who has no rule, finds
    nothing (404), where nothing else is said."""
    found = {"anonymous": 302, "nobody": 404}
    for part in text.split(";"):
        names, status = part.split(":")
        for name in names.split():
            known = [one for one in ROLES if one not in found] if name == "rest" else [name]
            found |= dict.fromkeys(known, int(status))
    return found
