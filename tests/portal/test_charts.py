"""Figures are ones that Plotly takes, and their colours are tokens of the style sheet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest

from portal import charts

TOKENS = set(re.findall(r"--([\w-]+):", (Path(__file__).parents[2] / "static/css/tokens.css").read_text()))
TIMES = ["2025-10-16T14:00:00+00:00", "2025-10-16T15:00:00+00:00"]
USE = charts.use_over_time(TIMES, [160, 170], [30, 31], [272, 264])
FIGURES = [
    USE,
    charts.event_mark(charts.event_mark(USE, TIMES[0], "quota changed", bad=False), TIMES[1], "a100-07 lost"),
]


def tokens(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value.startswith("token:"):
        yield value.removeprefix("token:")
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from tokens(part)


@pytest.mark.parametrize("figure", FIGURES)
def test_plotly_takes_it(figure: charts.Figure) -> None:
    drawn = go.Figure(json.loads(re.sub(r"token:[\w-]+", "#123456", json.dumps(figure))))
    assert len(drawn.data) == len(figure["data"])


@pytest.mark.parametrize("figure", FIGURES)
def test_colours_are_tokens(figure: charts.Figure) -> None:
    used = set(tokens(figure))
    assert {"ink-3", "line"} <= used <= TOKENS


def test_over_quota_is_hatched() -> None:
    assert USE["data"][1]["fillpattern"]["shape"] == "/"


def test_marking_an_event_leaves_the_figure_as_it_was() -> None:
    assert "shapes" not in USE["layout"]
    assert len(FIGURES[1]["layout"]["shapes"]) == 2


def test_layout_merges_changes() -> None:
    axis = charts.layout(yaxis={"title": {"text": "GPUs"}})["yaxis"]
    assert axis["title"] == {"text": "GPUs"}
    assert axis["rangemode"] == "tozero"
