"""Remedies with a little less, to see that a remedy asks for no more than it must."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from scheduling.engine.remedies import Remedy, RemedyCode
from scheduling.engine.types import Topology


def weaker(remedy: Remedy, topologies: tuple[Topology, ...] = ()) -> Iterator[Remedy]:
    """The remedy with one unit less of one figure, for each of them. Where that leaves nothing of it, nothing is given:
    that is the state as it is."""
    for at, item in enumerate(remedy.raises):
        less = (replace(item, by=item.by - item.step),) if item.by > item.step else ()
        if raises := (*remedy.raises[:at], *less, *remedy.raises[at + 1 :]):
            yield replace(remedy, raises=raises)
    for at in range(len(remedy.units)):
        if units := (*remedy.units[:at], *remedy.units[at + 1 :]):
            yield replace(remedy, units=units)
    name = _COUNTED.get(remedy.code)
    if name is not None and int(remedy.numbers[name]) + 1 < int(remedy.numbers["instead_of"]):
        yield replace(remedy, numbers={**remedy.numbers, name: int(remedy.numbers[name]) + 1})
    if remedy.code in (RemedyCode.WIDER_TOPOLOGY, RemedyCode.WITHOUT_TOPOLOGY):
        yield from _narrower(remedy, topologies)


_COUNTED = {RemedyCode.SMALLER_MINIMUM: "pods", RemedyCode.FEWER_DEVICES: "devices"}


def _narrower(remedy: Remedy, topologies: tuple[Topology, ...]) -> Iterator[Remedy]:
    """The next level towards the one that was required."""
    old = remedy.numbers["instead_of"]
    for topology in topologies:
        if old not in topology.levels:
            continue
        between = topology.levels[: topology.levels.index(str(old))]
        if remedy.code is RemedyCode.WIDER_TOPOLOGY:
            between = between[between.index(str(remedy.numbers["level"])) + 1 :]
        if between:
            yield replace(remedy, code=RemedyCode.WIDER_TOPOLOGY, numbers={"level": between[0], "instead_of": old})
