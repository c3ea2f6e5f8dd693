"""What closing the pools to units without a quota means, in words."""

from __future__ import annotations

from typing import Any

from portal.formats import counted
from quotas.selectors.access import Closing, ShutOut


def closing_rows(found: Closing) -> list[dict[str, Any]]:
    """Before it is done: who has work where nothing of theirs would start any more."""
    if not found.total:
        return [{"text": "No project has work in a pool without a quota", "figure": None, "tone": "kept"}]
    rows: list[dict[str, Any]] = [
        {"text": _words(one), "figure": one.running + one.pending, "tone": "danger"} for one in found.named
    ]
    more = found.total - len(found.named)
    if more:
        text = f"{'more projects' if found.named else 'projects'} would start nothing in pools in which they have work"
        rows.append({"text": text, "figure": more, "tone": "danger"})
    if found.running:
        text = "Running workloads go on until they end, or until others take the room"
        rows.append({"text": text, "figure": found.running, "tone": "kept"})
    return rows


def _words(one: ShutOut) -> str:
    numbers = ((one.running, "running"), (one.pending, "waiting"))
    work = [f"{counted(number, 'workload')} {word}" for number, word in numbers if number]
    why = " as its department has no quota there" if one.above else ""
    return f"{one.unit.name} would start nothing in {one.pool.name}{why}: {' and '.join(work) or 'it uses some of it'}"
