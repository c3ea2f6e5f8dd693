"""What templates of the Access page draw."""

from __future__ import annotations

from typing import Any

from django import template

from orgs.access.table import ACTIONS

register = template.Library()
WORDS = ACTIONS | {"U": "change"}


@register.inclusion_tag("orgs/access/cells.html")
def cells(letters: str, here: str | None = None) -> dict[str, Any]:
    """Four boxes, C R U D; `here`: those of the letters that come from the very unit, if that is to be told apart."""
    return {"letters": letters, "here": here, "words": letter_words(letters) or "nothing"}


@register.filter
def letter_words(letters: str) -> str:
    """ "CRU" as "create, read and change"."""
    words = [WORDS[letter] for letter in letters]
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
