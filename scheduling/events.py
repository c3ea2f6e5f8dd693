"""What happened to a workload: event codes and their numbers in words. Changes of state have its label as code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from portal.formats import counted

Numbers = Mapping[str, Any]


def event_text(code: str, numbers: Numbers) -> str:
    """One line of a timeline. An unknown code is shown as its words."""
    words = _WORDS.get(code)
    return words(numbers) if words else code.replace("_", " ").capitalize()


def _submitted(numbers: Numbers) -> str:
    pools = numbers.get("pools", [])
    order = f", pool order {', '.join(pools)}" if len(pools) > 1 else f", for {pools[0]}" if pools else ""
    return f"Submitted by {numbers.get('by', 'Bursar')}{order}"


def _delete_asked(numbers: Numbers) -> str:
    unit = f", with {numbers['unit']}" if "unit" in numbers else ""
    return f"Deleted by {numbers.get('by', 'Bursar')}{unit}"


def _with_message(word: str) -> Callable[[Numbers], str]:
    return lambda numbers: f"{word}: {numbers['message']}" if numbers.get("message") else word


def _with_pods(word: str) -> Callable[[Numbers], str]:
    def words(numbers: Numbers) -> str:
        if numbers.get("message"):
            return f"{word}: {numbers['message']}"
        return f"{word}: {numbers.get('running', 0)} of {counted(int(numbers.get('wanted', 0)), 'pod')} run"

    return words


_WORDS: dict[str, Callable[[Numbers], str]] = {
    "submitted": _submitted,
    "stop_asked": lambda numbers: f"Stopped by {numbers.get('by', 'Bursar')}",
    "delete_asked": _delete_asked,
    "waiting": _with_message("Waits again"),
    "starting": _with_pods("Starts"),
    "running": lambda numbers: "All pods run",
    "degraded": _with_pods("Degraded"),
    "stopping": _with_message("Its pods are shutting down"),
    "stopped": lambda numbers: "All pods have ended",
    "completed": _with_message("Completed"),
    "failed": _with_message("Failed"),
}
