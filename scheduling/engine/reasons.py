"""Why a workload waits: one dominant reason with its figures, true of the state it is computed from.

Workloads of one project that ask for the same wait for the same reason, so it is worked out once a request class.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from . import gang
from .arithmetic import RESOURCES, Numbers
from .classes import RequestClass
from .cycle import Cycle
from .decisions import Wait, WaitCode
from .free import POD_SLOTS, Free
from .policy import allows, refusal
from .types import Amounts
from .working import BOUND, PENDING, RELEASING, RESERVED, Group, Job, Task


def waits(cycle: Cycle) -> tuple[Wait, ...]:
    """Of every workload that waits with all it asks for, or with its minimum, in the order of the snapshot."""
    explain = Explainer(cycle)
    stopping = Counter(task.node for job in cycle.jobs for task in job.tasks if task.state == RELEASING)
    known: dict[object, Wait] = {}
    found: list[Wait] = []
    for job in cycle.jobs:
        if _has_only_pending(job):
            if (crowded := explain.crowded(job)) and allows(job, job.asked):
                found.append(Wait(job.workload.id, *crowded))
                continue
        elif not is_waiting(job):
            continue
        wait = _of_itself(cycle, job, stopping)
        if wait is None:
            chunk = job.chunk or gang.next_chunk(job)
            shape = (job.account.index, job.preemptible, job.has_near and job.index, _shape(job, chunk))
            wait = known.get(shape)
            if wait is None:
                wait = known[shape] = explain(job, chunk)
            if wait.workload != job.workload.id:
                wait = Wait(job.workload.id, wait.code, wait.numbers)
        found.append(wait)
    return tuple(found)


def _has_only_pending(job: Job) -> bool:
    """It could start, and nothing of it runs or has room reserved."""
    return bool(job.chunk) and not sum([leaf.active for leaf in job.leaves])


def _shape(job: Job, chunk: Sequence[Task]) -> tuple[int, ...]:
    return job.shape if chunk is job.chunk else gang.shape(chunk)


def is_waiting(job: Job) -> bool:
    """It has pods to start, and either none is on a node yet or its minimum is not."""
    pending = bound = False
    for task in job.tasks:
        if task.state in (PENDING, RESERVED) or (task.state == RELEASING and task.node < 0):
            pending = True
        elif task.state == BOUND:
            bound = True
    return pending and (not bound or not _is_bound(job.root))


def _is_bound(group: Group) -> bool:
    if not group.children:
        return sum(task.state == BOUND for task in group.tasks) >= group.minimum
    return sum(_is_bound(child) for child in group.children) >= gang.needed(group)


def _of_itself(cycle: Cycle, job: Job, stopping: Mapping[int, int]) -> Wait | None:
    """What concerns this workload alone."""
    workload = job.workload
    if workload.backs_off_until_ms > cycle.snapshot.now_ms:
        return Wait(workload.id, WaitCode.BACKING_OFF, {"until_ms": workload.backs_off_until_ms})
    if _has_only_pending(job):
        return None
    kept = {task.kept for task in job.tasks if task.kept >= 0}
    if kept:
        pods = sum(stopping.get(node, 0) for node in kept)
        return Wait(workload.id, WaitCode.ROOM_RESERVED, {"nodes": len(kept), "pods": pods})
    if not gang.can_ever_start(job.root):
        group = next(leaf for leaf in job.leaves if _present(leaf) < leaf.minimum)
        return Wait(workload.id, WaitCode.INCOMPLETE, {"pods": _present(group), "minimum": group.minimum})
    return None


def _present(group: Group) -> int:
    """Pods that are there, those that are stopping apart."""
    return sum(task.state != RELEASING or task.kept >= 0 for task in group.tasks)


class Explainer:
    """Explains why chunks find no place in the state that a cycle has come to. What lies in the nodes, and not in the
    workload's unit, is worked out once for all that ask for the same."""

    def __init__(self, cycle: Cycle) -> None:
        self._cycle = cycle
        self._free = Free(cycle)
        self._impossible: dict[int, tuple[WaitCode, Numbers] | None] = {}
        """By request class: why it could not start even in an empty pool."""
        self._crowded: dict[tuple[int, ...], tuple[WaitCode, Numbers]] = {}
        """By the classes of a chunk: why it finds no room now."""

    def crowded(self, job: Job) -> tuple[WaitCode, Numbers] | None:
        """Why there is no room for its chunk, where that is known from an equal one."""
        return None if job.has_near else self._crowded.get(job.shape)

    def __call__(self, job: Job, chunk: Sequence[Task]) -> Wait:
        """Rules first, then the nodes; of these what could never be before what is not so now."""
        code, numbers = self._of_unit(job, chunk) or self._of_nodes(job, chunk)
        return Wait(job.workload.id, code, numbers)

    def _of_unit(self, job: Job, chunk: Sequence[Task]) -> tuple[WaitCode, Numbers] | None:
        asked = job.asked if chunk is job.chunk else gang.asked(chunk)
        refused = None if allows(job, asked) else refusal(job, asked)
        return None if refused is None else (refused.code, refused.numbers)

    def _of_nodes(self, job: Job, chunk: Sequence[Task]) -> tuple[WaitCode, Numbers]:
        if not self._cycle.nodes.ready:
            return WaitCode.NO_READY_NODE, {"nodes": len(self._cycle.nodes.all) - 1}
        shape = _shape(job, chunk)
        if shape in self._crowded and not job.has_near:
            return self._crowded[shape]
        for kind in {task.kind.index: task.kind for task in chunk}.values():
            if found := self._of_class(kind):
                return found
        if job.has_near and not _short(self._free, chunk) and (numbers := _topology(self._cycle, job, chunk)):
            return WaitCode.TOPOLOGY, numbers
        if shape not in self._crowded:
            numbers = _short(self._free, chunk)
            self._crowded[shape] = (
                (WaitCode.SHORT, numbers)
                if numbers
                else (WaitCode.FRAGMENTED, _fragmented(self._cycle, self._free, chunk))
            )
        return self._crowded[shape]

    def _of_class(self, kind: RequestClass) -> tuple[WaitCode, Numbers] | None:
        if kind.index not in self._impossible:
            numbers, code = _never_fits(self._cycle, kind), WaitCode.NEVER_FITS
            if numbers is None:
                numbers, code = _no_matching_node(self._cycle, kind), WaitCode.NO_MATCHING_NODE
            self._impossible[kind.index] = None if numbers is None else (code, numbers)
        return self._impossible[kind.index]


