"""Who may do what where: the one permission function and the one list filter."""

from .rights import (
    Forbidden,
    Limits,
    NotVisible,
    as_of_now,
    limit,
    limits_of,
    may,
    may_administer,
    require,
    rules_in_force,
    scopes_of,
    scopes_with,
    unit_for,
    within,
)

__all__ = [
    "Forbidden",
    "Limits",
    "NotVisible",
    "as_of_now",
    "limit",
    "limits_of",
    "may",
    "may_administer",
    "require",
    "rules_in_force",
    "scopes_of",
    "scopes_with",
    "unit_for",
    "within",
]
