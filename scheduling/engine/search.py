"""The search for pods to stop or move so that a workload can start, shared by consolidation, reclaim and preemption.

Victims are taken batch by batch in the order of `victims`. After each batch one tries whether the workload finds room
when some of the batches are gone (`simulation`): first everything taken so far of the workloads with tasks on one node
of the latest batch. A gang is tried that way in growing parts, so that the victims that free its first rooms are known
when more are looked for. What finds no room so, or more than it may take, is tried with the fewest nodes that could be
enough, and with all batches; then those are spared that are not needed. (KAI-Scheduler, scenario search.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .arithmetic import Numbers
from .bounds import RoomBound
from .cycle import Cycle
from .decisions import EvictCode
from .disruption import Spent, bound, disturbed, overrides
from .rule import Rule
from .simulation import Solution, Trial
from .victims import Batch, Victims, where
from .working import Account, Job, Task

SPARED_ONE_BY_ONE = 16
"""Up to so many victims each is asked whether it is needed."""


class Search:
    """Of one workload."""

    def __init__(self, cycle: Cycle, rule: Rule, job: Job) -> None:
        self._cycle = cycle
        self._rule = rule
        self._job = job
        self._chunk = job.chunk
        self._room = RoomBound(cycle, job)
        self._trial = Trial(cycle, job)
        self._mark = cycle.ledger.mark()
        self._tried: list[Batch] = []
        """What was stopped in the last trial that was accepted."""
        self._most_disturbed = bound(cycle, job)
        self._overrides = overrides(cycle, job, rule.code)
        self._was_refused = False
        """Room was found, but the rule did not let it be taken."""
        self.steps = 0
        """Batches that were looked at; for each trial five, and the tasks that it moves."""

    def ignore_budgets(self) -> None:
        """Look for what would be if nothing held back disturbing others."""
        self._most_disturbed, self._overrides = None, True

    def run(self) -> list[Account] | None:
        """Leaves the solution in place, and returns the projects that lost something; otherwise everything is as it
        was."""
        solution = self._grow()
        if solution is None and (len(self._chunk) > 1 or self._was_refused):
            solution = self._everywhere()
        return None if solution is None else self._commit(solution)

    def _grow(self) -> Solution | None:
        """Node by node, for larger and larger parts: doubled, then halved towards the first that failed; at last for
        all of it."""
        wanted = len(self._chunk)
        if not self._room.can_grow_to(wanted):
            return None
        recorded: list[Batch] = []
        done, size = 0, 1
        while size < wanted and (found := self._part(size, recorded)) is not None:
            recorded, done, size = found, size, 2 * size
        while size < wanted and size - done > 1:
            middle = (done + size) // 2
            if (found := self._part(middle, recorded)) is not None:
                recorded, done = found, middle
            else:
                size = middle
        return self._probe(self._chunk, recorded)

    def _part(self, size: int, recorded: list[Batch]) -> list[Batch] | None:
        """The victims of a part of the chunk, with everything as it was."""
        mark = self._cycle.ledger.mark()
        solution = self._probe(self._chunk[:size], recorded)
        self._cycle.ledger.rollback(mark)
        if solution is None:
            return None
        gone = {task for batch in (*solution.stopped, *solution.moved) for task in batch.tasks}
        return [batch for batch in self._tried if not gone.isdisjoint(batch.tasks)]

    def _probe(self, chunk: Sequence[Task], recorded: list[Batch]) -> Solution | None:
        """Room for the chunk besides the victims known already. Left in place if there is one."""
        if (recorded or len(chunk) < len(self._chunk)) and (solution := self._try(chunk, recorded)):
            return solution
        known = {task for batch in recorded for task in batch.tasks}
        taken = _Taken()
        self._room.start(len(chunk), recorded)
        for batch in self._walk():
            if not known.isdisjoint(batch.tasks):
                continue
            nodes = taken.add(batch)
            self._room.add(batch)
            if not self._room.could_ever():
                continue
            tried: list[list[Batch]] = []
            for node in nodes:
                chosen = taken.of_node(node)
                if chosen in tried:
                    continue
                tried.append(chosen)
                if self._room.could_hold(chosen) and (solution := self._try(chunk, [*recorded, *chosen])):
                    return solution
        return None

    def _everywhere(self) -> Solution | None:
        """With everything taken so far, more and more of it; then without who is not needed."""
        batches: list[Batch] = []
        self._room.start(len(self._chunk), [])
        tried = enough = 0
        could_take = self._rule.meter(self._job)
        for batch in self._walk():
            if not could_take(batch):
                continue
            batches.append(batch)
            self._room.add(batch)
            if len(batches) >= enough and self._room.is_enough():
                tried, enough = len(batches), len(batches) * 2
                if found := self._of_few(batches):
                    return found
        return self._of_few(batches) if tried < len(batches) and self._room.is_enough() else None

    def _of_few(self, batches: list[Batch]) -> Solution | None:
        """With as few nodes as could be enough, or with all."""
        few = self._room.fewest(batches)
        for chosen in (few, batches) if len(few) < len(batches) else (batches,):
            if solution := self._try(self._chunk, chosen):
                return self._spare(list(chosen), solution)
        return None

    def _walk(self) -> Iterator[Batch]:
        rule, job = self._rule, self._job
        walk = Victims(
            job,
            self._cycle.tops,
            self._cycle.running,
            rule.may_give(job),
            rule.may_go(job),
            self._cycle.known,
        )
        taken, spent = 0, Spent(self._cycle)
        not_allowed: list[Batch] = []
        while taken < rule.most_victims and (batch := walk.next()):
            if batch.job is not job:
                taken += 1
                self.steps += 1
                if spent.allows(batch):
                    yield batch
                elif self._overrides:
                    not_allowed.append(batch)
        yield from not_allowed

    def _spare(self, batches: list[Batch], solution: Solution) -> Solution:
        """First whoever is nowhere near the rooms that were found; of a few, then one by one, the last first."""
        rooms = {task.kept for task in self._chunk}
        near = [batch for batch in batches if any(where(task) in rooms or task.node in rooms for task in batch.tasks)]
        fewer: Solution | None = solution
        if len(near) < len(batches) and (fewer := self._instead(near)):
            batches, solution = near, fewer
        for batch in reversed(batches) if len(batches) <= SPARED_ONE_BY_ONE else ():
            others = [other for other in batches if other is not batch]
            if fewer := self._instead(others):
                batches, solution = others, fewer
        if fewer is None:
            # What was tried last did not do: back to what did.
            return self._instead(batches) or solution
        return solution

    def _instead(self, batches: list[Batch]) -> Solution | None:
        self._cycle.ledger.rollback(self._mark)
        return self._try(self._chunk, batches)

    def _try(self, chunk: Sequence[Task], batches: list[Batch]) -> Solution | None:
        """Left in place if the chunk finds room and the rule accepts it."""
        self.steps += 5 + len(chunk) + sum([len(batch.tasks) for batch in batches])
        mark = self._cycle.ledger.mark()
        solution = self._trial.run(chunk, batches)
        if solution is not None:
            if self._is_bearable(solution) and self._rule.accepts(self._job, chunk, solution):
                self._tried = batches
                return solution
            self._was_refused = True
            self._cycle.ledger.rollback(mark)
        return None

    def _is_bearable(self, solution: Solution) -> bool:
        return self._most_disturbed is None or sum(disturbed(solution).values()) <= self._most_disturbed

    def _commit(self, solution: Solution) -> list[Account]:
        cycle = self._cycle
        cycle.disturbed.update(disturbed(solution))
        figures: dict[tuple[int, int], Numbers] = {}
        losing: dict[int, Job] = {}
        for batch in (*solution.stopped, *solution.moved):
            losing[batch.job.index] = batch.job
            alike = batch.job.account.index, batch.job.priority
            if alike not in figures:
                figures[alike] = self._rule.numbers(self._job, batch.job)
            numbers, overridden = figures[alike], self._overridden(batch.job)
            cause = (self._rule.code, self._job, numbers | overridden if overridden else numbers)
            for task in batch.tasks:
                cycle.causes[task] = cause if task.kept < 0 else (EvictCode.CONSOLIDATE, self._job, {})
        for job in losing.values():
            cycle.update(job)
        cycle.update(self._job)
        return list({job.account.index: job.account for job in losing.values()}.values())

    def _overridden(self, victim: Job) -> Numbers:
        """Where its disruption budget would have allowed fewer."""
        allowed = victim.workload.disruptions_allowed
        return {} if allowed is None or self._cycle.disturbed[victim.index] <= allowed else {"allowed": allowed}


class _Taken:
    """Batches taken so far, by workload and by node."""

    def __init__(self) -> None:
        self._count = 0
        self._of_job: dict[int, list[tuple[int, Batch]]] = {}
        self._on_node: dict[int, dict[int, None]] = {}
        """By node: workloads with tasks there."""

    def add(self, batch: Batch) -> list[int]:
        """Returns the nodes of the batch."""
        index = batch.job.index
        self._of_job.setdefault(index, []).append((self._count, batch))
        self._count += 1
        nodes = sorted({where(task) for task in batch.tasks})
        for node in nodes:
            self._on_node.setdefault(node, {})[index] = None
        return nodes

    def of_node(self, node: int) -> list[Batch]:
        """Everything taken so far of the workloads there, in the order in which it was taken."""
        found = [entry for index in self._on_node[node] for entry in self._of_job[index]]
        return [batch for _, batch in sorted(found, key=_position)]


def _position(entry: tuple[int, Batch]) -> int:
    return entry[0]
