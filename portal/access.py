"""The door to the one permission function, which lives in an app that portal may not import."""

from typing import Any, cast

from django.conf import settings
from django.utils.module_loading import import_string


def may(user: Any, action: str, entity: str, scope: Any = None) -> bool:
    """Whether `user` may do `action` to an `entity` in `scope`; without a scope: anywhere."""
    return cast(bool, import_string(settings.ACCESS_MAY)(user, action, entity, scope))


def may_any(user: Any, permissions: str) -> bool:
    """Whether `user` holds one of the permissions (`entity:action`, blanks between them) anywhere."""
    return any(may(user, action, entity) for entity, action in (one.split(":") for one in permissions.split()))
