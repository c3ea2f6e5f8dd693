"""Whether what is guaranteed adds up. Pure arithmetic: whole numbers in, excesses out.

A unit counts as what it is guaranteed. The cluster and its default department count as the sum of the units right below
them. So does a unit whose CPU or memory quota is not set: it has no ceiling there, and what is given below it counts
against the next ceiling further up, in the end against the hardware.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db.models import IntegerChoices


class Level(IntegerChoices):
    """What is compared with what."""

    CHILDREN = 1, "inside departments"
    """Projects and departments with the department that they lie in."""
    HARDWARE = 2, "against the hardware"
    """All of a cluster with the ready nodes of a pool, or of all pools that are over together."""
    RUNNING = 3, "what runs"
    """What of a unit runs and may not be stopped, with its quota."""


class Amounts(NamedTuple):
    """A quantity of each resource; what is not set counts as 0."""

    gpu_milli: int = 0
    cpu_millicores: int = 0
    memory_bytes: int = 0

    def plus(self, other: Amounts) -> Amounts:
        return Amounts(*(one + two for one, two in zip(self, other, strict=True)))


NOTHING = Amounts()
RESOURCES = range(len(NOTHING))
Own = tuple[int, int | None, int | None]
"""A quota's GPU, CPU and memory; None = not set."""
UNSET: Own = (0, None, None)
"""Of a unit without a quota row."""


class Key(NamedTuple):
    """Where something does not add up."""

    unit: int
    pool: int | None
    """None: all pools of the cluster together."""
    resource: int
    """Its place in `Amounts`."""
    level: Level


class Excess(NamedTuple):
    sum: int
    ceiling: int

    @property
    def over(self) -> int:
        return self.sum - self.ceiling


@dataclass(frozen=True, slots=True)
class Tally:
    """What units count as in one pool, and what the units right below them have."""

    counts: dict[int, Amounts]
    given: dict[int, Amounts]


def tally(quotas: Mapping[int, Own], paths: Mapping[int, tuple[int, ...]], summed: Collection[int]) -> Tally:
    """`paths`: of every unit in `quotas`, from its cluster down to itself. `summed`: the default departments."""
    above: dict[int, int] = {}
    depth: dict[int, int] = {}
    for unit in quotas:
        path = paths[unit]
        above.update(zip(path[1:], path, strict=False))
        depth.update(zip(path, range(len(path)), strict=True))
    counts: dict[int, Amounts] = {}
    given: dict[int, Amounts] = defaultdict(Amounts)
    for unit in sorted(depth, key=depth.__getitem__, reverse=True):
        below = given[unit]
        if unit not in above or unit in summed:
            counts[unit] = below
        else:
            own = quotas.get(unit, UNSET)
            counts[unit] = Amounts(*(two if one is None else one for one, two in zip(own, below, strict=True)))
        if unit in above:
            given[above[unit]] = given[above[unit]].plus(counts[unit])
    return Tally(counts, dict(given))


@dataclass(frozen=True, slots=True)
class Book:
    """What is guaranteed in one pool, and what there is."""

    pool: int
    cluster: int
    quotas: Mapping[int, Own]
    paths: Mapping[int, tuple[int, ...]]
    summed: Collection[int]
    ready: Amounts = NOTHING
    """Of its ready nodes, cordoned ones included."""
    running: Mapping[int, Amounts] = field(default_factory=dict)
    """By unit, what runs non-preemptibly."""

    def tally(self) -> Tally:
        return tally(self.quotas, self.paths, self.summed)

    def parts(self, unit: int, resource: int) -> dict[int, int]:
        """Whose guarantees add up to what is given below `unit`: through those that count as the sum of others."""
        parts: dict[int, int] = {}
        for one in self.quotas:
            line = self.paths[one]
            for below in line[line.index(unit) + 1 :] if unit in line else ():
                own = None if below in self.summed else self.quotas.get(below, UNSET)[resource]
                if own is not None:
                    parts[below] = own
                    break
        return parts

    def excesses(self) -> dict[Key, Excess]:
        found: dict[Key, Excess] = {}

        def compare(unit: int, level: Level, sums: Amounts, ceilings: tuple[int | None, ...]) -> None:
            for resource in RESOURCES:
                ceiling = ceilings[resource]
                if ceiling is not None and sums[resource] > ceiling:
                    found[Key(unit, self.pool, resource, level)] = Excess(sums[resource], ceiling)

        for unit, sums in self.tally().given.items():
            if unit == self.cluster:
                compare(unit, Level.HARDWARE, sums, self.ready)
            elif unit not in self.summed:
                compare(unit, Level.CHILDREN, sums, self.quotas.get(unit, UNSET))
        for unit, amounts in self.running.items():
            if unit != self.cluster and unit not in self.summed:
                compare(unit, Level.RUNNING, amounts, self.quotas.get(unit, UNSET))
        return found


def together(cluster: int, found: Mapping[Key, Excess]) -> dict[Key, Excess]:
    """The cluster over its pools: what those that are over add up to, where there are several.

    Room in one pool is no help to another, so pools that are not over do not count.
    """
    by_resource: dict[int, list[Excess]] = defaultdict(list)
    for key, excess in found.items():
        if key.level == Level.HARDWARE and key.pool is not None and key.unit == cluster:
            by_resource[key.resource].append(excess)
    return {
        Key(cluster, None, resource, Level.HARDWARE): Excess(
            sum(one.sum for one in pools), sum(one.ceiling for one in pools)
        )
        for resource, pools in by_resource.items()
        if len(pools) > 1
    }


def increased(before: Mapping[Key, Excess], after: Mapping[Key, Excess]) -> dict[Key, Excess]:
    """Of `after`, what is over by more than it was."""
    return {key: excess for key, excess in after.items() if key not in before or excess.over > before[key].over}
