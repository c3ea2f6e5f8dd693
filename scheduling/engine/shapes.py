"""The largest gangs that a project could start: now, and after others have been moved or stopped for it.

For each number of GPUs a pod, preemptible or not, pods are added until one more gets no place: with nobody else
deciding, inside the limits and quotas of the project and the units above it, on the nodes as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from .alone import STEPS, Step, shares_divided_again, way
from .arithmetic import UNLIMITED
from .cycle import Cycle
from .types import NOTHING, Amounts, Pod, Request, SubGroup, Workload
from .working import BOUND, Account, Group, Job, Task

DEVICES = (1, 2, 4, 8)
_INDEX = 1 << 40
"""Of a workload that the cycle does not have."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A gang of equal pods."""

    devices: int
    """GPUs a pod, whole ones."""
    preemptible: bool
    pods_now: int
    """So many would start at once together."""
    pods_after_reclaim: int
    """So many would get a place together, where others are moved or stopped for them; not fewer than `pods_now`. Found
    with searches of the length of those for remedies: a cycle searches longer and may find more."""


def shapes(
    cycle: Cycle, unit: int, per_device: Amounts = NOTHING, devices: Sequence[int] = DEVICES, priority: int = 0
) -> tuple[Shape, ...]:
    """Of a project, by its unit's id. The cycle has nothing decided in it and is left as it was.

    `per_device`: CPU and memory that a pod asks for beside each GPU. `priority` decides only whom the gang would come
    after in its own project. Raises LookupError where there is no such unit, ValueError where it is no project.
    """
    account = next((account for account in cycle.accounts if account.unit.id == unit), None)
    if account is None:
        raise LookupError(f"No unit {unit} in this snapshot.")
    if account.children:
        raise ValueError(f"Unit {unit} has units below it: only projects run workloads.")
    found = []
    for count in devices:
        request = Request(
            count,
            cpu_millicores=count * per_device.cpu_millicores,
            memory_bytes=count * per_device.memory_bytes,
        )
        for preemptible in (True, False):
            found.append(_Finder(cycle, account, request, preemptible, priority).find())
    return tuple(found)


class _Finder:
    """Of one shape."""

    def __init__(self, cycle: Cycle, account: Account, request: Request, preemptible: bool, priority: int) -> None:
        self._cycle = cycle
        self._account = account
        self._request = request
        self._preemptible = preemptible
        self._priority = priority
        self._kind = cycle.kind(request)

    def find(self) -> Shape:
        held_back = min(self._allowed(account) for account in self._account.path)
        now = largest(min(held_back, self._slots(free=True)), self._starts)
        # Who stops gives room below the limits of units above, too; those of the project itself remain.
        own = min(self._allowed(self._account), self._slots(free=False))
        return Shape(self._request.devices, self._preemptible, now, largest(own, self._gets_place, now))

    def _allowed(self, account: Account) -> int:
        """So many pods the unit may have besides what it holds."""
        if account.blocked:
            return 0
        bounds = [(account.ceiling, account.held)]
        if not self._preemptible:
            bounds.append((account.quota, account.non_preemptible))
        return min(
            (
                max(0, (most - held) // asked)
                for row, used in bounds
                for most, held, asked in zip(row, used, self._request.amounts, strict=True)
                if asked and most < UNLIMITED
            ),
            default=UNLIMITED,
        )

    def _slots(self, *, free: bool) -> int:
        """So many pods the allowed nodes have GPUs for: those that are free, or all."""
        nodes = self._cycle.nodes
        table = nodes.now.bits if free else None
        if table is not None:
            return sum(
                (bits & self._kind.eligible).bit_count() * (whole // self._request.devices)
                for whole, bits in enumerate(table)
            )
        return sum(
            (bits & self._kind.eligible).bit_count() * (total // self._request.devices)
            for total, bits in nodes.with_total.items()
        )

    def _starts(self, pods: int) -> bool:
        """All of them at once."""
        cycle = self._cycle
        with self._gang(pods) as job:
            mark = cycle.ledger.mark()
            is_placed = cycle.place(job, job.chunk) and all(task.state == BOUND for task in job.chunk)
            cycle.ledger.rollback(mark)
        return is_placed

    def _gets_place(self, pods: int) -> bool:
        with self._gang(pods) as job:
            return way(self._cycle, job, STEPS[: STEPS.index(Step.PREEMPT)]).step is not None

    @contextmanager
    def _gang(self, pods: int) -> Iterator[Job]:
        """A waiting gang in the cycle; afterwards as before."""
        cycle, kind = self._cycle, self._kind
        members = tuple(Pod(-number) for number in range(1, pods + 1))
        sub_group = SubGroup(1, self._request, pods, members)
        workload = Workload(
            id=-1,
            unit=self._account.unit.id,
            name="",
            priority=self._priority,
            preemptible=self._preemptible,
            created_ms=cycle.snapshot.now_ms,
            sub_groups=(sub_group,),
        )
        leaf = Group("", pods, None, sub_group)
        job = Job(workload, _INDEX, self._account, leaf, (leaf,))
        leaf.tasks = job.tasks = [Task(pod, job, leaf, kind, at) for at, pod in enumerate(members)]
        self._request_more(pods)
        try:
            with shares_divided_again(cycle, self._account.path):
                cycle.update(job)
                yield job
        finally:
            self._request_more(-pods)
            cycle.waiting.set(job, False)
            cycle.running.set(job, False)

    def _request_more(self, pods: int) -> None:
        for account in self._account.path:
            for resource, amount in enumerate(self._kind.requested):
                account.requested[resource] += pods * amount


def largest(most: int, is_enough: Callable[[int], bool], known: int = 0) -> int:
    """The largest number up to `most` that is possible while one more is not, looked for from `known`, which is
    possible, by doubling and halving."""
    if most <= known:
        return known
    if is_enough(most):
        return most
    step, impossible = 1, most
    while known + step < impossible:
        if is_enough(known + step):
            known += step
            step *= 2
        else:
            impossible = known + step
    while impossible - known > 1:
        middle = (known + impossible) // 2
        if is_enough(middle):
            known = middle
        else:
            impossible = middle
    return known
