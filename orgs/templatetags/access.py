"""What templates of the Access page draw."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

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


@register.filter
def with_code(text: str) -> SafeString:
    """What stands between backticks as code."""
    parts = enumerate(text.split("`"))
    return format_html_join(
        "", "{}", [(format_html("<code>{}</code>", part) if at % 2 else part,) for at, part in parts]
    )
