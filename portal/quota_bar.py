"""The quota bar: how much of a guarantee is used, what is used beyond it, what lies idle. One picture everywhere.

Drawn as SVG whose widths are percent attributes, so that it scales without scripts or inline styles. Fills are patterns
and colours of their own for every quantity; the hatches come from `components/patterns.html`, once a page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from portal import formats

WORDS: dict[str, Callable[[int], str]] = {"gpu": formats.gpus, "cpu": formats.cores, "memory": formats.memory}
SEGMENTS = ("guaranteed", "over", "idle", "free", "lost")
HATCHED = {"over", "lost", "blocked"}
OUTLINED = {"idle", "free", "blocked"}
SMALL = 2.0
"""Percent of the width below which a segment also gets 2 px of its own, so that something is never nothing."""
MARK_ROOM = 6
"""Pixels above and below the bar for its marks and the line of what waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaBar:
    """Quantities of one resource, all in its smallest unit (milli-GPUs, millicores or bytes).

    Units of the organization have `idle` (guaranteed, not used), pools have `free` and `lost` (of nodes not ready).
    """

    inside: int = 0
    """Used inside the quota."""
    over: int = 0
    """Used over the quota."""
    idle: int = 0
    free: int | None = None
    lost: int = 0
    waiting: int = 0
    limit: int | None = None
    fair_share: int | None = None
    guaranteed: int | None = None
    """Sum of the guarantees, of pools."""
    scale: int | None = None
    """What the full width stands for; none: as much as there is to show."""
    resource: str = "gpu"
    blocked: bool = False
    unset: bool = False
    """Nobody set a quota."""
    stale: bool = False

    @classmethod
    def of(
        cls, used: int, quota: int | None, scale: int | None = None, over: int | None = None, **more: object
    ) -> QuotaBar:
        """The bar of a unit: what is used above `quota` is over it, unless `over` says better (sums of units below)."""
        guaranteed = quota or 0
        beyond = max(used - guaranteed, 0) if over is None else over
        inside = used - beyond
        idle = max(guaranteed - inside, 0)
        unset = quota is None and not used
        return cls(inside=inside, over=beyond, idle=idle, scale=scale, unset=unset, **more)  # type: ignore[arg-type]

    @property
    def used(self) -> int:
        return self.inside + self.over

    @property
    def quota(self) -> int:
        return self.inside + self.idle

    def full(self) -> int:
        """What the full width stands for, at least 1."""
        ends = (self.used + self.idle + (self.free or 0) + self.lost, self.used + self.waiting)
        marks = (self.limit or 0, self.fair_share or 0, self.guaranteed or 0)
        return max(self.scale or max(*ends, *marks), 1)

    def label(self) -> str:
        """The bar in words."""
        words = WORDS[self.resource]
        if self.blocked:
            return "blocked"
        if self.unset:
            return "no quota set"
        if self.free is not None:
            parts = [f"{words(self.used)} of {words(self.used + self.free)} in use"]
            parts += [f"{words(self.over)} over quota"] if self.over else []
        elif not self.quota:
            parts = [f"{words(self.used)} in use, best effort"]
        else:
            parts = [f"{words(self.inside)} of {words(self.quota)} guaranteed in use"]
            parts += [f"{words(self.over)} over quota"] if self.over else []
        named = ((self.lost or None, "not ready"), (self.waiting or None, "waiting"))
        parts += [f"{words(value)} {name}" for value, name in named if value is not None]
        marks = (("limit", self.limit), ("fair share", self.fair_share), ("guarantees add up to", self.guaranteed))
        parts += [f"{name} {words(value)}" for name, value in marks if value is not None]
        return ", ".join(parts)

    def svg(self, height: int = 10, label: str = "", track: bool = False) -> SafeString:
        """The picture, `height` pixels high without its marks. `track`: the empty rest is drawn as a well."""
        marked = self.waiting or not (self.limit is self.fair_share is self.guaranteed is None)
        top = MARK_ROOM if marked else 0
        pen = _Pen(self.full(), height, top)
        if self.blocked:
            pen.whole("blocked")
        elif self.unset:
            pen.line("none", 0, 100, height / 2)
        else:
            if track:
                pen.whole("track")
            self._draw(pen)
        return format_html(
            '<svg class="bar{}" role="img" aria-label="{}" width="100%" height="{}">{}</svg>',
            " bar-stale" if self.stale else "",
            label or self.label(),
            height + 2 * top,
            mark_safe("".join(pen.parts)),  # noqa: S308 - numbers and our own class names
        )

    def _draw(self, pen: _Pen) -> None:
        amounts = (self.inside, self.over, self.idle, self.free or 0, self.lost)
        pen.segments(list(zip(SEGMENTS, amounts, strict=True)))
        if self.waiting:
            start, end = pen.percent(self.used), pen.percent(self.used + self.waiting)
            pen.line("waiting", start, max(end, start + 0.5), pen.height + 4, "2 2")
        for kind, value in (("limit", self.limit), ("fair", self.fair_share), ("sum", self.guaranteed)):
            if value is not None:
                pen.mark(kind, value)


