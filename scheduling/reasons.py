"""Why workloads wait, and why they were stopped: the engine's codes and numbers in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from portal.formats import clock, counted, duration
from scheduling.engine.decisions import EvictCode, WaitCode
from scheduling.models import Decision
from scheduling.quantities import amount, bare

Numbers = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason in two lengths."""

    short: str
    """For a row of a list."""
    sentence: str
    """For the answer of the workload's page, beginning with a verb: "Waits for room in a100: …"."""
    advice: str
    """What would help."""


NOT_LOOKED_AT = Reason("not looked at yet", "Waits to be looked at.", "The next cycle of its pool looks at it.")


def wait_reason(code: str, numbers: Numbers, pool: str, unit_name: Callable[[int], str]) -> Reason:
    """Why a workload waits in `pool`. `unit_name` gives the name of a unit as far as the reader may know it."""
    words = _WAITS.get(code)
    if words is None:
        return Reason(code.replace("_", " "), f"Waits in {pool}: {code.replace('_', ' ')}.", "")
    return words(Figures(numbers, unit_name), pool)


class Figures:
    """Numbers of one reason, ready to be put into a sentence."""

    def __init__(self, numbers: Numbers, unit_name: Callable[[int], str]) -> None:
        self._numbers = numbers
        self.resource = str(numbers.get("resource", "gpu_milli"))
        self.unit = unit_name(int(numbers["unit"])) if "unit" in numbers else "the project"

    def number(self, key: str) -> int:
        return int(self._numbers.get(key) or 0)

    def word(self, key: str) -> str:
        return str(self._numbers.get(key) or "")

    def clock(self, key: str) -> str:
        """A moment in ms since the epoch, as hours and minutes."""
        return f"{clock(datetime.fromtimestamp(self.number(key) / 1000, UTC))} UTC"

    def amount(self, key: str) -> str:
        return amount(self.resource, self.number(key))

    def bare(self, key: str) -> str:
        return bare(self.resource, self.number(key))

    @property
    def wanted_in_all(self) -> str:
        """What the unit would have with this workload."""
        return bare(self.resource, self.number("allocated") + self.number("requested"))


def _blocked(figures: Figures, pool: str) -> Reason:
    return Reason(
        f"{figures.unit} is blocked in {pool}",
        f"Waits in {pool}: {figures.unit} may run nothing there.",
        f"Choose another pool, or ask for a quota of {figures.unit} in {pool}.",
    )


def _over_limit(figures: Figures, pool: str) -> Reason:
    return Reason(
        f"would pass its limit, {figures.wanted_in_all} of {figures.amount('limit')}",
        f"Waits in {pool}: {figures.unit} has a limit of {figures.amount('limit')} and would have "
        f"{figures.wanted_in_all}.",
        f"It starts when {figures.unit} uses less, or with a higher limit.",
    )


def _over_quota_off(figures: Figures, pool: str) -> Reason:
    return Reason(
        f"would pass its quota, {figures.wanted_in_all} of {figures.amount('quota')}",
        f"Waits in {pool}: {figures.unit} may not go over its quota of {figures.amount('quota')} and would have "
        f"{figures.wanted_in_all}.",
        f"It starts when {figures.unit} uses less, or with a higher quota.",
    )


def _non_preemptible(figures: Figures, pool: str) -> Reason:
    return Reason(
        f"non-preemptible over quota, {figures.wanted_in_all} of {figures.amount('quota')}",
        f"Waits in {pool}: non-preemptible work of {figures.unit} stays inside its quota of "
        f"{figures.amount('quota')}, and would need {figures.wanted_in_all}.",
        "Submit it as preemptible, or wait until other non-preemptible work has ended.",
    )


def _no_ready_node(figures: Figures, pool: str) -> Reason:
    nodes = figures.number("nodes")
    if not nodes:
        return Reason(f"{pool} has no node", f"Waits in {pool}: the pool has no node.", "Choose another pool.")
    return Reason(
        f"none of {counted(nodes, 'node')} is ready in {pool}",
        f"Waits in {pool}: none of its {counted(nodes, 'node')} takes new work.",
        "It starts when a node is ready again and not cordoned.",
    )


def _never_fits(figures: Figures, pool: str) -> Reason:
    return Reason(
        f"never fits: nodes of {pool} have {figures.amount('largest')}",
        f"Never starts in {pool}: a pod asks for {figures.amount('requested')}, the largest node has "
        f"{figures.bare('largest')}.",
        "Ask for less per pod and more pods, or choose another pool.",
    )


def _no_matching_node(figures: Figures, pool: str) -> Reason:
    nodes = counted(figures.number("nodes"), "ready node")
    if figures.word("by") == "taints":
        return Reason(
            f"tolerates no node of {pool}",
            f"Waits in {pool}: it tolerates the taints of none of its {nodes}.",
            "Tolerate a taint of the nodes, or choose another pool.",
        )
    rule = "suits its rules about other pods" if figures.word("by") == "pods" else "has the labels it asks for"
    return Reason(
        f"no node of {pool} {rule}",
        f"Waits in {pool}: none of its {nodes} {rule}.",
        "Ask for less of the nodes, or choose another pool.",
    )


