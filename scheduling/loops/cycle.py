"""One cycle of a pool: what it looked at, and what came out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from scheduling.engine.decisions import Decisions
from scheduling.engine.types import Snapshot, Workload


@dataclass(frozen=True, slots=True)
class Unwind:
    """Stop these pods (ids): the gang that they belong to did not come together."""

    workload: int
    pods: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cycle:
    number: int
    at: datetime
    snapshot: Snapshot
    decisions: Decisions
    unwinds: tuple[Unwind, ...] = ()
    timings: dict[str, int] = field(default_factory=dict)
    """Microseconds of `snapshot` and `decide`."""

    @property
    def pool(self) -> int:
        return self.snapshot.pool

    @property
    def decided(self) -> bool:
        """Whether there is something to do."""
        made = self.decisions
        return bool(made.places or made.reserves or made.evicts or self.unwinds)

    @property
    def starting(self) -> set[int]:
        """Workloads for which something is decided: each must still be wanted in this pool when it is recorded."""
        made = self.decisions
        rooms = {item.workload for item in made.places} | {item.workload for item in made.reserves}
        return rooms | {item.for_workload for item in made.evicts}

    def without(self, workloads: set[int]) -> Cycle:
        """The same with nothing decided for these. Who would be moved for them stays, and needs no other room."""
        made = self.decisions
        moved = {item.pod for item in made.evicts if item.for_workload in workloads}
        kept = replace(
            made,
            places=tuple(item for item in made.places if item.workload not in workloads),
            reserves=tuple(item for item in made.reserves if item.workload not in workloads and item.pod not in moved),
            evicts=tuple(item for item in made.evicts if item.for_workload not in workloads),
        )
        return replace(self, decisions=kept)

    def workloads(self) -> dict[int, Workload]:
        return {workload.id: workload for workload in self.snapshot.workloads}
