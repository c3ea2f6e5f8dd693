"""One cycle under way: a state, the lists that the actions work through, and what was decided and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from . import gang
from .arithmetic import Numbers
from .classes import RequestClass
from .decisions import EvictCode
from .fragmentation import Fragmentation
from .options import Options
from .order import Roster
from .rooms import Rooms
from .state import State
from .types import NOTHING, Placement, PodState, Snapshot, Workload
from .victims import Known
from .working import NOT_ALIKE, PENDING, RELEASING, Job, Task


class Cycle(State):
    """Decisions are made through it; what was decided is the difference between the first state and the last."""

    def __init__(self, snapshot: Snapshot, options: Options) -> None:
        super().__init__(snapshot, options)
        if snapshot.gpu_placement is Placement.FRAGMENTATION:
            self.placer = Fragmentation(self.placer, self._demand().values())
        self.rooms = Rooms(self)
        self.place = self.rooms.place
        self._waiting: Roster | None = None
        self._running: Roster | None = None
        for job in self.jobs:
            self._follow(job)
        self.causes: dict[Task, tuple[EvictCode, Job, Numbers]] = {}
        """Why tasks were stopped in this cycle, and for whom."""
        self.disturbed: Counter[int] = Counter()
        """Running pods that were stopped or moved for others, by index of their workload."""
        self.known: Known | None = None if options.obvious else {}
        """What one search for victims leaves for the next."""
        self.search_first = frozenset(snapshot.search_first)
        self.not_searched: list[Job] = []

    def _demand(self) -> dict[int, tuple[RequestClass, int]]:
        """By class: it, and how many pods of it run or wait."""
        found: dict[int, tuple[RequestClass, int]] = {}
        for job in self.jobs:
            for task in job.tasks:
                kind, count = found.get(task.kind.index, (task.kind, 0))
                found[task.kind.index] = (kind, count + 1)
        return dict(sorted(found.items()))

    def rewind(self) -> None:
        """Back to the state before anything was decided."""
        changed = self.changed()
        self.ledger.rollback(0)
        self.causes.clear()
        self.disturbed.clear()
        self.not_searched.clear()
        for job in {task.job.index: task.job for task in changed}.values():
            self.update(job)

    def edit(self, snapshot: Snapshot, workloads: Iterable[Workload], gone: Iterable[int]) -> None:
        """Become the state of `snapshot`, which differs in these workloads (new or changed, and ids of those that are
        gone) and in time only."""
        gone = list(gone)
        for workload in (*gone, *(item.id for item in workloads)):
            old = self._jobs.get(workload)
            if old is not None:
                self._forget(old)
        self.snapshot = snapshot
        if self.known:
            self.known.clear()
        self.search_first = frozenset(snapshot.search_first)
        for job in self._load(workloads, gone):
            self.update(job)

    def changed(self) -> list[Task]:
        """Tasks that anything was done with, in the order of the snapshot."""
        return sorted({change[1] for change in self.ledger.changes}, key=_in_snapshot)

    def _forget(self, job: Job) -> None:
        for account in job.path:
            account.version += 1
        for roster in (self._waiting, self._running):
            if roster is not None:
                roster.set(job, False)

    def update(self, job: Job) -> None:
        """Bring up to date what follows from where the workload's tasks are."""
        self._follow(job)
        if self._waiting is not None:
            self._waiting.set(job, bool(job.chunk))
        if self._running is not None:
            for account in job.path:
                account.version += 1
            self._running.set(job, _can_go(job))

    def _follow(self, job: Job) -> None:
        chunk = gang.next_chunk(job)
        if chunk and not self._may_start(job):
            chunk = ()
        job.chunk = chunk
        job.asked = gang.asked(chunk) if chunk else NOTHING
        job.shape = shape = gang.shape(chunk) if chunk else ()
        is_alike = len(shape) == 2 and not job.has_near and not chunk[0].kind.rules_pods
        job.alike = (shape[0], shape[1]) if is_alike else NOT_ALIKE
        job.key = gang.job_key(job)

    @property
    def waiting(self) -> Roster:
        """Workloads with something to start."""
        if self._waiting is None:
            self._waiting = Roster(job for job in self.jobs if job.chunk)
        return self._waiting

    @property
    def running(self) -> Roster:
        """Preemptible workloads with something that can be stopped."""
        if self._running is None:
            self._running = Roster(job for job in self.jobs if _can_go(job))
        return self._running

    def _may_start(self, job: Job) -> bool:
        return job.workload.backs_off_until_ms <= self.snapshot.now_ms and gang.can_ever_start(job.root)

    def settle_withdrawn(self) -> list[Task]:
        """Tasks that were given something in this cycle and lost it again never had it: they are pending, or wait for
        the room that they got instead. Returns those that are left with nothing."""
        left: list[Task] = []
        jobs: dict[int, Job] = {}
        ledger = self.ledger
        never_had = {
            task for _, task, _, _ in ledger.changes if task.state == RELEASING and task.pod.state is PodState.PENDING
        }
        for task in sorted(never_had, key=_in_snapshot):
            kept, devices = task.kept, task.kept_devices
            if kept >= 0:
                ledger.release(task)
            if task.node >= 0:
                ledger.restore(task)
                ledger.unbind(task)
            else:
                task.state = PENDING
            if kept >= 0:
                ledger.reserve(task, kept, devices)
            else:
                left.append(task)
            jobs[task.job.index] = task.job
        for job in jobs.values():
            self.rooms.hold_together(job)
            self.update(job)
        return left

    def bind_now(self, task: Task) -> bool:
        """Give one task the best room that is free at once, whatever its unit may hold."""
        self.placer.later_only = False
        room = self.placer.room(task.kind, self.allowed(task.kind))
        if room is None or not room.at_once:
            return False
        self.ledger.bind(task, room.node, room.devices)
        return True

    def is_curable(self, job: Job) -> bool:
        """Nodes large enough for each pod of the chunk exist."""
        return all(self._is_small_enough(task.kind) for task in job.chunk)

    def _is_small_enough(self, kind: RequestClass) -> bool:
        largest = self.largest
        return kind.devices <= largest[0] and kind.cpu <= largest[1] and kind.memory <= largest[2]


def _in_snapshot(task: Task) -> tuple[int, int]:
    return task.job.index, task.position


def _can_go(job: Job) -> bool:
    """Whether it could be a victim; brings up to date what it would give."""
    if not job.preemptible:
        return False
    active = [task for task in job.tasks if gang.can_go(task)]
    job.active = active if len(active) < len(job.tasks) else job.tasks
    if not active:
        return False
    job.size = gang.asked(active)
    job.has_surplus = True in [group.active > group.minimum for group in job.leaves]
    return True
