"""The node and the devices for a pod.

Bin-pack takes the fullest node and device that fit, so that large rooms stay whole; spread takes the emptiest. Of nodes
that fit those come first where the pod fits at once, before those where room is still being freed; a share of a device
goes before all else where a device is in use by shares already; work without GPU prefers nodes without GPUs. Equal
nodes are told apart by name, equal devices by number. (KAI-Scheduler, node scores.)

Two ways to the same node: `Index` walks the bit sets of `nodes`, `Scan` looks at every node for every pod; the scan is
the oracle of the tests.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from .arithmetic import ratio
from .classes import RequestClass
from .nodes import Nodes
from .types import Placement


class Room(NamedTuple):
    """Where a pod would be."""

    node: int
    devices: tuple[int, ...]
    at_once: bool
    """Free now; otherwise once what is stopping there has gone."""


class Placer(ABC):
    """Finds rooms on `nodes` by the strategies of the pool."""

    def __init__(self, nodes: Nodes, gpu: Placement, cpu: Placement) -> None:
        self.nodes = nodes
        self.gpu = gpu
        self.cpu = cpu

    later_only = False
    """Rooms are looked for only to be reserved: of equal devices those that are not free yet are taken first."""

    def room(self, kind: RequestClass, mask: int, ranked: Sequence[int] = ()) -> Room | None:
        """The best room for one pod on the nodes of `mask`. `ranked`: disjoint sets of nodes to prefer, best first."""
        if not ranked:
            return self.best(kind, mask)
        for preferred in ranked:
            if preferred & mask and (found := self.best(kind, preferred & mask)):
                return found
            mask &= ~preferred
        return self.best(kind, mask)

    @abstractmethod
    def best(self, kind: RequestClass, mask: int) -> Room | None:
        """The best room for one pod on the nodes of `mask`, all of them alike preferred."""

    def beside(self, kind: RequestClass, room: Room) -> Room | None:
        """Another room on the node where the pod before, of the same class, has just got this one, where that is the
        best: None = look everywhere."""
        return None

    def devices(self, kind: RequestClass, index: int) -> Room | None:
        """The room on this node, which is known to have enough of everything else; None where devices are lacking."""
        nodes = self.nodes
        now, later, unit = nodes.now, nodes.later, nodes.unit[index]
        if not kind.devices:
            at_once = nodes.fits(now, index, kind)
            return Room(index, (), at_once)
        free, occupied = later.devices[index], now.devices[index]
        at_once = now.cpu[index] >= kind.cpu and now.memory[index] >= kind.memory and now.slots[index] > 0
        if kind.devices == 1 and kind.is_whole and at_once and not self.later_only:
            for device, part in enumerate(free):
                if part == unit and occupied[device] == unit:
                    return Room(index, (device,), True)
        if kind.is_whole:
            whole = [device for device, part in enumerate(free) if part == unit]
            if len(whole) < kind.devices:
                return None
            idle = [device for device in whole if occupied[device] == unit]
            at_once = at_once and len(idle) >= kind.devices
            if at_once and not self.later_only:
                return Room(index, tuple(idle[: kind.devices]), at_once=True)
            busy = [device for device in whole if occupied[device] != unit]
            return Room(index, tuple(sorted((busy + idle)[: kind.devices])), at_once)
        return self._shares(kind, index, at_once)

    def _shares(self, kind: RequestClass, index: int, at_once: bool) -> Room | None:
        """Shares of distinct devices: of those in use first, of whole ones last."""
        nodes = self.nodes
        unit, share = nodes.unit[index], kind.shares[nodes.kind[index]]
        free, occupied = nodes.later.devices[index], nodes.now.devices[index]
        if share < 0:
            return None
        opened = [device for device, part in enumerate(free) if share <= part < unit]
        whole = [device for device, part in enumerate(free) if part == unit]
        if len(opened) + len(whole) < kind.devices:
            return None
        if self.gpu is Placement.SPREAD:
            order = sorted(opened + whole, key=lambda device: (-free[device], device))
        else:
            opened.sort(key=lambda device: (free[device], device))
            whole.sort(key=lambda device: ((occupied[device] == unit) is self.later_only, device))
            order = opened + whole
        chosen = order[: kind.devices]
        at_once = at_once and all(_is_idle(occupied[device], free[device], share, unit) for device in chosen)
        return Room(index, tuple(sorted(chosen)), at_once)


def _is_idle(occupied: int, free: int, share: int, unit: int) -> bool:
    """The share fits beside what is on the device now. A device that is only promised to others so far is not idle."""
    return occupied >= share and (occupied < unit or free == unit)


class Scan(Placer):
    """Looks at every node."""

    def best(self, kind: RequestClass, mask: int) -> Room | None:
        best: tuple[tuple[int, ...], Room] | None = None
        nodes = self.nodes
        for index, bit in enumerate(nodes.bit):
            if not mask & bit or not nodes.fits(nodes.later, index, kind):
                continue
            room = self.devices(kind, index)
            if room is None:
                continue
            key = self._preference(kind, index, room)
            if best is None or key < best[0]:
                best = (key, room)
        return best[1] if best else None

    def _preference(self, kind: RequestClass, index: int, room: Room) -> tuple[int, ...]:
        """Less is better."""
        nodes, later = self.nodes, self.nodes.later
        if not kind.devices:
            has_devices = nodes.all[index].devices > 0
            free, capacity = later.cpu[index], nodes.all[index].capacity.cpu_millicores
            fullness = free if self.cpu is Placement.BINPACK else -ratio(free, capacity or 1)
            return (not room.at_once, has_devices, fullness, index)
        free, capacity = later.whole[index], nodes.all[index].devices
        fullness = free if self.gpu is Placement.BINPACK else -ratio(free, capacity)
        shared = False
        if kind.is_share and self.gpu is Placement.BINPACK:
            share, unit = kind.shares[nodes.kind[index]], nodes.unit[index]
            shared = any(share <= part < unit for part in later.devices[index])
        at_once = room.at_once
        return (not shared, not at_once, fullness, index)


class Index(Placer):
    """Walks sets of nodes from the best to the worst, and takes the first that fits."""

    def best(self, kind: RequestClass, mask: int) -> Room | None:
        if not kind.devices:
            return self._without_devices(kind, mask)
        if not kind.is_share:
            if self.gpu is Placement.BINPACK:
                return self._fullest(kind, mask)
            return self._first(kind, list(self._by_fullness(kind.devices, mask)))
        if self.gpu is Placement.BINPACK:
            opened = self._opened(kind) & mask
            if opened and (found := self._first(kind, list(self._by_fullness(0, opened)))):
                return found
            mask &= ~opened
        # Shares of several devices can lie beside others on some of them, and take whole ones for the rest.
        least = 1 if kind.devices == 1 and self.gpu is Placement.BINPACK else 0
        return self._first(kind, list(self._by_fullness(least, mask)))

    def beside(self, kind: RequestClass, room: Room) -> Room | None:
        """Whole devices, bin-packed: the node has become fuller, so it is the best of those that fit."""
        index = room.node
        if not kind.is_whole or self.gpu is not Placement.BINPACK or not self.nodes.fits(self.nodes.later, index, kind):
            return None
        found = self.devices(kind, index)
        return found if found is not None and found.at_once is room.at_once else None

    def _fullest(self, kind: RequestClass, mask: int) -> Room | None:
        """Whole devices, bin-packed. Mostly the first node that one looks at has room at once."""
        later = self.nodes.later
        bits = later.bits
        for count in range(kind.devices, len(bits)):
            tier = bits[count] & mask
            if tier:
                index = (tier & -tier).bit_length() - 1
                if later.cpu[index] >= kind.cpu and later.memory[index] >= kind.memory and later.slots[index] > 0:
                    room = self.devices(kind, index)
                    if room is not None and (room.at_once or not self.nodes.now.with_whole(kind.devices) & mask):
                        return room
                tiers = [tier, *[lower for more in bits[count + 1 :] if (lower := more & mask)]]
                return self._first(kind, tiers)
        return None

    def _first(self, kind: RequestClass, tiers: Sequence[int]) -> Room | None:
        """The first node that fits at once, else the first that fits later."""
        if not tiers:
            return None
        idle = self.nodes.now.with_whole(kind.devices) if kind.is_whole else -1
        return self._walk(kind, tiers, idle, at_once=True) or self._walk(kind, tiers, -1, at_once=False)

    def _walk(self, kind: RequestClass, tiers: Iterable[int], mask: int, *, at_once: bool) -> Room | None:
        later = self.nodes.later
        cpu, memory, slots = later.cpu, later.memory, later.slots
        need_cpu, need_memory = kind.cpu, kind.memory
        for tier in tiers:
            tier &= mask
            while tier:
                low = tier & -tier
                tier ^= low
                index = low.bit_length() - 1
                if cpu[index] >= need_cpu and memory[index] >= need_memory and slots[index] > 0:
                    room = self.devices(kind, index)
                    if room is not None and (room.at_once or not at_once):
                        return room
        return None

    def _by_fullness(self, devices: int, mask: int) -> Iterator[int]:
        """Sets of equally full nodes with at least so many whole free devices, in the order of the strategy."""
        nodes = self.nodes
        bits = nodes.later.bits
        if self.gpu is Placement.BINPACK:
            for count in range(devices, len(bits)):
                if tier := bits[count] & mask:
                    yield tier
        else:
            for alike in nodes.by_freedom:
                tier = 0
                for free, total in alike:
                    if free >= devices:
                        tier |= bits[free] & nodes.with_total[total]
                tier &= mask
                if tier:
                    yield tier

    def _opened(self, kind: RequestClass) -> int:
        """Nodes with a device in use by shares that has room for one more."""
        nodes, found = self.nodes, 0
        for number, table in enumerate(nodes.open):
            share = kind.shares[number]
            if share >= 0:
                for free, there in table.items():
                    if free >= share:
                        found |= there
        return found

    def _without_devices(self, kind: RequestClass, mask: int) -> Room | None:
        later_room = None
        for index in self.nodes.by_cpu(kind.cpu, spread=self.cpu is Placement.SPREAD):
            if mask & self.nodes.bit[index] and self.nodes.fits(self.nodes.later, index, kind):
                if self.nodes.fits(self.nodes.now, index, kind):
                    return Room(index, (), at_once=True)
                later_room = later_room or Room(index, (), at_once=False)
        return later_room
