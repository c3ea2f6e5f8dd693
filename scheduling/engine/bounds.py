"""A bound on the room that stopping victims could free."""

from __future__ import annotations

from collections.abc import Sequence

from .cycle import Cycle
from .victims import Batch, where
from .working import Job, Task


class RoomBound:
    """A bound on the room that stopping batches could free: where it says no there is none, and no trial is made.

    For chunks of one class of whole devices only; otherwise it always says maybe.
    """

    def __init__(self, cycle: Cycle, job: Job) -> None:
        self._nodes = cycle.nodes
        kind = job.chunk[0].kind
        is_one = kind.is_whole and all(task.kind is kind for task in job.chunk)
        self._kind = kind if is_one else None
        self._is_obvious = cycle.options.obvious
        self._free = self._free_slots(len(job.chunk)) if self._kind else 0

    def start(self, wanted: int, recorded: Sequence[Batch]) -> None:
        """Look for so many places, besides what the recorded batches free."""
        if self._kind is None:
            return
        self._wanted = wanted
        self._freed: dict[int, int] = {}
        self._total = self._free
        for batch in recorded:
            self.add(batch)
        self._recorded = dict(self._freed)
        self._known = self._total

    def add(self, batch: Batch) -> None:
        """One more batch; a share may free the whole device."""
        if self._kind is not None:
            for task in batch.tasks:
                self._total += self._gain(self._freed, task)

    def could_hold(self, batches: Sequence[Batch]) -> bool:
        """If besides the recorded ones only these went. (The obvious engine does not ask, but tries.)"""
        if self._kind is None or self._is_obvious:
            return True
        if self._total < self._wanted:
            return False
        freed, total = dict(self._recorded), self._known
        for batch in batches:
            for task in batch.tasks:
                total += self._gain(freed, task)
        return total >= self._wanted

    def could_ever(self) -> bool:
        """If all that were added went. (The obvious engine does not ask.)"""
        return self._is_obvious or self.is_enough()

    def is_enough(self) -> bool:
        """If all that were added went."""
        return self._kind is None or self._total >= self._wanted

    def fewest(self, batches: list[Batch]) -> list[Batch]:
        """Of the batches, those of workloads on so few nodes as could be enough; nodes with least left over first."""
        kind = self._kind
        if kind is None:
            return batches
        later, freed = self._nodes.later.whole, self._freed
        order = sorted(freed, key=lambda node: (later[node] + freed[node], node))
        chosen, total = set(), self._free
        for node in order:
            if total >= self._wanted:
                break
            most = self._nodes.all[node].devices
            gain = min(later[node] + freed[node], most) // kind.devices - min(later[node], most) // kind.devices
            if gain > 0 and kind.eligible & self._nodes.bit[node]:
                chosen.add(node)
                total += gain
        there = {batch.job.index for batch in batches if not chosen.isdisjoint([where(task) for task in batch.tasks])}
        return [batch for batch in batches if batch.job.index in there]

    def _gain(self, freed: dict[int, int], task: Task) -> int:
        """Places that one more task frees, beside those freed on its node before."""
        kind = self._kind
        node = task.kept if task.kept >= 0 else task.node
        had = freed.get(node, 0)
        freed[node] = has = had + (task.kind.devices or 1)
        if kind is None or not kind.eligible & self._nodes.bit[node]:
            return 0
        whole, most, need = self._nodes.later.whole[node], self._nodes.all[node].devices, kind.devices
        return min(whole + has, most) // need - min(whole + had, most) // need

    def can_grow_to(self, wanted: int) -> bool:
        """Whether growing node by node could get so far: each step gains at most what one node can hold."""
        if self._kind is None or self._is_obvious:
            return True
        most = self._nodes.most_devices // self._kind.devices
        return wanted <= self._free + 8 * most

    def _free_slots(self, enough: int) -> int:
        """How many of the class are free later as it is."""
        kind = self._kind
        assert kind is not None
        found = 0
        for whole in range(kind.devices, len(self._nodes.later.bits)):
            found += (self._nodes.later.bits[whole] & kind.eligible).bit_count() * (whole // kind.devices)
            if found >= enough:
                break
        return found
