"""Names that components share: what fills mean, icons of kinds, steps on the way to a start."""

from __future__ import annotations

from dataclasses import dataclass

UNIT_ICONS = {
    "account": "building-2",
    "cluster": "boxes",
    "department": "folder",
    "project": "square-dashed-bottom-code",
}

LEGEND = {
    "guaranteed": "guaranteed, used",
    "over": "over quota",
    "idle": "guaranteed, idle",
    "free": "free",
    "lost": "not ready",
    "waiting": "waiting",
    "limit": "limit",
    "fair": "fair share",
    "sum": "sum of guarantees",
    "blocked": "blocked",
}

SIGNS = {
    "check": ("check", "ok", "passed"),
    "weak": ("triangle-alert", "warn", "allowed but weak"),
    "cross": ("x", "danger", "stops it"),
    "dash": ("minus", "quiet", "not reached"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step in one pool: its sign (a key of `SIGNS`), the numbers, one short line."""

    sign: str
    text: str
    note: str = ""

    @property
    def icon(self) -> str:
        return SIGNS[self.sign][0]

    @property
    def tone(self) -> str:
        return SIGNS[self.sign][1]

    @property
    def meaning(self) -> str:
        return SIGNS[self.sign][2]