class _Pen:
    """Writes the parts of one bar; x in percent, y in pixels."""

    def __init__(self, full: int, height: int, top: int) -> None:
        self.full, self.height, self.top = full, height, top
        self.parts: list[str] = []

    def percent(self, value: int) -> float:
        return min(round(value * 100 / self.full, 3), 100)

    def whole(self, kind: str) -> None:
        self.parts.append(self._rect(kind, 0, "100%"))

    def segments(self, sizes: Sequence[tuple[str, int]]) -> None:
        """One after the other; those too small to see get pixels of their own, above the others."""
        small: list[str] = []
        at = 0
        for kind, size in sizes:
            x, end = self.percent(at), self.percent(at + size)
            at += size
            if size <= 0 or x >= 100:
                continue
            self.parts.append(self._rect(kind, x, f"{end - x:g}%"))
            if end - x < SMALL:
                small.append(self._rect(kind, x, "2"))
        self.parts += small
        if at > self.full:
            self._ragged()

    def line(self, kind: str, start: float, end: float, y: float, dashes: str = "") -> None:
        dash = f' stroke-dasharray="{dashes}"' if dashes else ""
        y += self.top
        self.parts.append(f'<line class="bar-{kind}" x1="{start:g}%" x2="{end:g}%" y1="{y:g}" y2="{y:g}"{dash}/>')

    def mark(self, kind: str, value: int) -> None:
        top, bottom = self.top, self.top + self.height
        if kind == "limit":
            shape = f'<path class="bar-limit" d="M-4 {top - 2}H0V{bottom + 2}H-4"/>'
        elif kind == "fair":
            shape = f'<path class="bar-fair" d="M-4 {top - 6}H4L0 {top - 1}z"/>'
        else:
            line = f'x1="0" x2="0" y1="{top - 2}" y2="{bottom + 2}"'
            shape = f'<line class="bar-halo" {line}/><line class="bar-sum" {line} stroke-dasharray="2 2"/>'
        self._at(self.percent(value), shape)

    def _ragged(self) -> None:
        step = self.height / 4
        teeth = f"l3 {step:g}l-3 {step:g}l3 {step:g}l-3 {step:g}"
        self._at(100, f'<path class="bar-cut" d="M-3 {self.top}{teeth}H2V{self.top}z"/>')

    def _at(self, x: float, shape: str) -> None:
        self.parts.append(f'<svg x="{x:g}%" overflow="visible">{shape}</svg>')

    def _rect(self, kind: str, x: float, width: str) -> str:
        paint = f' fill="url(#p-{kind})"' if kind in HATCHED else ""
        y, height = (self.top + 0.5, self.height - 1) if kind in OUTLINED else (self.top, self.height)
        return f'<rect class="bar-{kind}" x="{x:g}%" width="{width}" y="{y:g}" height="{height:g}"{paint}/>'
