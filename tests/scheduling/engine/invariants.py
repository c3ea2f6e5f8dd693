"""What must hold of any cycle, computed from the snapshot and the decisions alone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from scheduling.engine.decisions import Decisions, Evict, EvictCode, WaitCode
from scheduling.engine.types import Amounts, Node, PodState, Request, Snapshot, Unit, Workload

RESOURCES = Amounts._fields
Rooms = dict[int, tuple[int, tuple[int, ...]]]


@dataclass
class World:
    """A snapshot after its decisions, as plain look-ups."""

    snapshot: Snapshot
    decisions: Decisions
    owner: dict[int, Workload] = field(default_factory=dict)
    request: dict[int, Request] = field(default_factory=dict)
    bound: Rooms = field(default_factory=dict)
    stopping: Rooms = field(default_factory=dict)
    reserved: Rooms = field(default_factory=dict)
    pending: set[int] = field(default_factory=set)
    paths: dict[int, list[Unit]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        units = {unit.id: unit for unit in self.snapshot.units}
        ready = {node.id for node in self.snapshot.nodes if node.ready}
        for unit in self.snapshot.units:
            self.paths[unit.id] = [unit, *(self.paths[unit.parent] if unit.parent in units else [])]
        for workload in self.snapshot.workloads:
            for group in workload.sub_groups:
                for pod in group.pods:
                    self.owner[pod.id], self.request[pod.id] = workload, group.request
                    if pod.state is PodState.BOUND:
                        self.bound[pod.id] = (pod.node, pod.devices)
                    elif pod.state is PodState.RELEASING:
                        self.stopping[pod.id] = (pod.node, pod.devices)
                        if pod.reserved_node is not None:
                            self.reserved[pod.id] = (pod.reserved_node, pod.reserved_devices)
                    else:
                        self.pending.add(pod.id)
                        if pod.reserved_node in ready:
                            self.reserved[pod.id] = (pod.reserved_node, pod.reserved_devices)
        self.before = dict(self.bound)
        for evict in self.decisions.evicts:
            self.stopping[evict.pod] = self.bound.pop(evict.pod)
        for pod in self.decisions.withdrawn:
            self.reserved.pop(pod, None)
        for reserve in self.decisions.reserves:
            self.reserved[reserve.pod] = (reserve.node, reserve.devices)
        for place in self.decisions.places:
            self.pending.remove(place.pod)
            self.reserved.pop(place.pod, None)
            self.bound[place.pod] = (place.node, place.devices)

    def held(self, unit: int, rooms: Rooms, *, non_preemptible: bool = False) -> list[int]:
        sums = [0, 0, 0]
        for pod in rooms:
            workload = self.owner[pod]
            counts = unit in [above.id for above in self.paths[workload.unit]]
            if counts and not (non_preemptible and workload.preemptible):
                sums = [left + right for left, right in zip(sums, self.request[pod].amounts, strict=True)]
        return sums


def check(snapshot: Snapshot, decisions: Decisions) -> None:
    world = World(snapshot, decisions)
    _capacity(world)
    _bounds(world)
    _gangs(world)
    _victims(world)
    _budgets(world)
    _entitlements(world)
    _shares(world)
    _waits(world)


def _capacity(world: World) -> None:
    ready = {node.id for node in world.snapshot.nodes if node.ready}
    assert all(decision.node in ready for decision in (*world.decisions.places, *world.decisions.reserves))
    for rooms in ({**world.bound, **world.stopping}, {**world.bound, **world.reserved}):
        for node in world.snapshot.nodes:
            here = [pod for pod, room in rooms.items() if room[0] == node.id]
            used = [sum(world.request[pod].amounts[index] for pod in here) for index in range(3)]
            assert all(amount <= capacity for amount, capacity in zip(used, node.capacity, strict=True)), (
                node,
                used,
                here,
                world.decisions.places,
                world.decisions.reserves,
                world.decisions.evicts,
                world.decisions.withdrawn,
                [
                    (w.id, w.unit, w.preemptible, [(g.request, g.min_members, g.pods) for g in w.sub_groups])
                    for w in world.snapshot.workloads
                ],
            )
            assert len(here) <= node.pod_slots
            devices: dict[int, int] = defaultdict(int)
            for pod in here:
                chosen = rooms[pod][1]
                assert len(set(chosen)) == len(chosen) == world.request[pod].devices
                assert all(0 <= device < node.devices for device in chosen)
                for device in chosen:
                    devices[device] += world.request[pod].device_milli
            assert all(amount <= 1000 for amount in devices.values())


def _bounds(world: World) -> None:
    """Whoever got something is inside every bound of what it got."""
    for place in world.decisions.places:
        workload, asked = world.owner[place.pod], world.request[place.pod].amounts
        for unit in world.paths[workload.unit]:
            assert not unit.blocked
            held = world.held(unit.id, world.bound)
            fixed = world.held(unit.id, world.bound, non_preemptible=True)
            for index in range(3):
                limit, quota = unit.limit[index], unit.quota[index]
                if not asked[index]:
                    continue
                assert limit is None or held[index] <= limit
                assert unit.over_quota or quota is None or held[index] <= quota
                assert workload.preemptible or quota is None or fixed[index] <= quota


def _gangs(world: World) -> None:
    def complete(workload: Workload, *rooms: Rooms) -> bool:
        return all(
            sum(any(pod.id in some for some in rooms) for pod in group.pods) >= group.min_members
            for group in workload.sub_groups
        )

    for place in world.decisions.places:
        assert complete(world.owner[place.pod], world.bound), (
            place,
            world.owner[place.pod],
            world.decisions.places,
            world.decisions.reserves,
            world.decisions.evicts,
            world.decisions.withdrawn,
        )
    for reserve in world.decisions.reserves:
        assert complete(world.owner[reserve.pod], world.bound, world.reserved)
        assert reserve.pod in world.pending or reserve.pod in world.stopping
    for evict in world.decisions.evicts:
        workload = world.owner[evict.pod]
        gone = not any(pod.id in world.bound for group in workload.sub_groups for pod in group.pods)
        assert gone or complete(workload, world.bound, world.reserved), (
            evict,
            workload,
            world.decisions.places,
            world.decisions.reserves,
            world.decisions.evicts,
            world.decisions.withdrawn,
        )


def _victims(world: World) -> None:
    helped = {decision.workload for decision in (*world.decisions.places, *world.decisions.reserves)}
    by_id = {workload.id: workload for workload in world.snapshot.workloads}
    lost = set(world.decisions.withdrawn)
    moved = {decision.pod for decision in world.decisions.reserves}
    for evict in world.decisions.evicts:
        victim, other = world.owner[evict.pod], by_id[evict.for_workload]
        assert evict.pod in world.before
        if evict.code is EvictCode.STALE:
            assert victim is other
            continue
        assert other.id in helped or any(pod.id in lost for group in other.sub_groups for pod in group.pods)
        assert victim.preemptible
        assert victim.started_ms is not None
        assert (evict.code is EvictCode.CONSOLIDATE) == (evict.pod in moved)
        is_young = world.snapshot.now_ms - victim.started_ms < world.snapshot.min_runtime_ms
        if is_young and evict.code is not EvictCode.CONSOLIDATE:
            assert all(
                sum(pod.id in world.bound for pod in group.pods) >= group.min_members for group in victim.sub_groups
            )
        if evict.code is EvictCode.PREEMPT:
            assert victim.unit == other.unit
            assert victim.priority < other.priority
        elif evict.code is EvictCode.RECLAIM:
            assert victim.unit != other.unit


def _budgets(world: World) -> None:
    """What a disruption budget does not allow goes only where an eviction says so."""
    gone: dict[int, list[Evict]] = defaultdict(list)
    for evict in world.decisions.evicts:
        if evict.code is not EvictCode.STALE:
            gone[evict.workload].append(evict)
    for workload in world.snapshot.workloads:
        allowed, evicts = workload.disruptions_allowed, gone[workload.id]
        if allowed is not None and len(evicts) > allowed:
            assert any(evict.numbers.get("allowed") == allowed for evict in evicts)
            assert world.snapshot.disruption_budget_delay_ms is not None


def _entitlements(world: World) -> None:
    """Who lost something to reclaim: its side below the common ancestor held more of it than its quota, or than its
    share."""
    fair = {share.unit: share.fair_share for share in world.decisions.shares}
    units = {unit.id: unit for unit in world.snapshot.units}
    by_id = {workload.id: workload for workload in world.snapshot.workloads}
    for evict in world.decisions.evicts:
        if evict.code is not EvictCode.RECLAIM:
            continue
        victim, other = world.owner[evict.pod], by_id[evict.for_workload]
        theirs = {unit.id for unit in world.paths[other.unit]}
        side = [unit for unit in world.paths[victim.unit] if unit.id not in theirs][-1]
        index = RESOURCES.index(str(evict.numbers["resource"]))
        assert evict.numbers["unit"] == side.id
        assert evict.numbers["fair_share"] == fair[side.id][index]
        assert evict.numbers["quota"] == (units[side.id].quota[index] or 0)
        assert int(evict.numbers["allocated"]) > min(int(evict.numbers["quota"]), int(evict.numbers["fair_share"]))


def _shares(world: World) -> None:
    shares = {share.unit: share for share in world.decisions.shares}
    assert sorted(shares) == sorted(unit.id for unit in world.snapshot.units)
    for unit in world.snapshot.units:
        share = shares[unit.id]
        assert list(share.allocated) == world.held(unit.id, world.bound)
        assert list(share.allocated_non_preemptible) == world.held(unit.id, world.bound, non_preemptible=True)
        children = [shares[child.id] for child in world.snapshot.units if child.parent == unit.id]
        if children:
            for name in ("allocated", "allocated_non_preemptible", "requested"):
                sums = [sum(getattr(child, name)[index] for child in children) for index in range(3)]
                assert list(getattr(share, name)) == sums
            assert share.running == sum(child.running for child in children)
            assert share.pending == sum(child.pending for child in children)


def _waits(world: World) -> None:
    """Exactly those that lack their minimum wait, and what is said of them can be counted."""
    waiting = {
        workload.id
        for workload in world.snapshot.workloads
        if any(pod.id in world.pending for group in workload.sub_groups for pod in group.pods)
        and any(sum(pod.id in world.bound for pod in group.pods) < group.min_members for group in workload.sub_groups)
    }
    assert sorted(wait.workload for wait in world.decisions.waits) == sorted(waiting), (
        sorted(wait.workload for wait in world.decisions.waits),
        sorted(waiting),
        world.decisions,
        world.snapshot.workloads,
    )
    by_id = {workload.id: workload for workload in world.snapshot.workloads}
    for wait in world.decisions.waits:
        _true_reason(world, by_id[wait.workload], wait.code, wait.numbers)


def _true_reason(world: World, workload: Workload, code: WaitCode, numbers: dict[str, int | str]) -> None:
    path = {unit.id: unit for unit in world.paths[workload.unit]}
    if code is WaitCode.ROOM_RESERVED:
        own = [world.reserved[pod] for pod in world.reserved if world.owner[pod].id == workload.id]
        nodes = {room[0] for room in own}
        assert numbers["nodes"] == len(nodes)
        assert numbers["pods"] == sum(room[0] in nodes for room in world.stopping.values()), (
            workload,
            nodes,
            numbers,
            world.stopping,
            world.decisions,
        )
    elif code is WaitCode.INCOMPLETE:
        assert numbers["pods"] < numbers["minimum"]
    elif code is WaitCode.BLOCKED:
        assert path[numbers["unit"]].blocked
    elif code in {WaitCode.OVER_LIMIT, WaitCode.OVER_QUOTA_OFF, WaitCode.NON_PREEMPTIBLE_OVER_QUOTA}:
        unit, index = path[numbers["unit"]], RESOURCES.index(str(numbers["resource"]))
        bound = unit.limit[index] if code is WaitCode.OVER_LIMIT else unit.quota[index]
        only = code is WaitCode.NON_PREEMPTIBLE_OVER_QUOTA
        others = {pod: room for pod, room in world.reserved.items() if world.owner[pod].id != workload.id}
        assert numbers["allocated"] == world.held(unit.id, {**world.bound, **others}, non_preemptible=only)[index]
        assert bound in numbers.values()
        assert numbers["allocated"] + numbers["requested"] > bound
    elif code is WaitCode.NO_READY_NODE:
        assert not any(node.ready for node in world.snapshot.nodes)
    elif code is WaitCode.SHORT:
        assert numbers["requested"] == numbers["free"] + numbers["short"]
        assert numbers["short"] > 0
        assert numbers["free"] == _free(world, workload, RESOURCES.index(str(numbers["resource"])))
    elif code is WaitCode.FRAGMENTED:
        assert numbers["slots"] < numbers["pods"]
        assert numbers["largest"] <= numbers["free"]
        if numbers["slots"] == 0 and len(workload.sub_groups) == 1:
            request = workload.sub_groups[0].request
            assert not any(_has_room(world, workload, node, request) for node in world.snapshot.nodes)
    else:
        assert code is WaitCode.NEVER_FITS
        assert numbers["requested"] > numbers["largest"]


def _views(world: World, workload: Workload) -> tuple[Rooms, Rooms]:
    """What takes room now, and what will when everything that is stopping has gone; its own reservations apart."""
    others = {pod: room for pod, room in world.reserved.items() if world.owner[pod].id != workload.id}
    return {**world.bound, **world.stopping}, {**world.bound, **others}


def _free(world: World, workload: Workload, index: int) -> int:
    """Neither occupied nor reserved; of GPUs device by device."""
    if index == 0:
        return sum(
            max(0, min(1000 - _taken(world, node, device, rooms) for rooms in _views(world, workload)))
            for node in world.snapshot.nodes
            if node.ready
            for device in range(node.devices)
        )
    return sum(
        max(0, min(_left(world, node, rooms, index) for rooms in _views(world, workload)))
        for node in world.snapshot.nodes
        if node.ready
    )


def _taken(world: World, node: Node, device: int, rooms: Rooms) -> int:
    here = [pod for pod, room in rooms.items() if room[0] == node.id and device in room[1]]
    return sum(world.request[pod].device_milli for pod in here)


def _left(world: World, node: Node, rooms: Rooms, index: int) -> int:
    here = [pod for pod, room in rooms.items() if room[0] == node.id]
    return node.capacity[index] - sum(world.request[pod].amounts[index] for pod in here)


def _has_room(world: World, workload: Workload, node: Node, request: Request) -> bool:
    free_devices = set(range(node.devices))
    for rooms in _views(world, workload):
        here = [pod for pod, room in rooms.items() if room[0] == node.id]
        if len(here) >= node.pod_slots:
            return False
        if any(_left(world, node, rooms, index) < asked for index, asked in enumerate(request.amounts)):
            return False
        for device in range(node.devices):
            taken = sum(world.request[pod].device_milli for pod in here if device in rooms[pod][1])
            if taken + request.device_milli > 1000:
                free_devices.discard(device)
    return node.ready and len(free_devices) >= request.devices
