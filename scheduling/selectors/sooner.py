"""What would start sooner than what is asked for: another pool, fewer GPUs, fewer pods at first, preemptible."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from portal.formats import counted
from quotas.models import Pool
from scheduling.asking import Ask
from scheduling.quantities import DEVICE_MILLI

from .offers import Outlook


@dataclass(frozen=True, slots=True)
class Sooner:
    """One change with which it would start now, and what the form is set to by it."""

    title: str
    note: str
    change: str
    """As the form takes it: `pool:a100`, `preemptible:on`, `gpus:4`, `minimum:2`."""


def sooner(outlook: Outlook, order: Sequence[Pool], others: Sequence[Pool], ask: Ask) -> list[Sooner]:
    """What the person gives up least first; nothing where it would start now in the first pool of its order."""
    if not order or outlook.starts(order[0], ask):
        return []
    first = order[0]
    found = [
        Sooner(f"{pool.name} first", f"starts now in {pool.name}", f"pool:{pool.name}")
        for pool in (*order[1:], *others)
        if outlook.starts(pool, ask)
    ]
    now = f"starts now in {first.name}"
    if not ask.preemptible and outlook.starts(first, replace(ask, preemptible=True)):
        found.append(Sooner("May be stopped for others", now, "preemptible:on"))

    def with_gpus(gpus: int) -> Ask:
        return replace(ask, request=replace(ask.request, devices=gpus))

    def with_minimum(pods: int) -> Ask:
        return replace(ask, min_members=pods)

    devices, minimum = ask.request.devices, ask.min_members
    if ask.request.device_milli == DEVICE_MILLI and (gpus := most_that_starts(devices, outlook, first, with_gpus)):
        found.append(Sooner(f"{counted(gpus, 'GPU')} a pod instead of {devices}", now, f"gpus:{gpus}"))
    if pods := most_that_starts(minimum, outlook, first, with_minimum):
        title = f"Start with {counted(pods, 'pod')} instead of {minimum}; the rest follow"
        found.append(Sooner(title, now, f"minimum:{pods}"))
    return found


def most_that_starts(below: int, outlook: Outlook, pool: Pool, changed: Callable[[int], Ask]) -> int:
    """The largest number under `below`, by halving, with which it starts; 0 = with none."""
    lowest, highest = 0, below
    while highest - lowest > 1:
        middle = (lowest + highest) // 2
        if outlook.starts(pool, changed(middle)):
            lowest = middle
        else:
            highest = middle
    return lowest
