"""The nodes with what is free on them, and the index that finds those with room.

Two views of every node. `now`: without what is bound and what is still stopping. `later`: without what is bound and
what is reserved, that is, once everything that is stopping has gone. Each view counts whole free devices, and nodes are
kept in bit sets by that count, so that "the nodes with exactly three free devices" is one integer; the lowest bit is
the first by name.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from fractions import Fraction

from .arithmetic import ratio
from .classes import WHOLE_MILLI, RequestClass, whole_device
from .types import Amounts, Node

_ELSEWHERE = Node(-1, "", 0, Amounts(), 0, ready=False)


class View:
    """What is free, by index of node. Can be below zero where more was bound than there is."""

    __slots__ = ("bits", "cpu", "devices", "memory", "slots", "whole")

    def __init__(self, nodes: list[Node], units: list[int], most: int) -> None:
        self.cpu = [node.capacity.cpu_millicores for node in nodes]
        self.memory = [node.capacity.memory_bytes for node in nodes]
        self.slots = [node.pod_slots for node in nodes]
        self.devices = [[unit] * node.devices for node, unit in zip(nodes, units, strict=True)]
        """Free part of each device, in units of `whole_device`."""
        self.whole = [node.devices for node in nodes]
        """Devices that are free as a whole."""
        self.bits = [0] * (most + 1)
        """Nodes by `whole`, as bit sets."""
        for index, node in enumerate(nodes):
            self.bits[node.devices] |= 1 << index

    def with_whole(self, devices: int) -> int:
        """Nodes with at least so many whole free devices."""
        found = 0
        for nodes in self.bits[devices:]:
            found |= nodes
        return found


class Nodes:
    """The nodes of a pool in the order of their names."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.all = sorted(nodes, key=lambda node: (node.name, node.id))
        self.index = {node.id: index for index, node in enumerate(self.all)}
        self.elsewhere = len(self.all)
        """Index that stands for every node that is not, or no longer, of the pool: its pods are charged, no more."""
        self.all.append(_ELSEWHERE)
        self.bit = [1 << index for index in range(len(self.all))]
        self.sizes = {(node.capacity, node.devices) for node in self.all[:-1]}
        """What an empty node has: each size once."""
        memories = sorted({node.device_memory_mib for node in self.all})
        kinds = {memory: kind for kind, memory in enumerate(memories)}
        self.memories = memories
        self.kind = [kinds[node.device_memory_mib] for node in self.all]
        """By index of node: the number of its amount of GPU memory."""
        self.unit = [whole_device(node.device_memory_mib) for node in self.all]
        self.most_devices = max((node.devices for node in self.all), default=0)
        self.now = View(self.all, self.unit, self.most_devices)
        self.later = View(self.all, self.unit, self.most_devices)
        self.both = (self.now, self.later)
        self.only_later = (self.later,)
        self.ready = sum(bit for bit, node in zip(self.bit, self.all, strict=True) if node.ready)
        self.open: list[dict[int, int]] = [{} for _ in memories]
        """By kind: nodes by the most that is free of one device in use by shares, as bit sets."""
        self.shared_with_others = {
            index for index, node in enumerate(self.all) if node.capacity.gpu_milli < node.devices * WHOLE_MILLI
        }
        """Nodes of whose GPUs somebody else has a part."""
        self._lost: dict[int, list[tuple[int, int]]] = {}
        self.changed: set[int] | None = None
        """Nodes of which the free room has changed, where somebody keeps an account of that."""
        self._opening = [0] * len(self.all)
        self.with_total: dict[int, int] = {}
        """Nodes by how many devices they have, as bit sets."""
        for bit, node in zip(self.bit, self.all, strict=True):
            self.with_total[node.devices] = self.with_total.get(node.devices, 0) | bit
        self.by_freedom = _by_freedom(self.with_total)
        self._cpu_order: list[tuple[bool, int, int]] = []
        self._cpu_keys: list[tuple[bool, int, int]] | None = None
        self._cpu_changed: set[int] = set()

    def take(
        self, views: tuple[View, ...], index: int, kind: RequestClass, devices: tuple[int, ...], sign: int
    ) -> None:
        """Room for one pod of the class, in `both` views or only `later`, taken (1) or given back (-1)."""
        if self.changed is not None:
            self.changed.add(index)
        self._cpu_changed.add(index)
        cpu, memory, unit = sign * kind.cpu, sign * kind.memory, self.unit[index]
        share = sign * (kind.shares[self.kind[index]] if kind.is_share else unit)
        for view in views:
            view.cpu[index] -= cpu
            view.memory[index] -= memory
            view.slots[index] -= sign
            if not devices:
                continue
            free = view.devices[index]
            before = after = view.whole[index]
            for device in devices:
                had = free[device]
                free[device] = has = had - share
                if had == unit:
                    after -= 1
                elif has == unit:
                    after += 1
            if before != after:
                view.whole[index] = after
                bit = self.bit[index]
                view.bits[before] ^= bit
                view.bits[after] |= bit
        if devices and kind.is_share:
            self._reopen(index)

    def _reopen(self, index: int) -> None:
        """Bring `open` up to date for one node."""
        unit = self.unit[index]
        most = 0
        for free in self.later.devices[index]:
            if most < free < unit:
                most = free
        had = self._opening[index]
        if had != most:
            table, bit = self.open[self.kind[index]], self.bit[index]
            if had:
                table[had] ^= bit
                if not table[had]:
                    del table[had]
            if most:
                table[most] = table.get(most, 0) | bit
            self._opening[index] = most

    def fits(self, view: View, index: int, kind: RequestClass) -> bool:
        """Of everything but devices."""
        return view.cpu[index] >= kind.cpu and view.memory[index] >= kind.memory and view.slots[index] > 0

    def lose(self, index: int) -> None:
        """What others take of the node's GPUs is taken from the devices that are known to be theirs, the rest from the
        freest, highest number first."""
        node, free = self.all[index], self.later.devices[index]
        lost = node.devices * WHOLE_MILLI - node.capacity.gpu_milli
        for device, milli in node.taken:
            self._lose_of(index, device, milli)
            lost -= milli
        while lost > 0:
            self._lose_of(index, max(range(len(free)), key=lambda device: (free[device], device)), lost)
            lost -= WHOLE_MILLI

    def _lose_of(self, index: int, device: int, milli: int) -> None:
        part = min(milli, WHOLE_MILLI) * self.unit[index] // WHOLE_MILLI
        self._lost.setdefault(index, []).append((device, part))
        self._shrink(index, device, part)

    def regain(self, index: int) -> None:
        """Inverse of `lose`."""
        for device, part in self._lost.pop(index, ()):
            self._shrink(index, device, -part)

    def _shrink(self, index: int, device: int, part: int) -> None:
        unit, bit = self.unit[index], self.bit[index]
        if self.changed is not None:
            self.changed.add(index)
        for view in (self.now, self.later):
            before = view.devices[index][device]
            view.devices[index][device] = after = before - part
            if (before == unit) != (after == unit):
                view.bits[view.whole[index]] ^= bit
                view.whole[index] += 1 if after == unit else -1
                view.bits[view.whole[index]] |= bit
        self._reopen(index)

    def free_gpu_milli(self) -> int:
        """Of the GPUs of ready nodes in sum, once everything that is stopping has gone."""
        later, found = self.later, 0
        for whole, nodes in enumerate(later.bits):
            found += whole * (nodes & self.ready).bit_count() * WHOLE_MILLI
        for kind, table in enumerate(self.open):
            for nodes in table.values():
                nodes &= self.ready
                while nodes:
                    low = nodes & -nodes
                    nodes ^= low
                    unit = whole_device(self.memories[kind])
                    free = later.devices[low.bit_length() - 1]
                    found += sum(part for part in free if 0 < part < unit) * WHOLE_MILLI // unit
        return found

    def by_cpu(self, need: int, *, spread: bool) -> Iterator[int]:
        """Nodes with so much CPU free later, those without GPUs first, the fullest first; or, to spread, the emptiest
        in proportion. Kept in order from call to call: only nodes that have changed are put in anew."""
        if self._cpu_keys is None:
            self._cpu_keys = [self._cpu_key(index, spread) for index in range(len(self.all))]
            self._cpu_order = sorted(self._cpu_keys)
        else:
            for index in self._cpu_changed:
                key = self._cpu_key(index, spread)
                if key != self._cpu_keys[index]:
                    del self._cpu_order[bisect_left(self._cpu_order, self._cpu_keys[index])]
                    insort(self._cpu_order, key)
                    self._cpu_keys[index] = key
        self._cpu_changed.clear()
        order = self._cpu_order
        for has_devices in (False, True):
            least = (has_devices,) if spread else (has_devices, need)
            for at in range(bisect_left(order, least), len(order)):
                if order[at][0] != has_devices:
                    break
                yield order[at][2]

    def _cpu_key(self, index: int, spread: bool) -> tuple[bool, int, int]:
        free, node = self.later.cpu[index], self.all[index]
        fullness = -ratio(free, node.capacity.cpu_millicores or 1) if spread else free
        return (node.devices > 0, fullness, index)


def _by_freedom(totals: Iterable[int]) -> list[list[tuple[int, int]]]:
    """Pairs of free and total devices, those with equal parts free together, the freest first."""
    parts: dict[Fraction, list[tuple[int, int]]] = {}
    for total in totals:
        for free in range(total + 1):
            parts.setdefault(Fraction(free, total or 1), []).append((free, total))
    return [parts[part] for part in sorted(parts, reverse=True)]
