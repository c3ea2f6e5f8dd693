"""The picture of who gives how much to whom: two columns, and bands between them as thick as what flows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from portal.formats import cut_middle, gpus

WIDTH, LEFT, RIGHT, BAR = 360, 122, 232, 6
GAP, SLIMMEST = 15, 2.0
"""Between the names of a column; and the thinnest end of a band."""
BODY = 90
"""Pixels that all bands together are high."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Quantities in milli-GPUs; both sides add up to the same. `links`: by index on both sides."""

    givers: Sequence[tuple[str, int]]
    takers: Sequence[tuple[str, int]]
    links: Mapping[tuple[int, int], int]

    @property
    def total(self) -> int:
        return sum(amount for _, amount in self.takers)

    def rows(self) -> list[list[str]]:
        """The same as a table: giver, taker, GPUs."""
        pairs = sorted(self.links.items())
        return [[self.givers[giver][0], self.takers[taker][0], gpus(amount)] for (giver, taker), amount in pairs]

    def svg(self, label: str) -> SafeString:
        scale = BODY / (self.total or 1)
        height = max(_height(side, scale) for side in (self.givers, self.takers))
        tops = [_tops(side, scale, height) for side in (self.givers, self.takers)]
        used = [dict(enumerate(tops[0])), dict(enumerate(tops[1]))]
        bands = []
        for (giver, taker), amount in sorted(self.links.items()):
            thick = amount * scale
            bands.append((_band(used[0][giver], used[1][taker], thick),))
            used[0][giver] += thick
            used[1][taker] += thick
        return format_html(
            '<svg class="flow" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg>',
            WIDTH,
            round(height),
            label,
            format_html_join("", '<path class="flow-band" d="{}"/>', bands),
            _column(self.givers, tops[0], scale, x=LEFT, giving=True),
            _column(self.takers, tops[1], scale, x=RIGHT, giving=False),
        )


def _thick(amount: int, scale: float) -> float:
    return max(amount * scale, SLIMMEST)


def _height(side: Sequence[tuple[str, int]], scale: float) -> float:
    return sum(_thick(amount, scale) for _, amount in side) + GAP * len(side)


def _tops(side: Sequence[tuple[str, int]], scale: float, height: float) -> list[float]:
    """Where each begins, the column spread over the whole height."""
    gap = GAP + (height - _height(side, scale)) / (len(side) or 1)
    tops, at = [], gap / 2
    for _, amount in side:
        tops.append(at)
        at += _thick(amount, scale) + gap
    return tops


def _band(top: float, other: float, thick: float) -> str:
    begin, end, middle = LEFT + BAR, RIGHT, (LEFT + BAR + RIGHT) / 2
    return (
        f"M{begin} {top:.1f}C{middle} {top:.1f} {middle} {other:.1f} {end} {other:.1f}"
        f"V{other + thick:.1f}C{middle} {other + thick:.1f} {middle} {top + thick:.1f} {begin} {top + thick:.1f}Z"
    )


def _column(
    side: Sequence[tuple[str, int]], tops: Sequence[float], scale: float, *, x: int, giving: bool
) -> SafeString:
    bar = "bar-guaranteed" if giving else "bar-over"
    fill = "" if giving else mark_safe(' fill="url(#p-over)"')
    return format_html_join(
        "",
        '<rect class="{}" x="{}" y="{}" width="{}" height="{}"{}/>'
        '<text class="flow-{}" x="{}" y="{}">{} <tspan>{}</tspan></text>',
        (
            (
                bar,
                x,
                f"{top:.1f}",
                BAR,
                f"{_thick(amount, scale):.1f}",
                fill,
                "giver" if giving else "taker",
                x - 6 if giving else x + BAR + 6,
                f"{top + _thick(amount, scale) / 2 + 4:.1f}",
                cut_middle(name, 16),
                gpus(amount),
            )
            for (name, amount), top in zip(side, tops, strict=True)
        ),
    )
