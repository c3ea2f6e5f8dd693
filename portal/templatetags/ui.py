"""The component kit: icons, quantities, states and times. Tables and forms have libraries of their own beside this one.

Every tag here is used without `load`; the style guide page shows each in all its states.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import lucide
from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from portal import formats
from portal.flow import Flow
from portal.node_map import MOST_COLUMNS, MOST_NODES, NodeCell, free_histogram
from portal.quota_bar import QuotaBar
from portal.states import STATES, UNKNOWN, State
from portal.words import LEGEND, UNIT_ICONS

register = template.Library()

for _function in formats.FILTERS:
    register.filter(_function.__name__, _function)


@lru_cache(maxsize=512)
def _drawn(name: str, size: int, label: str, css: str) -> SafeString:
    attributes: dict[str, str] = {"class": f"icon {css}".strip(), "stroke_width": "1.75" if size > 14 else "2"}
    attributes |= {"role": "img", "aria_label": label} if label else {"aria_hidden": "true"}
    return mark_safe(lucide._render_icon(name, size, **attributes))  # noqa: S308 - escapes its attributes


@register.simple_tag
def icon(name: str, size: int = 16, label: str = "", css: str = "") -> SafeString:
    """A lucide icon, hidden from screen readers unless it stands alone with a `label`."""
    return _drawn(str(name), size, str(label), str(css))


@register.filter
def unit_icon(kind: Any) -> str:
    """The icon of an organization unit's kind, given as its word or its enum member."""
    return UNIT_ICONS[str(getattr(kind, "label", kind)).lower()]


