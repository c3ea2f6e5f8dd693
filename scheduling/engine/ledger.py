"""The working state of a cycle: who holds what, on the nodes and in the units' accounts.

Every change has its exact inverse, so a search may try something and take it back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from .arithmetic import minus, plus
from .tree import Tree
from .types import NOTHING, Amounts, Node, Pod, PodState, Request, Snapshot, Workload

DEVICE_MILLI = 1000
"""A whole device."""


class Room(NamedTuple):
    """Where a pod is, or would be."""

    node: int
    devices: tuple[int, ...] = ()


class Space:
    """What is free on one node. Can be below zero where more was bound than there is."""

    __slots__ = ("amounts", "devices", "pod_slots")

    def __init__(self, node: Node) -> None:
        self.amounts = node.capacity
        self.devices = [DEVICE_MILLI] * node.devices
        self.pod_slots = node.pod_slots

    def take(self, request: Request, devices: Iterable[int]) -> None:
        self.amounts = minus(self.amounts, request.amounts)
        self.pod_slots -= 1
        for device in devices:
            self.devices[device] -= request.device_milli

    def give_back(self, request: Request, devices: Iterable[int]) -> None:
        self.amounts = plus(self.amounts, request.amounts)
        self.pod_slots += 1
        for device in devices:
            self.devices[device] += request.device_milli


class NodeState:
    """A node with its two views of what is free."""

    __slots__ = ("later", "node", "now")

    def __init__(self, node: Node) -> None:
        self.node = node
        self.now = Space(node)
        """Without what is bound and what is still stopping."""
        self.later = Space(node)
        """Without what is bound and what is reserved: once everything that is stopping has gone."""


@dataclass(slots=True)
class Account:
    """What a unit and its descendants hold."""

    allocated: Amounts = NOTHING
    """Of bound pods."""
    non_preemptible: Amounts = NOTHING
    """The part of `allocated` that may not be stopped for others."""
    reserved: Amounts = NOTHING
    """Room that is being freed for pods of the unit."""
    reserved_non_preemptible: Amounts = NOTHING
    requested: Amounts = NOTHING
    """Of bound and pending pods; stays as it was at the start of the cycle."""

    @property
    def held(self) -> Amounts:
        """What counts against the unit when it asks for more."""
        return plus(self.allocated, self.reserved)

    @property
    def held_non_preemptible(self) -> Amounts:
        return plus(self.non_preemptible, self.reserved_non_preemptible)


class Ledger:
    """Rooms of pods, free space of nodes and accounts of units."""

    def __init__(self, snapshot: Snapshot, tree: Tree) -> None:
        self.nodes = {
            node.id: NodeState(node) for node in sorted(snapshot.nodes, key=lambda node: (node.name, node.id))
        }
        self.accounts = {unit: Account() for unit in tree.units}
        self.bound: dict[int, Room] = {}
        self.reserved: dict[int, Room] = {}
        self.stopping: dict[int, Room] = {}
        self._paths = {
            workload.id: [self.accounts[unit.id] for unit in tree.path(workload.unit)]
            for workload in snapshot.workloads
        }
        self._owners: dict[int, tuple[Workload, Request]] = {}
        self._load(snapshot)

    def request(self, pod: int) -> Request:
        return self._owners[pod][1]

    def bind(self, pod: int, room: Room) -> None:
        """The pod takes the room at once."""
        self.bound[pod] = room
        self._take(pod, room, now=True, later=True)
        self._allocate(pod, 1)

    def unbind(self, pod: int) -> None:
        """Inverse of `bind`."""
        room = self.bound.pop(pod)
        self._give_back(pod, room, now=True, later=True)
        self._allocate(pod, -1)

    def reserve(self, pod: int, room: Room) -> None:
        """Keep the room for the pod; it may still be occupied."""
        self.reserved[pod] = room
        self._take(pod, room, now=False, later=True)
        self._promise(pod, 1)

    def release(self, pod: int) -> Room:
        """Inverse of `reserve`."""
        room = self.reserved.pop(pod)
        self._give_back(pod, room, now=False, later=True)
        self._promise(pod, -1)
        return room

    def evict(self, pod: int) -> None:
        """The pod is being stopped: its unit is rid of it, its node not yet."""
        room = self.stopping[pod] = self.bound.pop(pod)
        self._give_back(pod, room, now=False, later=True)
        self._allocate(pod, -1)

    def restore(self, pod: int) -> None:
        """Inverse of `evict`."""
        room = self.bound[pod] = self.stopping.pop(pod)
        self._take(pod, room, now=False, later=True)
        self._allocate(pod, 1)

    def _load(self, snapshot: Snapshot) -> None:
        unassigned: list[Pod] = []
        for workload in snapshot.workloads:
            for group in workload.sub_groups:
                for pod in group.pods:
                    self._owners[pod.id] = (workload, group.request)
                    if pod.state is not PodState.RELEASING:
                        for account in self._paths[workload.id]:
                            account.requested = plus(account.requested, group.request.amounts)
                    if pod.state is not PodState.PENDING and group.request.devices and not pod.devices:
                        unassigned.append(pod)
                    elif pod.state is not PodState.PENDING:
                        self._enter(pod, pod.devices)
                    elif pod.reserved_node in self.nodes:
                        self.reserve(
                            pod.id, Room(pod.reserved_node, self._known(pod.reserved_node, pod.reserved_devices))
                        )
        for pod in sorted(unassigned, key=lambda pod: pod.id):
            self._enter(pod, self._freest_devices(pod))

    def _enter(self, pod: Pod, devices: tuple[int, ...]) -> None:
        """A pod that is on a node. A node that is not, or no longer, of the pool has no room to account for."""
        room = Room(-1 if pod.node is None else pod.node, self._known(pod.node, devices))
        if pod.state is PodState.BOUND:
            self.bind(pod.id, room)
        else:
            self.stopping[pod.id] = room
            self._take(pod.id, room, now=True, later=False)

    def _known(self, node: int | None, devices: tuple[int, ...]) -> tuple[int, ...]:
        """Without devices that the node no longer reports."""
        return tuple(device for device in devices if node in self.nodes and 0 <= device < self.nodes[node].node.devices)

    def _freest_devices(self, pod: Pod) -> tuple[int, ...]:
        """For a pod of which only the node is known: the lowest devices with room, else those least taken."""
        if pod.node not in self.nodes:
            return ()
        request, free = self.request(pod.id), self.nodes[pod.node].now.devices
        order = sorted(range(len(free)), key=lambda device: (max(0, request.device_milli - free[device]), device))
        return tuple(sorted(order[: request.devices]))

    def _take(self, pod: int, room: Room, *, now: bool, later: bool) -> None:
        state = self.nodes.get(room.node)
        if state and now:
            state.now.take(self.request(pod), room.devices)
        if state and later:
            state.later.take(self.request(pod), room.devices)

    def _give_back(self, pod: int, room: Room, *, now: bool, later: bool) -> None:
        state = self.nodes.get(room.node)
        if state and now:
            state.now.give_back(self.request(pod), room.devices)
        if state and later:
            state.later.give_back(self.request(pod), room.devices)

    def _allocate(self, pod: int, sign: int) -> None:
        workload, request = self._owners[pod]
        change = plus if sign > 0 else minus
        for account in self._paths[workload.id]:
            account.allocated = change(account.allocated, request.amounts)
            if not workload.preemptible:
                account.non_preemptible = change(account.non_preemptible, request.amounts)

    def _promise(self, pod: int, sign: int) -> None:
        workload, request = self._owners[pod]
        change = plus if sign > 0 else minus
        for account in self._paths[workload.id]:
            account.reserved = change(account.reserved, request.amounts)
            if not workload.preemptible:
                account.reserved_non_preemptible = change(account.reserved_non_preemptible, request.amounts)
