"""How states look: an icon of their own and a tone, wherever they are shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class State:
    """`tone` colours the icon; a `loud` one colours the word too."""

    icon: str
    tone: str
    loud: bool = False


_GOOD = State("circle-check", "ok")
_BAD = State("circle-x", "danger", loud=True)
_ODD = State("triangle-alert", "warn")
_OVER = State("circle-check", "quiet")

UNKNOWN = State("circle-question-mark", "quiet")

STATES: dict[str, State] = {
    "waiting": State("clock", "wait"),
    "starting": State("loader", "info"),
    "running": State("circle-play", "ok"),
    "degraded": _ODD,
    "stopping": State("loader", "quiet"),
    "stopped": State("circle-pause", "quiet"),
    "completed": _OVER,
    "failed": _BAD,
    "deleting": State("trash-2", "quiet"),
    "ready": _GOOD,
    "not ready": _ODD,
    "cordoned": State("lock", "quiet"),
    "in two pools": _BAD,
    "connected": _GOOD,
    "waiting to connect": State("loader", "info"),
    "not connected": _BAD,
    "on time": _GOOD,
    "late": _ODD,
    "not running": _BAD,
    "in force": _GOOD,
    "not yet": State("loader", "info"),
    "being withdrawn": State("loader", "quiet"),
    "active": _GOOD,
    "failing": _ODD,
    "switched off": State("circle-pause", "quiet"),
    "delivered": _GOOD,
    "given up": _BAD,
    "paused": State("circle-pause", "quiet"),
}
