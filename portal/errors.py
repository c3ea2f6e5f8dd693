"""What services say when they refuse."""

from __future__ import annotations

from django.core.exceptions import ValidationError


class Refused(ValidationError):  # noqa: N818
    """A rule forbids it. Names the field, what is wrong with the number, and what to do; nothing was changed.

    `Refused({"name": "…"})` belongs to a field, `Refused("…")` to the whole.
    """


class Unchangeable(TypeError):  # noqa: N818
    """Code tried to change what is written once: a mistake of a programmer, not of a person."""
