"""Cells of a matrix that is edited in place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from portal.quota_bar import QuotaBar


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixCell:
    """One cell as it is drawn, and as the answer to a save draws it again.

    A save is a POST to `url` with `value` and `version`. Its answer is the cells and heads that changed, each with its
    `id`; with status 422 or 409 they hold the `error` and the value that was typed.
    """

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
    bar: QuotaBar | None = None
    state: Literal["", "changed", "invalid", "blocked", "best effort", "conflict"] = ""
    error: str = ""
    url: str = ""
    """Where to save; empty: may not be edited."""
    version: str = ""
    locked: str = ""
    """Why it may not be edited."""
    switch: str = ""
    """What Space or its small button does here, in words: a POST to `url` with `switch` instead of `value`."""
    strong: bool = False
    """A row that others add up to."""
