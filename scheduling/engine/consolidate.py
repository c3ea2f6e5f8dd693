"""Move preemptible work so that a workload finds its room in one place. Nobody is left without a room."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .arithmetic import Numbers
from .cycle import Cycle
from .decisions import EvictCode
from .displace import displace
from .simulation import Solution
from .types import Placement
from .victims import Batch
from .working import Account, Job, Task


def consolidate(cycle: Cycle) -> None:
    """Off where work is to be spread."""
    if Placement.SPREAD not in (cycle.snapshot.gpu_placement, cycle.snapshot.cpu_placement):
        displace(cycle, Consolidate(cycle))


class Consolidate:
    code = EvictCode.CONSOLIDATE
    most_victims = 16

    def __init__(self, cycle: Cycle) -> None:
        self._cycle = cycle
        self._known: tuple[int, int] | None = None
        """The number of changes when free milli-GPUs were counted, and those."""

    def has_claim(self, job: Job) -> bool:
        """Preemptible work, where enough is free in sum."""
        return job.preemptible and self._free_gpu_milli() >= job.asked[0]

    def _free_gpu_milli(self) -> int:
        changes = len(self._cycle.ledger.changes)
        if self._known is None or self._known[0] != changes:
            self._known = (changes, self._cycle.nodes.free_gpu_milli())
        return self._known[1]

    def may_give(self, job: Job) -> Callable[[Account], bool]:
        return lambda account: True

    def may_go(self, job: Job) -> Callable[[Job], bool] | None:
        return None

    def accepts(self, job: Job, chunk: Sequence[Task], solution: Solution) -> bool:
        return not solution.stopped

    def meter(self, job: Job) -> Callable[[Batch], bool]:
        return lambda batch: True

    def numbers(self, job: Job, victim: Job) -> Numbers:
        return {}