def _never_fits(cycle: Cycle, kind: RequestClass) -> Numbers | None:
    """Resource by resource: `largest` is the most on one of the nodes that have enough of the resources before."""
    sizes = [capacity_for(capacity, devices, kind) for capacity, devices in cycle.nodes.sizes]
    for resource, asked in enumerate(_asked_of_device(kind)):
        largest = max((size[resource] for size in sizes), default=0)
        if asked > largest:
            return {"resource": RESOURCES[resource], "requested": asked, "largest": largest}
        sizes = [size for size in sizes if size[resource] >= asked]
    return None


def _asked_of_device(kind: RequestClass) -> tuple[int, int, int]:
    return (kind.amounts[0], kind.cpu, kind.memory)


def capacity_for(capacity: Amounts, devices: int, kind: RequestClass) -> tuple[int, int, int]:
    """What an empty node of that size could give to one such pod; of its GPUs only the asked part of each."""
    request = kind.request
    each = kind.amounts[0] // request.devices if request.devices else 0
    return min(capacity.gpu_milli, devices * each), capacity.cpu_millicores, capacity.memory_bytes


def _no_matching_node(cycle: Cycle, kind: RequestClass) -> Numbers | None:
    if cycle.allowed(kind):
        return None
    ready = [node for node in cycle.nodes.all if node.ready]
    return {
        "nodes": len(ready),
        "by": "pods" if kind.eligible else "taints" if cycle.matching(kind.request) else "selector",
    }


def _short(free: Free, chunk: Sequence[Task]) -> Numbers | None:
    for resource, asked in enumerate(gang.asked(chunk)):
        have = free.sums[resource]
        if asked > have:
            return {"resource": RESOURCES[resource], "requested": asked, "free": have, "short": asked - have}
    return None


def _topology(cycle: Cycle, job: Job, chunk: Sequence[Task]) -> Numbers | None:
    """The first constraint, from the outside in, that no domain can meet."""
    for group in (job.root, *_all_below(job.root)):
        tasks = [task for task in chunk if gang.is_inside(task.group, group)]
        if tasks and group.near and group.near.required:
            slots = cycle.domains.room(group.near, tasks, cycle.nodes.ready)
            if slots and max(slots) < len(tasks):
                return {
                    "level": group.near.required,
                    "pods": len(tasks),
                    "slots": max(slots),
                    "domains": len(slots),
                }
    return None


def _all_below(group: Group) -> list[Group]:
    return [inner for child in group.children for inner in (child, *_all_below(child))]


def _fragmented(cycle: Cycle, free: Free, chunk: Sequence[Task]) -> Numbers:
    """Judged by the first pod that finds no room, beside those of the workload that ask for something larger."""
    order = sorted(chunk, key=lambda task: (_asked_of_device(task.kind), -task.position), reverse=True)
    mark = cycle.ledger.mark()
    failing = order[0].kind
    if any(task.kind is not failing for task in order):
        for task in order:
            failing = task.kind
            if not cycle.bind_now(task):
                break
        for task in chunk:
            if task.kind is failing and task.state == BOUND:
                cycle.ledger.unbind(task)
        free = Free(cycle)
    pods = sum(task.kind is failing for task in chunk)
    missing: Counter[str] = free.missing(failing)
    slots = free.slots(failing)
    if slots:
        missing = free.missing_after(failing, slots)
    names = (*RESOURCES, POD_SLOTS)
    resource = max(names, key=lambda name: missing[name])
    numbers: Numbers = {
        "resource": resource,
        "requested": 1 if resource == POD_SLOTS else _asked_of_device(failing)[names.index(resource)],
        "pods": pods,
        "slots": min(slots, max(pods - 1, 0)),
        "free": free.total(resource),
        "largest": free.largest(failing, resource),
    }
    cycle.ledger.rollback(mark)
    return numbers
