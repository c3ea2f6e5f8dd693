"""Rooms that are kept for what does not run yet: they count as held, and are not in use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from .cycle import Cycle
from .types import Amounts
from .working import Task


def promised_tasks(cycle: Cycle) -> Iterator[Task]:
    for tasks in cycle.ledger.reserved_on.values():
        yield from tasks


def by_unit(cycle: Cycle, tasks: Iterable[Task]) -> dict[int, list[int]]:
    """What the rooms kept for these come to, by the index of each unit that has any."""
    found: dict[int, list[int]] = {}
    for task in tasks:
        amounts = task.kind.amounts_on(cycle.nodes.all[task.kept].device_memory_mib)
        for account in task.job.path:
            sums = found.setdefault(account.index, [0, 0, 0])
            for resource in (0, 1, 2):
                sums[resource] += amounts[resource]
    return found


def less(held: Sequence[int], promised: Sequence[int]) -> Amounts:
    return Amounts(*(have - kept for have, kept in zip(held, promised, strict=True)))
