"""Who may do what where: the one permission function and the one list filter."""

from .rights import Forbidden, NotVisible, may, may_administer, require, scopes_with, unit_for, within

__all__ = ["Forbidden", "NotVisible", "may", "may_administer", "require", "scopes_with", "unit_for", "within"]
