"""The node map: every GPU of a pool a small square, nodes side by side, filled like the quota bar."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from portal.formats import cores, gpus

SQUARE = 7
STEP = SQUARE + 1
BAR_WIDTH = 23
BAR_HEIGHT = 15
MOST_NODES = 60
"""More than that: one column a node."""
MOST_COLUMNS = 600
"""More than that: how many nodes have how much free."""


@dataclass(frozen=True, slots=True)
class Device:
    """One GPU: what of it is used inside quota and over quota, in milli-GPUs of 1,000."""

    inside: int = 0
    over: int = 0

    @property
    def used(self) -> int:
        return self.inside + self.over


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCell:
    """One node: its GPUs, or, where it has none, its cores in millicores."""

    name: str
    devices: tuple[Device, ...] = ()
    cpu_used: int = 0
    cpu_total: int = 0
    ready: bool = True
    note: str = ""
    """Why it takes nothing new although it is ready."""
    framed: bool = False
    """What the page is about."""
    href: str = ""

    @property
    def number(self) -> str:
        """The last part of its name, for the few pixels above it."""
        return self.name.rpartition("-")[2][-3:]

    def label(self) -> str:
        """The node in words: "a100-13: 7 of 8 in use"."""
        if not self.ready:
            return f"{self.name}: not ready"
        note = f"; {self.note}" if self.note else ""
        if self.devices:
            used = sum(device.used for device in self.devices)
            return f"{self.name}: {gpus(used)} of {len(self.devices)} in use{note}"
        return f"{self.name}: {cores(self.cpu_used)} of {cores(self.cpu_total)} cores in use{note}"

    def free(self) -> int:
        """Whole GPUs free for new work."""
        return sum(not device.used for device in self.devices) if self.ready and not self.note else 0

    def svg(self, rows: int = 2) -> SafeString:
        """Its squares, filled from below, `rows` high; without GPUs one bar."""
        if not self.devices:
            return self._bar()
        columns = -(-len(self.devices) // rows)
        parts = [
            _square(device, index % columns * STEP, index // columns * STEP, self.ready)
            for index, device in enumerate(self.devices)
        ]
        return _picture(columns * STEP - 1, rows * STEP - 1, parts)

    def _bar(self) -> SafeString:
        width = BAR_WIDTH * self.cpu_used / self.cpu_total if self.cpu_total else 0
        parts = [_rect("free" if self.ready else "lost", 0.5, 0.5, BAR_WIDTH - 1, BAR_HEIGHT - 1)]
        if self.ready and width:
            parts.append(_rect("guaranteed", 0, 0, max(width, 1), BAR_HEIGHT))
        return _picture(BAR_WIDTH, BAR_HEIGHT, parts)


def _picture(width: int, height: int, parts: list[str]) -> SafeString:
    inner = mark_safe("".join(parts))  # noqa: S308 - numbers and our own class names
    return format_html('<svg width="{}" height="{}" aria-hidden="true">{}</svg>', width, height, inner)


def _square(device: Device, x: int, y: int, ready: bool) -> str:
    if not ready:
        return _rect("lost", x, y, SQUARE, SQUARE)
    drawn = _rect("free", x + 0.5, y + 0.5, SQUARE - 1, SQUARE - 1) if device.used < 1000 else ""
    floor = float(y + SQUARE)
    for kind, milli in (("guaranteed", device.inside), ("over", device.over)):
        if milli > 0:
            height = max(min(SQUARE * milli / 1000, floor - y), 1)
            floor -= height
            drawn += _rect(kind, x, floor, SQUARE, height)
    return drawn


def _rect(kind: str, x: float, y: float, width: float, height: float) -> str:
    fill = {"over": ' fill="url(#p-over)"', "lost": ' fill="url(#p-lost)"'}.get(kind, "")
    return f'<rect class="bar-{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"{fill}/>'


def free_histogram(nodes: list[NodeCell]) -> list[tuple[int, int]]:
    """How many nodes have how many whole GPUs free, most free first."""
    return sorted(Counter(node.free() for node in nodes).items(), reverse=True)
