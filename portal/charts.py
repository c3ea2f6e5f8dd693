"""Layout and colours of charts. Figures are plain dicts; colours are names of tokens, filled in by theme."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Figure = dict[str, Any]


def token(name: str) -> str:
    """A colour by the name of its custom property: `token("guaranteed")`."""
    return f"token:{name}"


def layout(**changes: Any) -> dict[str, Any]:
    """How every chart is set; `changes` are merged into its parts."""
    base: dict[str, Any] = {
        "font": {"size": 11, "color": token("ink-3")},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 34, "r": 10, "t": 8, "b": 20},
        "showlegend": False,
        "hovermode": "x unified",
        "hoverlabel": {
            "bgcolor": token("surface"),
            "bordercolor": token("line-2"),
            "font": {"size": 12, "color": token("ink")},
        },
        "xaxis": {
            "showgrid": False,
            "ticks": "outside",
            "tickcolor": token("line-2"),
            "linecolor": token("line-2"),
            "zeroline": False,
            "fixedrange": True,
            "showspikes": True,
            "spikethickness": 1,
            "spikecolor": token("line-2"),
            "spikedash": "solid",
        },
        "yaxis": {
            "gridcolor": token("line"),
            "nticks": 4,
            "rangemode": "tozero",
            "zeroline": True,
            "zerolinecolor": token("line-2"),
            "fixedrange": True,
        },
    }
    for name, value in changes.items():
        base[name] = {**base[name], **value} if isinstance(value, dict) and isinstance(base.get(name), dict) else value
    return base


HATCH = {"shape": "/", "size": 6, "solidity": 0.35, "fgcolor": token("over"), "bgcolor": token("over-2")}


def use_over_time(
    times: Sequence[str],
    guaranteed: Sequence[float],
    over: Sequence[float],
    ready: Sequence[float | None],
    unit: str = "GPUs",
) -> Figure:
    """How much was used inside and over quota, under the line of what was ready. Times are ISO 8601; gaps are None."""
    area = {
        "x": list(times),
        "type": "scatter",
        "mode": "lines",
        "stackgroup": "use",
        "line": {"shape": "hv", "width": 0},
    }
    named = f"%{{y:,.4~f}} {unit}"
    return {
        "data": [
            {
                **area,
                "name": "guaranteed, used",
                "y": list(guaranteed),
                "fillcolor": token("guaranteed-area"),
                "line": {"shape": "hv", "width": 1.5, "color": token("guaranteed")},
                "hovertemplate": named,
            },
            {
                **area,
                "name": "over quota",
                "y": list(over),
                "fillcolor": token("over"),
                "fillpattern": {**HATCH, "fillmode": "replace"},
                "hovertemplate": named,
            },
            {
                "x": list(times),
                "y": list(ready),
                "name": "ready",
                "type": "scatter",
                "mode": "lines",
                "line": {"shape": "hv", "width": 1.5, "color": token("mark")},
                "hovertemplate": named,
            },
        ],
        "layout": layout(),
    }


def event_mark(figure: Figure, at: str, words: str, bad: bool = True) -> Figure:
    """The figure with an event in it: a dashed upright and its words at the axis."""
    colour = token("danger" if bad else "ink-3")
    changed = dict(figure["layout"])
    line = {"type": "line", "x0": at, "x1": at, "yref": "paper", "y0": 0, "y1": 1}
    changed["shapes"] = [*changed.get("shapes", []), {**line, "line": {"color": colour, "width": 1, "dash": "dash"}}]
    note = {
        "x": at,
        "y": 0,
        "yref": "paper",
        "yanchor": "top",
        "yshift": -4,
        "showarrow": False,
        "text": words,
        "bgcolor": token("surface"),
    }
    changed["annotations"] = [*changed.get("annotations", []), {**note, "font": {"color": colour, "size": 11}}]
    return {"data": figure["data"], "layout": changed}