@register.simple_tag
def scope_rows(picker: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of the scope picker with their level from 1, how many units lie below, and which one is current.

    Whose rights begin in several places finds them all together in a first row without unit.
    """
    given, current = picker["rows"], picker["current"]
    top = min((row["depth"] for row in given), default=0)
    rows: list[dict[str, Any]] = []
    open_rows: list[dict[str, Any]] = []
    for row in given:
        while open_rows and open_rows[-1]["depth"] > row["depth"] - top:
            open_rows.pop()
        for above in open_rows:
            above["below"] += 1
        shown = {
            "unit": row["unit"],
            "depth": row["depth"] - top + 1,
            "below": 0,
            "current": row["unit"] == current,
            "above": row.get("above", False),
        }
        rows.append(shown)
        open_rows.append(shown)
    if sum(row["depth"] == 1 for row in rows) > 1 and not picker.get("search"):
        rows.insert(0, {"unit": None, "depth": 1, "below": 0, "current": current is None})
    return rows


@register.simple_tag
def quota_bar(
    bar: QuotaBar | None = None,
    height: int = 10,
    label: str = "",
    track: bool = False,
    used: int | None = None,
    quota: int | None = None,
    scale: int | None = None,
    **quantities: Any,
) -> SafeString:
    """A quota bar: of a `QuotaBar`, or of a unit's `used` and `quota`, or of the quantities by name."""
    if bar is None:
        if used is None:
            bar = QuotaBar(scale=scale, **quantities)
        else:
            bar = QuotaBar.of(used, quota, scale, **quantities)
    return bar.svg(height=height, label=label, track=track)


@register.inclusion_tag("components/node_map.html")
def node_map(nodes: Sequence[NodeCell]) -> dict[str, Any]:
    """The nodes of a pool, every GPU a square; beyond 60 a column a node, beyond 600 a table of what is free."""
    cells = list(nodes)
    if len(cells) > MOST_COLUMNS:
        return {"histogram": free_histogram(cells)}
    dense = len(cells) > MOST_NODES
    return {
        "dense": dense,
        "nodes": [(node, node.svg(rows=max(len(node.devices), 1) if dense else 2)) for node in cells],
    }


@register.inclusion_tag("components/node_free.html")
def node_free(histogram: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """How many nodes have how many whole GPUs free: pairs of GPUs and nodes, at least one."""
    return {"histogram": histogram, "most": max(number for _, number in histogram)}


@register.inclusion_tag("components/flow.html")
def flow(of: Flow, label: str) -> dict[str, Any]:
    """Who gives how much to whom, as a picture and as a table. `label` says the finding."""
    return {"picture": of.svg(label), "rows": of.rows(), "label": label}


@register.inclusion_tag("components/status.html")
def status(state: Any, reason: str = "", href: str = "", label: str = "") -> dict[str, Any]:
    """Icon, word and reason of a state, given as its word or its enum member. `href` leads to the explanation."""
    word = str(getattr(state, "label", state)).lower()
    known: State = STATES.get(word, UNKNOWN)
    return {"state": known, "word": label or word.capitalize(), "reason": reason, "href": href}


@register.inclusion_tag("components/legend.html")
def legend(*keys: str) -> dict[str, Any]:
    """What the fills mean: keys of `portal.words.LEGEND`, each with other words after a colon ("idle:yours now")."""
    parts = [key.partition(":") for key in keys]
    return {"entries": [(key, words or LEGEND[key]) for key, _, words in parts]}


@register.simple_tag
def when(at: datetime | None, style: str = "ago") -> SafeString | str:
    """A point in time, relative (`ago`), as `clock` or as `day`, with the exact time on hover."""
    if at is None:
        return "never"
    text = {"ago": formats.ago, "clock": formats.clock, "day": formats.day}[style](at)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.astimezone(UTC).isoformat(timespec="seconds"),
        formats.exact(at),
        text,
    )


@register.inclusion_tag("components/stat.html")
def stat(
    label: str,
    figure: Any,
    note: str = "",
    tone: str = "",
    before: Any = "",
    unit: str = "",
    href: str = "",
    key: str = "",
) -> dict[str, Any]:
    """One figure with its label and comparison, in `<dl class="stats card">`. `key`: the legend's fill beside it."""
    return {
        "label": label, "figure": figure, "note": note, "tone": tone,
        "before": before, "unit": unit, "href": href, "key": key,
    }  # fmt: skip


@register.inclusion_tag("components/timeline.html")
def timeline(events: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What happened, oldest first: `at`, `text`, optional `href`, `times` (folded repeats) and `now`."""
    return {"events": events}


@register.inclusion_tag("components/reason_chain.html")
def reason_chain(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Pools in the order tried, by steps: rows of `pool`, `note`, `tone` ("", wait, danger) and `steps`."""
    return {"rows": rows}


@register.inclusion_tag("components/copyable.html")
def copyable(text: str, label: str = "") -> dict[str, Any]:
    """Code that can be copied; `label` names what it is."""
    return {"text": text, "label": label}


@register.simple_block_tag
def banner(content: str, tone: str, icon_name: str = "") -> SafeString:
    """A message across the page or a card: info, warn, danger, or ok."""
    drawn = icon(icon_name or {"warn": "triangle-alert", "danger": "circle-x", "ok": "check"}.get(tone, "info"))
    return format_html('<div class="banner banner-{}">{}<div class="banner-text">{}</div></div>', tone, drawn, content)


@register.simple_block_tag
def empty(content: str, icon_name: str, title: str) -> SafeString:
    """Nothing here yet: why it matters and the next step, a primary button first."""
    return format_html(
        '<div class="empty">{}<p class="empty-title">{}</p>{}</div>', icon(icon_name, size=22), title, content
    )


@register.simple_tag(takes_context=True)
def live(context: template.Context, seconds: int = 5, url: str = "") -> SafeString:
    """Attributes of a part that renews itself: from `url`, or from the page's own address as it then is."""
    address = url or context["request"].get_full_path()
    return format_html(
        'hx-get="{}" hx-trigger="every {}s, refresh" hx-swap="live" data-live="{}"',
        address,
        seconds,
        "part" if url else "page",
    )


@register.inclusion_tag("components/chart.html")
def chart(
    figure: dict[str, Any], name: str, label: str, table: Sequence[Sequence[Any]] = (), height: int = 180
) -> dict[str, Any]:
    """A Plotly figure (`portal.charts`). `label` says its finding; `table`: head and rows of the same numbers."""
    rows = list(table)
    return {
        "figure": figure, "name": name, "label": label, "height": height, "head": rows[:1], "body": rows[1:]
    }  # fmt: skip
