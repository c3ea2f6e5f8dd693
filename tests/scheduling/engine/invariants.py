"""What must hold of any cycle, computed from the snapshot and the decisions alone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from scheduling.engine.decisions import Decisions, EvictCode, WaitCode
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
                    else:
                        self.pending.add(pod.id)
                        if pod.reserved_node is not None:
                            self.reserved[pod.id] = (pod.reserved_node, pod.reserved_devices)
        self.before = dict(self.bound)
        for evict in self.decisions.evicts:
            self.stopping[evict.pod] = self.bound.pop(evict.pod)
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
            assert all(amount <= capacity for amount, capacity in zip(used, node.capacity, strict=True))
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
        assert complete(world.owner[place.pod], world.bound)
    for reserve in world.decisions.reserves:
        assert complete(world.owner[reserve.pod], world.bound, world.reserved)
        assert reserve.pod in world.pending
    for evict in world.decisions.evicts:
        workload = world.owner[evict.pod]
        gone = not any(pod.id in world.bound for group in workload.sub_groups for pod in group.pods)
        assert gone or complete(workload, world.bound)


def _victims(world: World) -> None:
    helped = {decision.workload for decision in (*world.decisions.places, *world.decisions.reserves)}
    by_id = {workload.id: workload for workload in world.snapshot.workloads}
    for evict in world.decisions.evicts:
        victim, other = world.owner[evict.pod], by_id[evict.for_workload]
        assert other.id in helped
        assert evict.pod in world.before
        assert victim.preemptible
        assert victim.started_ms is not None
        assert world.snapshot.now_ms - victim.started_ms >= world.snapshot.min_runtime_ms
        if evict.code is EvictCode.PREEMPT:
            assert victim.unit == other.unit
            assert victim.priority < other.priority
        else:
            assert victim.unit != other.unit


def _entitlements(world: World) -> None:
    """Before each reclaim, the side below the common ancestor had more of something than its quota, and than its
    share unless the other side stays inside its own quota."""
    fair = {share.unit: share.fair_share for share in world.decisions.shares}
    rooms = dict(world.before)
    placed = {place.pod: world.bound[place.pod] for place in world.decisions.places}
    by_id = {workload.id: workload for workload in world.snapshot.workloads}
    seen: set[tuple[int, int]] = set()
    for position, evict in enumerate(world.decisions.evicts):
        victim, other = world.owner[evict.pod], by_id[evict.for_workload]
        first_of_chunk = position == 0 or world.decisions.evicts[position - 1].numbers is not evict.numbers
        if evict.code is EvictCode.RECLAIM and first_of_chunk:
            theirs = {unit.id for unit in world.paths[other.unit]}
            side = [unit for unit in world.paths[victim.unit] if unit.id not in theirs][-1]
            index = RESOURCES.index(str(evict.numbers["resource"]))
            least, most = (world.held(side.id, some)[index] for some in (rooms, {**rooms, **placed}))
            assert evict.numbers["unit"] == side.id
            assert least <= evict.numbers["allocated"] <= most
            assert evict.numbers["allocated"] > evict.numbers["quota"] == side.quota[index]
            assert evict.numbers["fair_share"] == fair[side.id][index]
            seen.add((evict.for_workload, side.id))
        rooms.pop(evict.pod)
    helped = {beneficiary for beneficiary, _ in seen}
    grown = _grown(world)
    gained = {
        pod: room
        for pod, room in world.bound.items()
        if pod in world.before or (world.owner[pod].id in helped and pod not in grown)
    }
    gained |= {pod: room for pod, room in world.reserved.items() if world.owner[pod].id in helped}
    for beneficiary, side_id in seen:
        unit = next(
            unit
            for unit in world.paths[by_id[beneficiary].unit]
            if unit.parent == next(other.parent for other in world.snapshot.units if other.id == side_id)
        )
        asked = _asked(world, beneficiary)
        held = world.held(unit.id, gained)
        assert all(not more or have <= share for more, have, share in zip(asked, held, fair[unit.id], strict=True))


def _grown(world: World) -> set[int]:
    """Pods started in free room above the minimum of their sub-group: fair share bounds nobody there."""
    placed = {place.pod for place in world.decisions.places}
    found: set[int] = set()
    for workload in world.snapshot.workloads:
        for group in workload.sub_groups:
            running = sum(pod.id in world.before for pod in group.pods)
            started = [pod.id for pod in group.pods if pod.id in placed]
            found.update(started[max(0, group.min_members - running) :])
    return found


def _asked(world: World, workload: int) -> list[int]:
    decided = [*world.decisions.places, *world.decisions.reserves]
    pods = [decision.pod for decision in decided if decision.workload == workload]
    return [sum(world.request[pod].amounts[index] for pod in pods) for index in range(3)]


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
    assert sorted(wait.workload for wait in world.decisions.waits) == sorted(waiting)
    by_id = {workload.id: workload for workload in world.snapshot.workloads}
    for wait in world.decisions.waits:
        _true_reason(world, by_id[wait.workload], wait.code, wait.numbers)


def _true_reason(world: World, workload: Workload, code: WaitCode, numbers: dict[str, int | str]) -> None:
    path = {unit.id: unit for unit in world.paths[workload.unit]}
    if code is WaitCode.ROOM_RESERVED:
        own = [world.reserved[pod] for pod in world.reserved if world.owner[pod].id == workload.id]
        nodes = {room[0] for room in own}
        assert numbers["nodes"] == len(nodes)
        assert numbers["pods"] == sum(room[0] in nodes for room in world.stopping.values()) > 0
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
    return sum(
        max(0, min(_left(world, node, rooms, index) for rooms in _views(world, workload)))
        for node in world.snapshot.nodes
        if node.ready
    )


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
