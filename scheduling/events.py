"""What happened to a workload: event codes and their numbers in words. Changes of state have its label as code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from portal.formats import counted, duration
from scheduling.reasons import wait_reason

Numbers = Mapping[str, Any]


def event_text(code: str, numbers: Numbers) -> str:
    """One line of a timeline. An unknown code is shown as its words."""
    words = _WORDS.get(code)
    return words(numbers) if words else code.replace("_", " ").capitalize()


def _submitted(numbers: Numbers) -> str:
    return f"Submitted by {numbers.get('by', 'Bursar')}{_order(numbers)}"


def _found(numbers: Numbers) -> str:
    kind, _, name = numbers.get("origin", "").partition("/")
    return f"Found in the cluster: {kind} {name}{_order(numbers)}"


def _order(numbers: Numbers) -> str:
    pools = numbers.get("pools", [])
    return f", pool order {', '.join(pools)}" if len(pools) > 1 else f", for {pools[0]}" if pools else ""


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


def _moved(numbers: Numbers) -> str:
    """Where it went, and why it did not stay."""
    to = numbers.get("to", "another pool")
    if not numbers.get("from"):
        return f"Assigned to {to}"
    start = "starts once lent GPUs are back" if numbers.get("after_reclaim") else "starts at once"
    text = f"Moved {'back ' if numbers.get('back') else ''}from {numbers['from']} to {to}, where it {start}"
    waited = f"; it had waited {duration(int(numbers.get('seconds', 0)))}"
    if "code" not in numbers:
        return text + waited
    return f"{text}{waited}: {wait_reason(numbers['code'], numbers.get('why', {}), numbers['from'], _unit).short}"


def _unit(unit: int) -> str:
    return "its project or department"


_WORDS: dict[str, Callable[[Numbers], str]] = {
    "submitted": _submitted,
    "found": _found,
    "stop_asked": lambda numbers: f"Stopped by {numbers.get('by', 'Bursar')}",
    "resume_asked": lambda numbers: f"Resumed by {numbers.get('by', 'Bursar')}",
    "delete_asked": _delete_asked,
    "moved": _moved,
    "waiting": _with_message("Waits again"),
    "starting": _with_pods("Starts"),
    "running": lambda numbers: "All pods run",
    "degraded": _with_pods("Degraded"),
    "stopping": _with_message("Its pods are shutting down"),
    "stopped": lambda numbers: "All pods have ended",
    "completed": _with_message("Completed"),
    "failed": _with_message("Failed"),
}
