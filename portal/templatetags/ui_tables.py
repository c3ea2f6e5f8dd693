"""The component kit: tables, trees and matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.core.paginator import Page
from django.http import HttpRequest, QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from portal.matrix import MatrixCell
from portal.templatetags.ui import icon

register = template.Library()

SIZES = (25, 50, 100)
PLACE = ("page", "after", "before")
"""Parameters that say where in a list one is; they go when what is listed changes."""


def _query(request: HttpRequest, changes: Mapping[str, str | None]) -> str:
    """The page's address with other parameters; None takes one out."""
    query: QueryDict = request.GET.copy()
    for name in PLACE:
        query.pop(name, None)
    for name, value in changes.items():
        query.pop(name, None)
        if value is not None:
            query[name] = value
    return f"?{query.urlencode()}" if query else request.path


@register.simple_tag(takes_context=True)
def sort_header(
    context: template.Context, label: str, key: str, numeric: bool = False, default: str = ""
) -> SafeString:
    """A column head that sorts by `key` (`?sort=key`, `?sort=-key`). `default`: the order when nothing is said."""
    request = context["request"]
    now = request.GET.get("sort") or default
    order = {key: "ascending", f"-{key}": "descending"}.get(now, "")
    arrow = icon("arrow-up" if order == "ascending" else "arrow-down", size=12) if order else ""
    return format_html(
        '<th scope="col"{}{}><a class="sort" href="{}">{}{}</a></th>',
        mark_safe(' class="num"') if numeric else "",
        format_html(' aria-sort="{}"', order) if order else "",
        _query(request, {"sort": f"-{key}" if order == "ascending" else key}),
        label,
        arrow,
    )


@register.inclusion_tag("components/filter_menu.html", takes_context=True)
def filter_menu(context: template.Context, label: str, name: str, options: Sequence[tuple[Any, str]]) -> dict[str, Any]:
    """A filter of the toolbar: checkboxes in a popover, what is chosen on its button, and a cross that clears it."""
    request = context["request"]
    chosen = request.GET.getlist(name)
    shown = [(str(value), words, str(value) in chosen) for value, words in options]
    return {
        "label": label,
        "name": name,
        "options": shown,
        "chosen": [words for _, words, picked in shown if picked],
        "clear": _query(request, {name: None}),
    }


@register.inclusion_tag("components/search_field.html", takes_context=True)
def search_field(context: template.Context, label: str, name: str = "q") -> dict[str, Any]:
    """The search of a table. `label` says what it looks through."""
    return {"label": label, "name": name, "value": context["request"].GET.get(name, "")}


@register.inclusion_tag("components/table_footer.html", takes_context=True)
def table_footer(
    context: template.Context,
    page: Page | None = None,
    *,
    first: int = 0,
    last: int = 0,
    total: int | None = None,
    previous: dict[str, str] | None = None,
    following: dict[str, str] | None = None,
    size: int = 0,
    sizes: Sequence[int] = SIZES,
) -> dict[str, Any]:
    """Range, rows a page, way on and back: of a Django `page`, or of keyset parameters (`following={"after": "…"}`)."""
    request = context["request"]
    if page is not None:
        first, last, total, size = page.start_index(), page.end_index(), page.paginator.count, page.paginator.per_page
        previous = {"page": str(page.previous_page_number())} if page.has_previous() else None
        following = {"page": str(page.next_page_number())} if page.has_next() else None
    return {
        "first": first,
        "last": last,
        "total": total,
        "page": page,
        "previous": _query(request, previous) if previous else "",
        "following": _query(request, following) if following else "",
        "sizes": [(number, _query(request, {"size": str(number)}), number == size) for number in sizes] if size else [],
    }


@register.simple_tag
def tree_row(
    level: int,
    position: int,
    size: int,
    expanded: bool | None = None,
    href: str = "",
    selected: bool = False,
    hidden: bool = False,
) -> SafeString:
    """Attributes of a row of a tree grid: level, position and number of siblings from 1; `expanded` None for leaves."""
    opened = "" if expanded is None else format_html(' aria-expanded="{}"', str(expanded).lower())
    return format_html(
        'role="row" aria-level="{}" aria-posinset="{}" aria-setsize="{}"{}{}{}{} data-keep="{}"',
        level,
        position,
        size,
        opened,
        format_html(' data-href="{}"', href) if href else "",
        mark_safe(' aria-selected="true"') if selected else "",
        mark_safe(" hidden") if hidden else "",
        "aria-expanded hidden tabindex",
    )


@register.inclusion_tag("components/tree_name.html")
def tree_name(
    label: str, level: int, icon_name: str, href: str = "", expandable: bool = False, open_href: str = ""
) -> dict[str, Any]:
    """What the first cell of a tree row holds: indent, chevron, kind, name. `open_href` brings its children."""
    return {
        "label": label,
        "level": min(level, 8),
        "icon_name": icon_name,
        "href": href,
        "expandable": expandable,
        "open_href": open_href,
    }


@register.inclusion_tag("components/matrix_cell.html")
def matrix_cell(cell: MatrixCell) -> dict[str, Any]:
    """A cell of a matrix that is edited in place."""
    return {"cell": cell}
