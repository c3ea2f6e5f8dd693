"""A saved cycle in words: what was looked at, each decision with its reason, the order in which units are served."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from portal.formats import count, counted, duration
from scheduling.cycle_file import CycleFile
from scheduling.engine.decisions import Decisions, Evict, Place, Reserve, UnitShare, Wait
from scheduling.quantities import amount, bare
from scheduling.reasons import evict_reason, wait_reason

CAUSES = {
    "asked": "somebody asked for it",
    "slow": "it took longer than it should",
    "error": "something went wrong in it",
}
"""Why a cycle was saved."""
PARTS = {
    "places": "placed",
    "reserves": "room kept",
    "evicts": "stopped or moved",
    "waits": "left waiting",
    "withdrawn": "given and lost again in the cycle",
    "not_searched": "not searched for",
    "shares": "order and shares of units",
}
"""Fields of `Decisions` in words."""


def looked_at(cycle: CycleFile) -> str:
    """Where and when, and how much there was."""
    about, snapshot = cycle.about, cycle.snapshot
    at = datetime.fromtimestamp(snapshot.now_ms / 1000, UTC)
    pods = sum(len(group.pods) for workload in snapshot.workloads for group in workload.sub_groups)
    took = f"It took {duration(about.took_us / 1e6)} and" if about.took_us else "It"
    return (
        f"Cycle {count(about.cycle)} of {about.pool} in {about.cluster}, {at:%Y-%m-%d %H:%M:%S} UTC, "
        f"epoch {about.epoch}: "
        f"{counted(len(snapshot.nodes), 'node')}, {counted(len(snapshot.units), 'unit')}, "
        f"{counted(len(snapshot.workloads), 'workload')}, {counted(pods, 'pod')}.\n"
        f"{took} was saved because {CAUSES.get(about.cause, about.cause)}."
    )


def decided(decisions: Decisions) -> str:
    """How many of each kind."""
    counts = [(len(getattr(decisions, part)), word) for part, word in PARTS.items() if part != "shares"]
    return ", ".join(f"{number} {word}" for number, word in counts if number) or "nothing"


class Words:
    """Names from the snapshot, for its decisions."""

    def __init__(self, cycle: CycleFile) -> None:
        snapshot = cycle.snapshot
        self._pool = cycle.about.pool
        self._workloads = {workload.id: workload.name for workload in snapshot.workloads}
        self._nodes = {node.id: node.name for node in snapshot.nodes}
        self._units = {unit.id: unit.name for unit in snapshot.units}

    def all_of(self, decisions: Decisions) -> Iterator[str]:
        """Every decision, then the units in the order in which they are served next."""
        for part in ("evicts", "places", "reserves", "waits"):
            for item in getattr(decisions, part):
                yield self.of(item)
        yield "Served in this order:"
        for place, share in enumerate(decisions.shares, 1):
            yield f"{place:>5}. {self.of(share)}"

    def of(self, item: object) -> str:
        """One part of some decisions; a bare number is that of a pod or workload."""
        try:
            return self._words(item)
        except (ValueError, OverflowError):
            # Figures of a file may be no figures at all.
            return repr(item)

    def _words(self, item: object) -> str:
        if isinstance(item, Place):
            return f"Placed pod {item.pod} of {self._workload(item.workload)} on {self._room(item)}"
        if isinstance(item, Reserve):
            return f"Room for pod {item.pod} of {self._workload(item.workload)} kept on {self._room(item)}"
        if isinstance(item, Evict):
            why = evict_reason(item.code, item.numbers, self._workload(item.for_workload), self._unit)
            return f"Pod {item.pod} of {self._workload(item.workload)}: {why}"
        if isinstance(item, Wait):
            why = wait_reason(item.code, item.numbers, self._pool, self._unit).short
            return f"{self._workload(item.workload)} waits: {why}"
        return self._share(item) if isinstance(item, UnitShare) else str(item)

    def _share(self, share: UnitShare) -> str:
        parts = []
        for resource in ("gpu_milli", "cpu_millicores"):
            quota = getattr(share.quota, resource)
            given = "not set" if quota is None else bare(resource, quota)
            parts.append(
                f"{amount(resource, getattr(share.allocated, resource))} allocated, quota {given}, "
                f"fair share {bare(resource, getattr(share.fair_share, resource))}"
            )
        return f"{self._unit(share.unit)}: {'; '.join(parts)}"

    def _room(self, item: Place | Reserve) -> str:
        devices = f", {'GPU' if len(item.devices) == 1 else 'GPUs'} {', '.join(map(str, item.devices))}"
        return self._nodes.get(item.node, f"node {item.node}") + (devices if item.devices else "")

    def _workload(self, pk: int) -> str:
        return self._workloads.get(pk, f"workload {pk}")

    def _unit(self, pk: int) -> str:
        return self._units.get(pk, f"unit {pk}")
