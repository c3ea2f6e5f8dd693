"""What is free now, of all nodes at once: NumPy copies of the lists for questions about the pool as a whole.

Free now is what is neither occupied nor reserved. Sums and maxima are over ready nodes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from .arithmetic import RESOURCES
from .classes import RequestClass
from .cycle import Cycle

POD_SLOTS = "pods"
"""Named like a resource where a node can take no further pod whatever it asks for."""
Column = NDArray[np.int64]


class Free:
    """As of the moment it is made."""

    def __init__(self, cycle: Cycle) -> None:
        nodes = cycle.nodes
        self._nodes = nodes
        self._allowed = cycle.allowed
        self._cpu = _least(nodes.now.cpu, nodes.later.cpu)
        self._memory = _least(nodes.now.memory, nodes.later.memory)
        self._slots = _least(nodes.now.slots, nodes.later.slots)
        self._devices = np.minimum(
            _table(nodes.now.devices, nodes.most_devices), _table(nodes.later.devices, nodes.most_devices)
        )
        """By node and device: free now; -1 where the node has fewer devices."""
        self._unit = np.array(nodes.unit, dtype=np.int64)
        self._kind = np.array(nodes.kind, dtype=np.int64)
        self._gpu = np.maximum(self._devices, 0).sum(axis=1) * 1000 // self._unit
        self._sizes = (
            np.array([node.devices for node in nodes.all], dtype=np.int64),
            np.array([node.capacity.cpu_millicores for node in nodes.all], dtype=np.int64),
            np.array([node.capacity.memory_bytes for node in nodes.all], dtype=np.int64),
        )
        self._ready = self._mask(nodes.ready)
        self._usable: dict[int, Column] = {}
        self.sums = tuple(int(column[self._ready].sum()) for column in (self._gpu, self._cpu, self._memory))
        """Of each resource."""

    def _mask(self, bits: int) -> NDArray[np.bool_]:
        count = len(self._nodes.all)
        raw = np.frombuffer(bits.to_bytes((count + 7) // 8, "little"), dtype=np.uint8)
        return np.unpackbits(raw, bitorder="little", count=count).astype(bool)

    def usable(self, kind: RequestClass) -> Column:
        """By node: devices with room for the pod's share of one."""
        known = self._usable.get(kind.index)
        if known is None:
            share = self._shares(kind) if kind.is_share else self._unit
            known = np.where(share < 0, 0, (self._devices >= share[:, None]).sum(axis=1))
            self._usable[kind.index] = known
        return known

    def slots(self, kind: RequestClass) -> int:
        """How many such pods find room."""
        return int(self._by_node(kind).sum())

    def _by_node(self, kind: RequestClass) -> Column:
        room = self._slots.copy()
        if kind.devices:
            room = np.minimum(room, self._places(kind))
        if kind.cpu:
            room = np.minimum(room, self._cpu // kind.cpu)
        if kind.memory:
            room = np.minimum(room, self._memory // kind.memory)
        return np.where(self._mask(self._allowed(kind)), room, 0)

    def _places(self, kind: RequestClass) -> Column:
        """By node: pods that its devices have room for."""
        if not kind.is_share:
            return self.usable(kind) // kind.devices
        share = self._shares(kind)
        parts = np.where(share[:, None] > 0, np.maximum(self._devices, 0) // np.maximum(share, 1)[:, None], 0)
        if kind.devices == 1:
            return cast(Column, parts.sum(axis=1))
        return np.array([_distinct(row, kind.devices) for row in parts.tolist()], dtype=np.int64)

    def _shares(self, kind: RequestClass) -> Column:
        """By node: the part of one device; -1 where it cannot be."""
        return np.array(kind.shares, dtype=np.int64)[self._kind]

    def missing(self, kind: RequestClass) -> Counter[str]:
        """On the nodes that are large enough and allowed: which resource is the first that one such pod lacks."""
        return self._missing(kind, np.zeros(len(self._nodes.all), dtype=np.int64))

    def missing_after(self, kind: RequestClass, slots: int) -> Counter[str]:
        """The same once all that find room have taken it."""
        return self._missing(kind, self._by_node(kind))

    def _missing(self, kind: RequestClass, taken: Column) -> Counter[str]:
        large = self._mask(self._allowed(kind)) & self._large_enough(kind)
        if not large.any():
            large = self._ready
        lacks = [
            (RESOURCES[0], self._places(kind) <= taken if kind.devices else np.zeros_like(large)),
            (RESOURCES[1], self._cpu - taken * kind.cpu < kind.cpu),
            (RESOURCES[2], self._memory - taken * kind.memory < kind.memory),
            (POD_SLOTS, self._slots - taken < 1),
        ]
        found: Counter[str] = Counter()
        left = large
        for name, lacking in lacks:
            found[name] = int((left & lacking).sum())
            left = left & ~lacking
        return found

    def _large_enough(self, kind: RequestClass) -> NDArray[np.bool_]:
        gpus, cpu, memory = self._sizes
        large = (gpus >= kind.devices) & (cpu >= kind.cpu) & (memory >= kind.memory)
        return large & (self._shares(kind) >= 0) if kind.is_share else large

    def total(self, resource: str) -> int:
        return int(self._column(resource)[self._ready].sum())

    def largest(self, kind: RequestClass, resource: str) -> int:
        """The most on one node; of GPUs only whole parts that such a pod could use."""
        column = self._column(resource)
        if resource == RESOURCES[0] and kind.devices:
            each = kind.amounts[0] // kind.devices
            column = np.minimum(column, self.usable(kind) * each)
        return int(column[self._ready].max(initial=0))

    def _column(self, resource: str) -> Column:
        columns = (self._gpu, self._cpu, self._memory, self._slots)
        return columns[(*RESOURCES, POD_SLOTS).index(resource)]


def _least(now: list[int], later: list[int]) -> Column:
    return np.maximum(0, np.minimum(np.array(now, dtype=np.int64), np.array(later, dtype=np.int64)))


def _table(devices: Sequence[Sequence[int]], most: int) -> Column:
    return np.array([[*own, *[-1] * (most - len(own))] for own in devices], dtype=np.int64).reshape(len(devices), most)


def _distinct(parts: Sequence[int], devices: int) -> int:
    """How many pods that each take a part of so many distinct devices fit, where each device has so many parts."""
    low, high = 0, sum(parts) // devices
    while low < high:
        middle = (low + high + 1) // 2
        if sum(min(part, middle) for part in parts) >= middle * devices:
            low = middle
        else:
            high = middle - 1
    return low
