"""Placement that keeps what stays free on the nodes usable by the rest of the pool's demand.

A pod goes where it costs least of what the pool could still serve. The cost of a placement is the increase of a
potential of its node, the sum of two parts:

- minus the usable free GPU: for every request class of the demand the free GPU that one pod of it could use here,
  weighted by how common the class is (the fragmentation measure of Weng et al., "Beware of Fragmentation", USENIX ATC
  2023, with the sign turned) and by how few of the pool's GPUs it may use, which keeps rare GPU models free;
- twice the stranded GPU: the free GPU beyond what the node's free CPU and memory can accompany at the mean demand. The
  measure of the paper looks one pod ahead and sees lost GPUs only when the CPU is gone; this one sees them coming.

Costs are compared in steps of 20/1000 of a GPU, so that of nearly equal nodes the first is taken and the others stay
whole. Work without GPU goes to nodes without GPUs first. All numbers are integers; equal costs go to the node that
comes first, on a node to the lowest device number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

DEVICE_MILLI = 1000
"""A whole device."""
UNIT = 1 << 20
"""One in the fixed-point numbers: class weights add up to it, potentials are milli-GPU times it."""
STEP = 20 * UNIT
STRANDED_WEIGHT = 2
ACCOMPANY_TENTHS = 9
"""Free GPU with so many tenths of the CPU and memory of the mean demand is not yet stranded: without the margin, nodes
that have just enough for large pods are broken up early."""
NEVER = np.iinfo(np.int64).max
GPU_NODE = 1 << 60
"""Added to the cost of work without GPU on nodes with GPUs; above every cost, below NEVER."""
MIB_SHIFT = 20
ONE_DEVICE = 0
"""Key of the classes that want one device; those that want several are kept by how much they want of each."""


@dataclass(frozen=True, slots=True)
class RequestClass:
    """Pods that ask for the same and may use the same nodes."""

    devices: int
    """How many distinct GPUs of one node; 0 = work without GPU."""
    device_milli: int
    """Of each of them."""
    cpu_millicores: int
    memory_bytes: int
    weight: int
    """How many such pods the demand has. With 0 the class can be placed, but nothing is kept usable for it."""


@dataclass(frozen=True, slots=True)
class FreeRoom:
    """What is free on every node. The arrays are the caller's; nothing is copied. May be below zero."""

    device_milli: Ints
    """Nodes x the largest number of devices of a node; 0 where a node has no such device."""
    cpu_millicores: Ints
    memory_bytes: Ints
    pods: Ints
    """How many more pods a node takes whatever they ask for."""


class _Costs:
    """Of one class on every node, with the state of the nodes for which they were computed."""

    __slots__ = ("cost", "device", "version")

    def __init__(self, nodes: int) -> None:
        self.cost = np.full(nodes, NEVER, np.int64)
        self.device = np.zeros(nodes, np.int64)
        self.version = np.full(nodes, -1, np.int64)


class _Usable:
    """Weight of the classes that a node could serve, by its free CPU, its free MiB and a column for its devices.

    A class needs enough of each. The smaller of the weights by CPU and by memory stands for both: exact where large
    requests are large in both, and a table over pairs would be too large.
    """

    def __init__(self, weights: Ints, needs: tuple[Ints, Ints], column: Ints, columns: int) -> None:
        """`weights`: node groups x classes. The rest per class: needed CPU and MiB, the first column that serves it."""
        self._columns = columns
        self._levels = [np.unique(need) for need in needs]
        self._tables = []
        for need, levels in zip(needs, self._levels, strict=True):
            table = np.zeros((len(levels) + 1, columns, len(weights)), np.int64)
            np.add.at(table, (levels.searchsorted(need, side="right"), column), weights.T)
            self._tables.append(table.cumsum(axis=0).cumsum(axis=1).transpose(2, 0, 1).ravel())

    def weights(self, group: Ints, free: tuple[Ints, Ints], column: Ints) -> Ints:
        """`free`: CPU and MiB. `column` may have a second axis (devices); the others have an entry per row of it."""
        found: list[Ints] = []
        for amount, levels, table in zip(free, self._levels, self._tables, strict=True):
            start = (group * (len(levels) + 1) + levels.searchsorted(amount, side="right")) * self._columns
            found.append(table.take((start[:, None] if column.ndim > 1 else start) + column))
        return np.minimum(found[0], found[1], dtype=np.int64)


