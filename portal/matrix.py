"""Cells of a matrix that is edited in place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from portal.quota_bar import QuotaBar


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixCell:
    """One cell as it is drawn from what is saved. What was typed since, the page keeps and draws over it."""

    id: str
    label: str
    """Names the cell for those who do not see its row and column: "vis-3d in a100, quota"."""
    value: str = ""
    """As typed and shown; empty where nothing is set."""
    before: str = ""
    """Shown struck before it."""
    note: str = ""
    """The small line: "8 used, up to 24"."""
    default: str = ""
    """Words for what holds where nothing is set ("best effort")."""
    problem: str = ""
    """What is wrong with what is saved: "2 too many given"."""
    bar: QuotaBar | None = None
    state: Literal["", "changed", "invalid", "blocked", "best effort", "conflict", "then"] = ""
    """`then`: as changes elsewhere would make it that are not saved."""
    error: str = ""
    editable: bool = False
    version: str = ""
    """Of what is saved: a change is made from it."""
    locked: str = ""
    """Why it may not be edited."""
    over_quota: bool | None = None
    """What Space switches; None: there is nothing to switch."""
    rank: str = ""
    """What Space gives the next of; empty: nothing."""
    strong: bool = False
    """A row that others add up to."""
