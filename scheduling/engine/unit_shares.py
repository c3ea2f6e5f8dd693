"""How the units stand after the cycle."""

from __future__ import annotations

from collections.abc import Set

from .cycle import Cycle
from .decisions import UnitShare
from .promises import by_unit, less, promised_tasks
from .shares import serving_key
from .types import NOTHING, Amounts
from .working import BOUND, Account, Job


def unit_shares(cycle: Cycle, waiting: Set[int]) -> tuple[UnitShare, ...]:
    """Of every unit, in the order in which they are served next, each followed by those below it. `waiting`: the ids of
    workloads that wait."""
    running, pending = _counts(cycle, waiting)
    kept = by_unit(cycle, promised_tasks(cycle))
    kept_fixed = by_unit(cycle, (task for task in promised_tasks(cycle) if not task.job.preemptible))
    found: list[UnitShare] = []
    for account in _in_order(cycle):
        found.append(
            UnitShare(
                unit=account.unit.id,
                quota=account.unit.quota,
                fair_share=Amounts(*account.fair),
                allocated=less(account.held, kept.get(account.index, NOTHING)),
                allocated_non_preemptible=less(account.non_preemptible, kept_fixed.get(account.index, NOTHING)),
                requested=Amounts(*account.requested),
                running=running[account.index],
                pending=pending[account.index],
            )
        )
    return tuple(found)


def _counts(cycle: Cycle, waiting: Set[int]) -> tuple[list[int], list[int]]:
    """Workloads that run, and that wait, by unit."""
    running, pending = [0] * len(cycle.accounts), [0] * len(cycle.accounts)
    for job in cycle.jobs:
        if job.workload.id in waiting:
            pending[job.account.index] += 1
        for task in job.tasks:
            if task.state == BOUND:
                running[job.account.index] += 1
                break
    for account in reversed(cycle.accounts):
        if account.parent is not None:
            running[account.parent.index] += running[account.index]
            pending[account.parent.index] += pending[account.index]
    return running, pending


def _in_order(cycle: Cycle) -> list[Account]:
    """From the top down; those without waiting work as they stand."""
    first: dict[int, Job] = {}
    for account in reversed(cycle.accounts):
        if account.children:
            waiting = [child for child in account.children if child.index in first]
            if waiting:
                best = min(waiting, key=lambda child: serving_key(child, first[child.index].asked))
                first[account.index] = first[best.index]
        else:
            entries = cycle.waiting.of(account)
            if entries:
                first[account.index] = entries[0][2]
    ordered: list[Account] = []

    def collect(siblings: list[Account]) -> None:
        def key(account: Account) -> tuple[object, ...]:
            job = first.get(account.index)
            return serving_key(account, job.asked if job else NOTHING)

        for account in sorted(siblings, key=key):
            ordered.append(account)
            collect(account.children)

    collect(cycle.tops)
    return ordered
