"""A cycle from a snapshot to decisions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from .aftermath import after
from .allocate import allocate, allocate_again
from .consolidate import consolidate
from .cycle import Cycle
from .decisions import Decisions, Evict, Place, Reserve
from .disruption import since_ms
from .options import Options
from .preempt import preempt
from .reasons import waits
from .reclaim import reclaim
from .stale import stop_stale
from .types import Placement, PodState, Snapshot, Workload
from .unit_shares import unit_shares
from .working import BOUND, RELEASING, Task

_ACTIONS = {
    "allocate": allocate,
    "consolidate": consolidate,
    "reclaim": reclaim,
    "preempt": preempt,
    "stale": stop_stale,
}


def decide(snapshot: Snapshot, options: Options = Options()) -> Decisions:  # noqa: B008
    """One cycle, in the order of how much a step disturbs."""
    return _run(Cycle(snapshot, options))


def _run(cycle: Cycle) -> Decisions:
    options = cycle.options
    for action in options.actions:
        _ACTIONS[action](cycle)
    withdrawn = cycle.settle_withdrawn()
    if cycle.causes and options.allocate_again and "allocate" in options.actions:
        # A unit that lost something may have come below a limit that kept others of its workloads waiting; and what
        # waits must be waiting for a reason that is true of the state it is left in.
        allocate_again(cycle)
    return decisions(cycle, withdrawn)


class Engine:
    """Decides for one pool again and again, and keeps the state in between."""

    def __init__(self, snapshot: Snapshot, options: Options = Options()) -> None:  # noqa: B008
        self._options = options
        self._cycle = Cycle(snapshot, options)
        self._made: Decisions | None = None
        """What was decided last, as long as nothing has changed since."""
        self._made_ms = 0
        self._true_until_ms: int | None = None
        """When time alone makes it untrue; worked out when first asked for."""
        self._is_rewound = True

    def decide(self) -> Decisions:
        """The same as `decide` of the snapshot."""
        if self._made is None or not self._is_true_still():
            self._rewind()
            self._made = _run(self._cycle)
            self._made_ms = self._cycle.snapshot.now_ms
            self._true_until_ms = None
            self._is_rewound = False
        return self._made

    def _is_true_still(self) -> bool:
        if self._true_until_ms is None:
            self._true_until_ms = _next_moment_ms(self._cycle, self._made_ms)
        return self._cycle.snapshot.now_ms < self._true_until_ms

    def _rewind(self) -> None:
        """Back to the state before anything was decided: only when it is needed again, so nobody waits for it."""
        if not self._is_rewound:
            self._cycle.rewind()
            self._is_rewound = True

    def edit(self, snapshot: Snapshot, workloads: Sequence[Workload], gone: Sequence[int]) -> None:
        """Go over to another snapshot, which differs from the last in time and in these workloads: those that are new,
        at its end, those that have changed, in their places, and the ids of those that are gone. Where anything else
        differs, everything is built anew."""
        old = self._cycle.snapshot
        if workloads or gone or snapshot.search_first != old.search_first or snapshot.now_ms < old.now_ms:
            self._made = None
        if _frame(snapshot) == _frame(old) and _can_edit(snapshot, workloads):
            self._rewind()
            self._cycle.edit(snapshot, workloads, gone)
        else:
            self._cycle = Cycle(snapshot, self._options)
            self._made, self._is_rewound = None, True

    @contextmanager
    def settled(self) -> Iterator[Cycle]:
        """The state that what was decided last leaves, with nothing decided in it yet: for explanations. It has to be
        left as it is; afterwards everything is as before."""
        made, snapshot = self.decide(), self._cycle.snapshot
        left = after(snapshot, made)
        pairs = zip(snapshot.workloads, left.workloads, strict=True)
        changed = [(old, new) for old, new in pairs if new is not old and new != old]
        if not _can_edit(snapshot, [new for _, new in changed]):
            yield Cycle(left, self._options)
            return
        self._rewind()
        self._cycle.edit(left, [new for _, new in changed], ())
        try:
            yield self._cycle
        finally:
            self._cycle.edit(snapshot, [old for old, _ in changed], ())


def _next_moment_ms(cycle: Cycle, now_ms: int) -> int:
    """When after `now_ms` time alone can change what is decided: a delay, a pause, a minimum runtime or a grace is
    over."""
    found = 1 << 62
    runtimes = {cycle.snapshot.min_runtime_ms}
    for account in cycle.accounts:
        runtimes |= {account.unit.reclaim_min_runtime_ms or 0, account.unit.preempt_min_runtime_ms or 0}
    runtimes.discard(0)
    for job in cycle.jobs:
        workload = job.workload
        moments = [workload.displaces_after_ms, workload.backs_off_until_ms]
        if cycle.snapshot.disruption_budget_delay_ms is not None:
            moments.append(since_ms(job) + cycle.snapshot.disruption_budget_delay_ms)
        if runtimes and workload.started_ms is not None:
            moments += [workload.started_ms + runtime for runtime in runtimes]
        grace_ms = workload.staleness_grace_ms
        grace_ms = cycle.snapshot.staleness_grace_ms if grace_ms is None else grace_ms
        if workload.stale_since_ms is not None and grace_ms is not None:
            moments.append(workload.stale_since_ms + grace_ms)
        for moment in moments:
            if now_ms < moment < found:
                found = moment
    return found


def _frame(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, now_ms=0, workloads=(), search_first=())


def _can_edit(snapshot: Snapshot, workloads: Sequence[Workload]) -> bool:
    """Whether a state takes these workloads in place of others, or has to be built anew."""
    if snapshot.gpu_placement is Placement.FRAGMENTATION:
        return False
    return not any(item.request.together or item.request.apart for one in workloads for item in one.sub_groups)


def decisions(cycle: Cycle, withdrawn: list[Task]) -> Decisions:
    places, reserves, evicts = [], [], []
    lost = {task.pod.id for task in withdrawn}
    nodes = cycle.nodes.all
    for task in cycle.changed():
        job, pod = task.job, task.pod
        if task.state == BOUND and pod.state is PodState.PENDING:
            places.append(Place(pod.id, job.workload.id, nodes[task.node].id, task.devices))
        elif task.state == RELEASING and pod.state is PodState.BOUND:
            code, other, numbers = cycle.causes[task]
            evicts.append(Evict(pod.id, job.workload.id, code, other.workload.id, numbers))
        if task.kept >= 0 and (nodes[task.kept].id, task.kept_devices) != (pod.reserved_node, pod.reserved_devices):
            reserves.append(Reserve(pod.id, job.workload.id, nodes[task.kept].id, task.kept_devices))
        elif task.kept < 0 and pod.reserved_node is not None and task.state != BOUND:
            lost.add(pod.id)
    waiting = waits(cycle)
    return Decisions(
        tuple(places),
        tuple(reserves),
        tuple(evicts),
        tuple(sorted(lost)),
        tuple(dict.fromkeys(job.workload.id for job in cycle.not_searched)),
        waiting,
        unit_shares(cycle, {wait.workload for wait in waiting}),
    )
