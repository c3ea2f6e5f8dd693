"""What a replay gives, and why a job waits longer in it than on a cluster of its own team's quota.

Judged after a cycle, from what the teams hold then, and in this order: room is kept for the job, or is missing even in
sum while others are being stopped: termination grace. Its team would stay inside quota with it: minimum runtime where
that protects what is missing, else fragmentation. It was stopped before: restart. Else others of its own team hold the
quota that it would have had: order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from scheduling.engine.types import Pod, PodState
from tests.bench.jobs import Job


class Cause(StrEnum):
    GRACE = "termination grace"
    MIN_RUNTIME = "minimum runtime"
    FRAGMENTATION = "fragmentation"
    RESTART = "restart"
    ORDER = "order"


@dataclass(slots=True)
class Outcome:
    """Of the jobs by id, in seconds."""

    waits: dict[int, int] = field(default_factory=dict)
    """From submission to completion, less the duration."""
    excess: dict[int, Counter[Cause]] = field(default_factory=dict)
    """By cause: the waiting that came after as much of it as on the private cluster."""
    evictions: Counter[int] = field(default_factory=Counter)
    """How often it was stopped."""
    moves: Counter[int] = field(default_factory=Counter)
    """How often it was stopped with another room kept for it, or for a part of it."""
    held_device_s: Counter[int] = field(default_factory=Counter)
    """By the day: devices in use, stopping pods apart."""
    cycles: int = 0
    unfinished: list[int] = field(default_factory=list)
    """Waiting when nothing happens any more."""


class Holdings:
    """What the teams hold, in devices, kept in step with the pods."""

    def __init__(self, quota: Mapping[int, int]) -> None:
        self._quota = quota
        self._capacity = sum(quota.values())
        self._bound: Counter[int] = Counter()
        self._kept: Counter[int] = Counter()
        """Rooms kept, by team."""
        self._stopping = 0
        self._free = 0
        self._surplus = 0
        self._exposed = 0
        """The part of the surplus that no minimum runtime protects."""

    def count(self, job: Job, pods: Iterable[Pod], sign: int) -> None:
        for pod in pods:
            size = sign * job.devices // job.pods
            if pod.state is PodState.BOUND:
                self._bound[job.team] += size
            elif pod.state is PodState.RELEASING:
                self._stopping += size
            if pod.reserved_node is not None:
                self._kept[job.team] += size

    def settle(self, protected: Callable[[], Mapping[int, int]]) -> None:
        """After a cycle. `protected`: devices by team that the minimum runtime protects, asked for only where somebody
        holds more than its quota."""
        self._free = self._capacity - self.bound - max(self._stopping, self._kept.total())
        above = {team: held - self._quota[team] for team, held in self._bound.items() if held > self._quota[team]}
        self._surplus = self._exposed = sum(above.values())
        if above:
            safe = protected()
            self._exposed = sum(min(extra, self._bound[team] - safe.get(team, 0)) for team, extra in above.items())

    @property
    def bound(self) -> int:
        """By pods on nodes, stopping ones apart."""
        return self._bound.total()

    def is_entitled(self, team: int, devices: int) -> bool:
        """The team stays inside its quota with so much more."""
        return self._bound[team] + self._kept[team] + devices <= self._quota[team]

    def cause(self, job: Job, pods: Iterable[Pod], was_stopped: bool) -> Cause:
        if any(pod.reserved_node is not None or pod.state is PodState.BOUND for pod in pods):
            return Cause.GRACE
        if self.is_entitled(job.team, job.devices):
            if self._free + self._surplus < job.devices:
                return Cause.GRACE
            return Cause.MIN_RUNTIME if self._free + self._exposed < job.devices else Cause.FRAGMENTATION
        return Cause.RESTART if was_stopped else Cause.ORDER