def _topology(figures: Figures, pool: str) -> Reason:
    level, slots, pods = figures.word("level"), figures.number("slots"), counted(figures.number("pods"), "pod")
    if not figures.number("domains"):
        return Reason(
            f"no node of {pool} has the label {level}",
            f"Waits in {pool}: all of it has to be inside one {level}, and no node there has that label.",
            "Ask for another level, or choose another pool.",
        )
    return Reason(
        f"room for {slots} of {pods} inside one {level}",
        f"Waits for room in {pool}: all of it has to be inside one {level}; of "
        f"{counted(figures.number('domains'), 'domain')} the best has room for {slots} of {pods}.",
        f"It starts when others end in one {level}, or with a wider level.",
    )


def _backing_off(figures: Figures, pool: str) -> Reason:
    until = figures.clock("until_ms")
    return Reason(
        f"starts failed, tried again at {until}",
        f"Waits in {pool}: its starts have failed again and again, so it is left out until {until}.",
        "Its timeline says what failed. Stop it, put that right, and run it again.",
    )


def _short(figures: Figures, pool: str) -> Reason:
    return Reason(
        f"{figures.amount('short')} short in {pool}",
        f"Waits for room in {pool}: {figures.amount('short')} short, {figures.bare('free')} of "
        f"{figures.bare('requested')} free.",
        "It starts when others end, or when it asks for less.",
    )


def _fragmented(figures: Figures, pool: str) -> Reason:
    pods, slots = figures.number("pods"), figures.number("slots")
    if figures.resource == "pods":
        return Reason(
            f"pod slots for {slots} of {counted(pods, 'pod')}",
            f"Waits for room in {pool}: its nodes take {counted(slots, 'more pod')}, it needs {pods} together.",
            "It starts when other pods there end.",
        )
    lacking = bare(figures.resource, (pods - slots) * figures.number("requested"))
    if not slots:
        short = f"{lacking} short: {figures.bare('free')} free, but no node has {figures.bare('requested')}"
    else:
        short = f"{lacking} short: room for {slots} of {pods} pods"
    return Reason(
        short,
        f"Waits for room in {pool}: needs {counted(pods, 'pod')} of {figures.amount('requested')}, "
        + (f"no node has {figures.bare('requested')} free." if not slots else f"room for {slots} now."),
        f"{figures.amount('free')} are free in all, at most {figures.bare('largest')} on one node. "
        "Smaller pods would start sooner.",
    )


def _room_reserved(figures: Figures, pool: str) -> Reason:
    pods, nodes = figures.number("pods"), figures.number("nodes")
    return Reason(
        f"room is being freed in {pool}",
        f"Starts soon in {pool}: room is being freed on {counted(nodes, 'node')}.",
        f"{counted(pods, 'pod')} still stopping there." if pods else "It starts with the next cycle.",
    )


def _incomplete(figures: Figures, pool: str) -> Reason:
    pods, minimum = figures.number("pods"), figures.number("minimum")
    return Reason(
        f"{pods} of {counted(minimum, 'pod')} exist",
        f"Waits in {pool}: {pods} of the {counted(minimum, 'pod')} that start together exist so far.",
        "It starts when the cluster has created the others.",
    )


_WAITS: dict[str, Callable[[Figures, str], Reason]] = {
    WaitCode.BLOCKED: _blocked,
    WaitCode.OVER_LIMIT: _over_limit,
    WaitCode.OVER_QUOTA_OFF: _over_quota_off,
    WaitCode.NON_PREEMPTIBLE_OVER_QUOTA: _non_preemptible,
    WaitCode.NO_READY_NODE: _no_ready_node,
    WaitCode.NEVER_FITS: _never_fits,
    WaitCode.NO_MATCHING_NODE: _no_matching_node,
    WaitCode.SHORT: _short,
    WaitCode.FRAGMENTED: _fragmented,
    WaitCode.TOPOLOGY: _topology,
    WaitCode.ROOM_RESERVED: _room_reserved,
    WaitCode.INCOMPLETE: _incomplete,
    WaitCode.BACKING_OFF: _backing_off,
}


def evict_reason(code: str, numbers: Numbers, for_whom: str, unit_name: Callable[[int], str]) -> str:
    """Why pods were stopped for another workload, called `for_whom` as far as the reader may know it."""
    if code == EvictCode.RECLAIM:
        figures = Figures(numbers, unit_name)
        overridden = ""
        if "allowed" in numbers:
            allowed = counted(figures.number("allowed"), "pod")
            overridden = f"; its disruption budget, which allowed {allowed}, was overridden for a guaranteed quota"
        return (
            f"Taken back for {for_whom}: {figures.unit} held {figures.amount('allocated')}, "
            f"its fair share is {figures.bare('fair_share')}, its quota {figures.bare('quota')}{overridden}"
        )
    if code == EvictCode.PREEMPT:
        return f"Stopped for {for_whom}, which has the higher priority"
    if code == EvictCode.CONSOLIDATE:
        return f"Moved so that {for_whom} finds room in one place; it starts again elsewhere"
    if code == EvictCode.STALE:
        figures = Figures(numbers, unit_name)
        since = f" since {figures.clock('since_ms')}" if "since_ms" in numbers else ""
        grace = f", longer than the {duration(figures.number('grace_ms') / 1000)} allowed" if since else ""
        return f"Stopped because it ran with fewer pods than it needs{since}{grace}"
    if code == Decision.GANG_INCOMPLETE:
        return "Stopped because the rest of its pods found no room"
    return f"Stopped for {for_whom}"