class Packing:
    """Chooses nodes and devices; remembers costs and recomputes only those of nodes that changed.

    Built once for a set of nodes and a demand. Whoever changes `free` says so with `changed`; `take` and `give_back`
    change it themselves.
    """

    def __init__(
        self, device_counts: Sequence[int], free: FreeRoom, classes: Sequence[RequestClass], eligible: Sequence[Bools]
    ) -> None:
        """`eligible`: per class which nodes it may use at all (GPU model, readiness, placement rules).

        ValueError where lengths do not agree.
        """
        nodes = len(device_counts)
        if len(eligible) != len(classes) or any(len(allowed) != nodes for allowed in eligible):
            raise ValueError("eligible: one array per class, one entry per node")
        arrays = (free.device_milli, free.cpu_millicores, free.memory_bytes, free.pods)
        if free.device_milli.ndim != 2 or any(len(array) != nodes for array in arrays):
            raise ValueError("free: one row per node")
        self.classes = tuple(classes)
        self._free = free
        self._eligible = [np.asarray(allowed, np.bool_) for allowed in eligible]
        self._devices_of_node = np.array(device_counts, np.int64)
        self._earlier = np.tri(free.device_milli.shape[1], k=-1, dtype=np.bool_)
        self._costs: dict[int, _Costs] = {}
        self._version = np.zeros(nodes, np.int64)
        self._potential = np.zeros(nodes, np.int64)
        self._outdated = set(range(nodes))
        self._learn()

    def choose(self, cls: int) -> tuple[int, tuple[int, ...]] | None:
        """Node and devices for one pod of the class (its index), or None where it fits nowhere. Takes nothing."""
        request = self.classes[cls]
        if self._outdated:
            nodes = np.array(sorted(self._outdated), np.int64)
            self._outdated.clear()
            amounts = self._free.cpu_millicores[nodes], self._free.memory_bytes[nodes] >> MIB_SHIFT
            self._potential[nodes] = self._potentials(nodes, self._devices(nodes), amounts)
        costs = self._costs.get(cls)
        if costs is None:
            costs = self._costs[cls] = _Costs(len(self._version))
        stale = (costs.version != self._version).nonzero()[0]
        if len(stale):
            costs.version[stale] = self._version[stale]
            self._compute(cls, costs, stale)
        node = int(costs.cost.argmin())
        if costs.cost[node] == NEVER:
            return None
        if request.devices == 1:
            return node, (int(costs.device[node]),)
        free = self._free.device_milli[node].tolist()
        enough = [device for device, milli in enumerate(free) if milli >= request.device_milli]
        return node, tuple(sorted(sorted(enough, key=lambda device: (free[device], device))[: request.devices]))

    def changed(self, node: int) -> None:
        """What is free on the node is another than before."""
        self._version[node] += 1
        self._outdated.add(node)

    def take(self, node: int, devices: Sequence[int], cls: int) -> None:
        """A pod of the class takes the devices and its CPU and memory. Whether they are free is not checked."""
        self._move(node, devices, cls, -1)

    def give_back(self, node: int, devices: Sequence[int], cls: int) -> None:
        """Inverse of `take`."""
        self._move(node, devices, cls, 1)

    def _move(self, node: int, devices: Sequence[int], cls: int, sign: int) -> None:
        request, free = self.classes[cls], self._free
        for device in devices:
            free.device_milli[node, device] += sign * request.device_milli
        free.cpu_millicores[node] += sign * request.cpu_millicores
        free.memory_bytes[node] += sign * request.memory_bytes
        free.pods[node] += sign
        self.changed(node)

    def _learn(self) -> None:
        """Tables of the demand, so that a potential costs a few look-ups whatever the number of classes."""
        wanted = [n for n, c in enumerate(self.classes) if c.devices and c.weight > 0]
        rows = [
            (c.weight, c.devices, c.device_milli, c.cpu_millicores, _mib_needed(c))
            for c in (self.classes[n] for n in wanted)
        ]
        weight, devices, milli, cpu, mib = np.array(rows, np.int64).reshape(-1, 5).T
        gpu_milli = int((weight * devices * milli).sum())
        self._rates = [
            UNIT * gpu_milli * 10 // (need * ACCOMPANY_TENTHS) if need else None
            for need in (int((weight * cpu).sum()), int((weight * mib).sum()))
        ]
        """Per free millicore and per free MiB: the GPU that it accompanies, in milli x UNIT; None = any."""
        nodes = len(self._devices_of_node)
        allowed = np.array([self._eligible[n] for n in wanted], np.bool_).reshape(len(wanted), nodes)
        groups, group = np.unique(allowed.T, axis=0, return_inverse=True)
        self._group = group.reshape(nodes).astype(np.int64)
        # A class with few GPUs to choose from needs each of them more than one that may use all.
        reachable = np.maximum(allowed @ self._devices_of_node, 1)
        weight = weight * UNIT * self._devices_of_node.sum() // (weight.sum() * reachable)
        sizes = np.unique(milli[devices == 1])
        self._column = sizes.searchsorted(np.arange(DEVICE_MILLI + 1), side="right")
        keys = np.where(devices == 1, ONE_DEVICE, milli)
        most = max(self._free.device_milli.shape[1], int(devices.max(initial=0)))
        self._usable = {}
        for key in np.unique(keys).tolist():
            of = keys == key
            column, columns = (self._column[milli[of]], len(sizes)) if key == ONE_DEVICE else (devices[of], most)
            self._usable[key] = _Usable(groups[:, of] * weight[of], (cpu[of], mib[of]), column, columns + 1)

    def _devices(self, nodes: Ints) -> Ints:
        return np.minimum(np.maximum(self._free.device_milli[nodes], 0), DEVICE_MILLI)

    def _potentials(self, nodes: Ints, devices: Ints, amounts: tuple[Ints, Ints]) -> Ints:
        """Of nodes on which so much device milli, CPU and MiB is free; rows may repeat a node."""
        group = self._group[nodes]
        usable = np.zeros(len(nodes), np.int64)
        for milli, classes in self._usable.items():
            if milli == ONE_DEVICE:
                usable += (devices * classes.weights(group, amounts, self._column.take(devices))).sum(axis=1)
            else:
                enough = devices >= milli
                usable += (devices * enough).sum(axis=1) * classes.weights(group, amounts, enough.sum(axis=1))
        free_gpu = devices.sum(axis=1) * UNIT
        stranded = np.zeros_like(usable)
        for amount, rate in zip(amounts, self._rates, strict=True):
            if rate is not None:
                np.maximum(stranded, free_gpu - np.maximum(amount, 0) * rate, out=stranded)
        return STRANDED_WEIGHT * stranded - usable

    def _cost(self, increase: Ints) -> Ints:
        return increase // STEP

    def _compute(self, cls: int, costs: _Costs, nodes: Ints) -> None:
        request, free = self.classes[cls], self._free
        costs.cost[nodes] = NEVER
        fits = (
            self._eligible[cls][nodes]
            & (free.cpu_millicores[nodes] >= request.cpu_millicores)
            & (free.memory_bytes[nodes] >= request.memory_bytes)
            & (free.pods[nodes] > 0)
        )
        nodes = nodes[fits]
        row, device, after = self._options(request, self._devices(nodes))
        if not len(row):
            return
        nodes = nodes[row]
        cpu_millicores = free.cpu_millicores[nodes] - request.cpu_millicores
        mib = (free.memory_bytes[nodes] - request.memory_bytes) >> MIB_SHIFT
        cost = self._cost(self._potentials(nodes, after, (cpu_millicores, mib)) - self._potential[nodes])
        if request.devices == 0:
            cost[self._devices_of_node[nodes] > 0] += GPU_NODE
        if request.devices != 1:
            costs.cost[nodes] = cost
            return
        # Options of a node stand together; the device in the low digits gives equal costs to the lowest number.
        first = np.concatenate(([0], (row[1:] != row[:-1]).nonzero()[0] + 1))
        width = after.shape[1]
        best = np.minimum.reduceat(cost * width + device, first)
        nodes = nodes[first]
        costs.cost[nodes], costs.device[nodes] = np.divmod(best, width)

    def _options(self, request: RequestClass, devices: Ints) -> tuple[Ints, Ints, Ints]:
        """Ways to place one pod: the row of its node, the device where it is one, and what is then free."""
        if request.devices == 0:
            row = np.arange(len(devices))
            return row, row, devices
        enough = devices >= request.device_milli
        if request.devices == 1:
            repeats = ((devices[:, :, None] == devices[:, None, :]) & self._earlier).any(axis=2)
            row, device = (enough & ~repeats).nonzero()
            after = devices[row]
            after[np.arange(len(row)), device] -= request.device_milli
            return row, device, after
        row = (enough.sum(axis=1) >= request.devices).nonzero()[0]
        after = devices[row]
        tightest = np.where(enough[row], after, NEVER).argsort(axis=1, kind="stable")[:, : request.devices]
        after[np.arange(len(row))[:, None], tightest] -= request.device_milli
        return row, row, after


def _mib_needed(request: RequestClass) -> int:
    """Rounded up, as free memory is rounded down."""
    return -(-request.memory_bytes >> MIB_SHIFT)
