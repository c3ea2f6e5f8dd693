"""The contrasts of the colours, computed from the style sheet itself (WCAG 2)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CSS = Path(__file__).parents[2] / "static/css/tokens.css"
COLOURS = {
    name: values
    for name, *values in re.findall(r"--([\w-]+): light-dark\((#[0-9A-F]{6}), (#[0-9A-F]{6})\);", CSS.read_text())
}
THEMES = ["light", "dark"]
TEXT = [
    ("ink", "selected"), ("ink-2", "selected"), ("ink-3", "selected"), ("ok", "ok-bg"), ("warn", "warn-bg"),
    ("danger", "danger-bg"), ("wait", "wait-bg"), ("info", "info-bg"), ("inverse", "ink"), ("ink", "guaranteed-area"),
]  # fmt: skip
GROUNDS = ["surface", "bg", "surface-2", "hover", "selected"]
FILLS = ["guaranteed", "over", "requested", "lost", "ok-dot", "control", "focus"]
TOLD = {
    ("ink", "surface"): (17.8, 14.6), ("ink", "selected"): (15.2, 11.8), ("ink-2", "surface"): (8.5, 8.7),
    ("ink-3", "surface"): (5.8, 6.2), ("ink-3", "selected"): (4.9, 5.0), ("ok", "surface"): (6.1, 8.7),
    ("ok", "selected"): (5.2, 7.0),
    ("warn", "selected"): (5.6, 8.2), ("danger", "selected"): (5.5, 6.0), ("wait", "selected"): (8.7, 8.9),
    ("info", "selected"): (5.3, 6.4), ("guaranteed", "surface"): (5.2, 6.1), ("over", "surface"): (3.5, 8.0),
    ("requested", "surface"): (10.2, 11.5), ("lost", "surface"): (3.4, 4.6), ("ok-dot", "surface"): (3.6, 7.0),
}  # fmt: skip


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str, theme: str) -> float:
    index = THEMES.index(theme)
    low, high = sorted(luminance(COLOURS[name][index]) for name in (one, other))
    return (high + 0.05) / (low + 0.05)


def test_every_colour_was_read() -> None:
    assert len(COLOURS) >= 35
    assert CSS.read_text().count("light-dark(#") == len(COLOURS)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("text", "ground"), TEXT)
def test_text_can_be_read_on_its_worst_ground(text: str, ground: str, theme: str) -> None:
    assert contrast(text, ground, theme) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("text", ["ink", "ink-2", "ink-3", "ok", "warn", "danger", "wait", "info"])
def test_text_can_be_read_on_rows_and_cards(text: str, ground: str, theme: str) -> None:
    assert contrast(text, ground, theme) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("fill", FILLS)
def test_fills_stand_out_from_the_card(fill: str, theme: str) -> None:
    assert contrast(fill, "surface", theme) >= 3


@pytest.mark.parametrize(("pair", "told"), TOLD.items())
def test_contrasts_are_those_of_the_design(pair: tuple[str, str], told: tuple[float, float]) -> None:
    assert [contrast(*pair, theme) for theme in THEMES] == pytest.approx(told, abs=0.06)
