"""The working state of a pool: built from a snapshot, and edited when the pool changes.

An edited state is the same as one built anew from the edited snapshot, so a loop may keep it from cycle to cycle and
tell it only of the workloads that changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from .classes import RequestClass, eligible_nodes
from .domains import Domains
from .ledger import Ledger
from .neighbours import Neighbours
from .nodes import Nodes
from .options import Options
from .placement import Index, Placer, Scan
from .shares import divide_pool
from .types import Placement, Pod, PodState, Request, Snapshot, Toleration, Workload
from .working import PENDING, RELEASING, Group, Job, Task, accounts_of


class State:
    """Units, nodes and workloads of a pool as mutable objects, with every task where the snapshot says it is."""

    def __init__(self, snapshot: Snapshot, options: Options) -> None:
        self.snapshot = snapshot
        self.options = options
        self.nodes = Nodes(snapshot.nodes)
        self.ledger = Ledger(self.nodes)
        placer = Scan if options.obvious else Index
        self.placer: Placer = placer(
            self.nodes, _binpack_or_spread(snapshot.gpu_placement), _binpack_or_spread(snapshot.cpu_placement)
        )
        self.domains = Domains(self.nodes, snapshot.topologies)
        self.accounts = accounts_of(snapshot.units)
        self._account_of = {account.unit.id: account for account in self.accounts}
        self.tops = [account for account in self.accounts if account.parent is None]
        self.classes: dict[Request, RequestClass] = {}
        self._alike = self._nodes_alike()
        self.ledger.neighbours = self._neighbours(snapshot.workloads)
        self._jobs: dict[int, Job] = {}
        self._next_index = 0
        self._without_devices: dict[int, set[Task]] = {}
        """Tasks of which only the node is known, by index of node: they get devices when all others have theirs."""
        self.largest = (
            self.nodes.most_devices,
            max(node.capacity.cpu_millicores for node in self.nodes.all),
            max(node.capacity.memory_bytes for node in self.nodes.all),
        )
        """The most devices, millicores and bytes of one node."""
        ready = [node.capacity for node in self.nodes.all if node.ready]
        self.capacity = (sum(own[0] for own in ready), sum(own[1] for own in ready), sum(own[2] for own in ready))
        """Of ready nodes together."""
        self._load(snapshot.workloads, ())

    @property
    def jobs(self) -> Iterable[Job]:
        """In the order of the snapshot."""
        return self._jobs.values()

    def kind(self, request: Request) -> RequestClass:
        found = self.classes.get(request)
        if found is None:
            found = RequestClass(request, len(self.classes), self.nodes.all, self.nodes.memories)
            found.eligible = eligible_nodes(request, self.nodes.all, self._alike)
            self.classes[request] = found
        return found

    def allowed(self, kind: RequestClass) -> int:
        """The nodes that all rules allow now, as a bit set."""
        neighbours = self.ledger.neighbours
        return kind.eligible if neighbours is None else kind.eligible & neighbours.mask(kind)

    def matching(self, request: Request) -> int:
        """Ready nodes that the node selector and affinity allow, taints apart."""
        anything = (Toleration(),)
        return eligible_nodes(replace(request, tolerations=anything), self.nodes.all, self._alike)

    def _load(self, workloads: Iterable[Workload], gone: Iterable[int]) -> list[Job]:
        """Put workloads in, those that are there already anew, and take others out. Returns the jobs put in."""
        again = set() if self._jobs else set(self.nodes.shared_with_others)
        fresh: list[Job] = []
        for pk in gone:
            if pk in self._jobs:
                self._take_out(self._jobs.pop(pk), again)
        for workload in workloads:
            old = self._jobs.get(workload.id)
            if old is not None:
                self._take_out(old, again)
            job = self._job(workload, self._next_index if old is None else old.index)
            self._next_index += old is None
            self._jobs[workload.id] = job
            fresh.append(job)
        for node in again:
            for task in sorted(self._without_devices.get(node, ()), key=_by_pod):
                self._lift(task)
        for job in fresh:
            for task in job.tasks:
                self._enter(task, task.pod, again)
        for node in sorted(again):
            self._seat(node)
        for job in fresh:
            for task in job.tasks:
                self._keep_reserved(task, task.pod)
        divide_pool(self.accounts, self.capacity, self.snapshot.usage_weight_milli)
        self.ledger.changes.clear()
        return fresh

    def _nodes_alike(self) -> list[list[int]]:
        """Indexes of nodes with the same labels and taints."""
        alike: dict[object, list[int]] = {}
        for index, node in enumerate(self.nodes.all):
            alike.setdefault((node.labels, node.taints), []).append(index)
        return list(alike.values())

    def _neighbours(self, workloads: Sequence[Workload]) -> Neighbours | None:
        requests = {group.request for workload in workloads for group in workload.sub_groups}
        requests |= {
            pod.request
            for workload in workloads
            for group in workload.sub_groups
            for pod in group.pods
            if pod.request is not None
        }
        rules = any(request.together or request.apart for request in requests)
        return Neighbours(self.nodes, [self.kind(request) for request in requests]) if rules else None

    def _job(self, workload: Workload, index: int) -> Job:
        groups = _groups(workload)
        leaves = tuple([group for group in groups if group.sub_group is not None])
        job = Job(workload, index, self._account_of[workload.unit], groups[0], leaves)
        for leaf, sub_group in zip(leaves, workload.sub_groups, strict=True):
            kind, first = self.kind(sub_group.request), len(job.tasks)
            leaf.tasks = tuple(
                [
                    Task(pod, job, leaf, kind if pod.request is None else self.kind(pod.request), first + number)
                    for number, pod in enumerate(sub_group.pods)
                ]
            )
            job.tasks = leaf.tasks if len(leaves) == 1 else (*job.tasks, *leaf.tasks)
        job.has_near = True in [group.near is not None for group in groups]
        return job

    def _enter(self, task: Task, pod: Pod, again: set[int]) -> None:
        """Account for a task as it is; the node of one without devices is remembered in `again`."""
        self._request(task, 1)
        if pod.state is PodState.PENDING:
            return
        node = self.nodes.elsewhere if pod.node is None else self.nodes.index.get(pod.node, self.nodes.elsewhere)
        if task.kind.devices and not pod.devices and node != self.nodes.elsewhere:
            self._without_devices.setdefault(node, set()).add(task)
            again.add(node)
        else:
            self._settle(task, node, self._known(node, pod.devices))
            if node in self.nodes.shared_with_others:
                again.add(node)

    def _request(self, task: Task, sign: int) -> None:
        if task.pod.state not in (PodState.RELEASING, PodState.STUCK):
            gpu, cpu, memory = task.kind.requested
            for account in task.job.path:
                requested = account.requested
                requested[0] += sign * gpu
                requested[1] += sign * cpu
                requested[2] += sign * memory

    def _settle(self, task: Task, node: int, devices: tuple[int, ...]) -> None:
        self.ledger.bind(task, node, devices)
        if task.pod.state is PodState.RELEASING:
            self.ledger.evict(task)
        elif task.pod.state is PodState.STUCK:
            self.ledger.give_up(task)

    def _known(self, node: int, devices: tuple[int, ...]) -> tuple[int, ...]:
        """Without devices that the node no longer reports."""
        count = self.nodes.all[node].devices
        return tuple([device for device in devices if 0 <= device < count])

    def _seat(self, node: int) -> None:
        """Tasks of which only the node is known get the lowest devices with room, else those least taken; what others
        take of the node's GPUs without being known by device, comes last."""
        self.nodes.regain(node)
        for task in sorted(self._without_devices.get(node, ()), key=_by_pod):
            unit, free = self.nodes.unit[node], self.nodes.now.devices[node]
            need = task.kind.shares[self.nodes.kind[node]] if task.kind.is_share else unit
            order = sorted(range(len(free)), key=lambda device: (max(0, need - free[device]), device))
            self._settle(task, node, tuple(sorted(order[: task.kind.devices])))
        self.nodes.lose(node)

    def _keep_reserved(self, task: Task, pod: Pod) -> None:
        """The room that an earlier cycle kept; where only the node is known, on its best devices."""
        node = self.nodes.index.get(pod.reserved_node) if pod.reserved_node is not None else None
        if node is None or not self.nodes.all[node].ready:
            return
        devices = self._known(node, pod.reserved_devices)
        self.placer.later_only = True
        if task.kind.devices and not devices and (room := self.placer.devices(task.kind, node)):
            devices = room.devices
        self.ledger.reserve(task, node, devices)

    def _take_out(self, job: Job, again: set[int]) -> None:
        for task in job.tasks:
            self._request(task, -1)
            if task.kept >= 0:
                self.ledger.release(task)
            if task.node >= 0 and task in self._without_devices.get(task.node, ()):
                self._without_devices[task.node].discard(task)
                again.add(task.node)
            if task.node in self.nodes.shared_with_others:
                again.add(task.node)
            self._lift(task)

    def _lift(self, task: Task) -> None:
        """Off its node."""
        if task.node < 0:
            return
        if task.pod.state is PodState.STUCK:
            self.ledger.take_back(task)
        elif task.state == RELEASING:
            self.ledger.restore(task)
        if task.state != PENDING:
            self.ledger.unbind(task)


def _groups(workload: Workload) -> list[Group]:
    """The root first, then sets, then sub-groups. A plain workload is its only sub-group."""
    leaves = [Group(item.name, item.min_members, item.near, item) for item in workload.sub_groups]
    if len(leaves) == 1 and not workload.sets and workload.near is None and workload.min_children is None:
        return leaves
    root = Group("", -1 if workload.min_children is None else workload.min_children, workload.near)
    sets: dict[int | None, Group] = {None: root}
    for item in workload.sets:
        group = Group(item.name, -1 if item.min_children is None else item.min_children, item.near)
        sets[item.id] = _below(group, sets[item.parent])
    for leaf, sub_group in zip(leaves, workload.sub_groups, strict=True):
        _below(leaf, sets[sub_group.parent])
    return [*sets.values(), *leaves]


def _below(group: Group, parent: Group) -> Group:
    group.parent = parent
    parent.children = (*parent.children, group)
    return group


def _binpack_or_spread(placement: Placement) -> Placement:
    return Placement.SPREAD if placement is Placement.SPREAD else Placement.BINPACK


def _by_pod(task: Task) -> int:
    return task.pod.id
