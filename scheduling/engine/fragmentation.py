"""The pool's third placement strategy: what stays free is to stay usable by the rest of the demand (`packing`).

It chooses among rooms that are free at once. Rooms that are only reserved, and pods that more than the class's own
rules bind (topology, other pods, GPU memory), are placed as by bin-pack.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .classes import WHOLE_MILLI, RequestClass
from .nodes import Nodes
from .packing import FreeRoom, Packing
from .packing import RequestClass as Demand
from .placement import Placer, Room


class Fragmentation(Placer):
    """Wraps the placer that is used where this strategy has nothing to say."""

    def __init__(self, base: Placer, demand: Iterable[tuple[RequestClass, int]]) -> None:
        """`demand`: request classes with how many pods of each run or wait."""
        super().__init__(base.nodes, base.gpu, base.cpu)
        self._base = base
        self._kinds = [(kind, count) for kind, count in demand if not kind.by_memory]
        self._index = {kind.index: number for number, (kind, _) in enumerate(self._kinds)}
        self._packing: Packing | None = None
        self._free = _free_room(base.nodes)

    def best(self, kind: RequestClass, mask: int) -> Room | None:
        number = self._index.get(kind.index)
        if number is not None and mask == kind.eligible and not self.later_only:
            chosen = self._up_to_date().choose(number)
            if chosen is not None:
                return Room(*chosen, at_once=True)
        self._base.later_only = self.later_only
        return self._base.best(kind, mask)

    def _up_to_date(self) -> Packing:
        nodes = self.nodes
        if self._packing is None:
            nodes.changed = set()
            self._free = _free_room(nodes)
            counts = [node.devices for node in nodes.all]
            classes = [
                Demand(kind.devices, kind.request.device_milli, kind.cpu, kind.memory, count)
                for kind, count in self._kinds
            ]
            eligible = [_mask(kind.eligible, len(nodes.all)) for kind, _ in self._kinds]
            self._packing = Packing(counts, self._free, classes, eligible)
        for index in sorted(nodes.changed or ()):
            self._copy(index)
            self._packing.changed(index)
        if nodes.changed:
            nodes.changed.clear()
        return self._packing

    def _copy(self, index: int) -> None:
        now, later, free = self.nodes.now, self.nodes.later, self._free
        unit = self.nodes.unit[index]
        for device, parts in enumerate(zip(now.devices[index], later.devices[index], strict=True)):
            free.device_milli[index, device] = min(parts) * WHOLE_MILLI // unit
        free.cpu_millicores[index] = min(now.cpu[index], later.cpu[index])
        free.memory_bytes[index] = min(now.memory[index], later.memory[index])
        free.pods[index] = min(now.slots[index], later.slots[index])


def _free_room(nodes: Nodes) -> FreeRoom:
    now, later = nodes.now, nodes.later
    devices = np.zeros((len(nodes.all), max(nodes.most_devices, 1)), np.int64)
    for index, unit in enumerate(nodes.unit):
        for device, parts in enumerate(zip(now.devices[index], later.devices[index], strict=True)):
            devices[index, device] = min(parts) * WHOLE_MILLI // unit
    return FreeRoom(
        devices,
        np.minimum(np.array(now.cpu, np.int64), np.array(later.cpu, np.int64)),
        np.minimum(np.array(now.memory, np.int64), np.array(later.memory, np.int64)),
        np.minimum(np.array(now.slots, np.int64), np.array(later.slots, np.int64)),
    )


def _mask(bits: int, count: int) -> np.ndarray:
    raw = np.frombuffer(bits.to_bytes((count + 7) // 8, "little"), dtype=np.uint8)
    return np.unpackbits(raw, bitorder="little", count=count).astype(bool)
