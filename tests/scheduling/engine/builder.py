"""Small pools in a few words, and what was decided for them by name instead of by id."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace

from scheduling.engine import decide
from scheduling.engine.decisions import Decisions, Wait
from scheduling.engine.types import (
    Amounts,
    Bounds,
    Node,
    Placement,
    Pod,
    PodState,
    Request,
    Snapshot,
    SubGroup,
    Unit,
    Workload,
)

GPU = 1000
CORE = 1000
GIB = 2**30
MINUTE = 60_000
NOW = 1_000 * MINUTE


@dataclass
class Outcome:
    """Decisions by workload, node and unit name."""

    decisions: Decisions
    placed: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    devices: dict[str, list[tuple[int, ...]]] = field(default_factory=lambda: defaultdict(list))
    reserved: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    evicted: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    waits: dict[str, Wait] = field(default_factory=dict)
    gpus: dict[str, float] = field(default_factory=dict)
    """What each unit holds after the cycle."""
    fair: dict[str, float] = field(default_factory=dict)

    def reason(self, workload: str) -> tuple[str, dict[str, int | str]]:
        return self.waits[workload].code.value, self.waits[workload].numbers


class Pool:
    """Collects nodes, units and workloads; ids count up from 1 for each kind."""

    def __init__(self, **settings: object) -> None:
        self.nodes: list[Node] = []
        self.units: dict[str, Unit] = {}
        self.workloads: dict[str, Workload] = {}
        self.settings = settings
        self._pods = 0

    def node(
        self, name: str, gpus: int = 8, *, cores: int = 1000, gib: int = 1000, pods: int = 110, ready: bool = True
    ) -> Pool:
        capacity = Amounts(gpus * GPU, cores * CORE, gib * GIB)
        self.nodes.append(Node(len(self.nodes) + 1, name, gpus, capacity, pods, ready))
        return self

    def unit(
        self,
        name: str,
        quota: float | None = 0,
        parent: str | None = None,
        *,
        limit: float | None = None,
        quota_cores: int | None = None,
        limit_cores: int | None = None,
        **settings: object,
    ) -> Pool:
        """Quota and limit in GPUs. Units are created one minute after the other."""
        self.units[name] = Unit(
            id=len(self.units) + 1,
            parent=self.units[parent].id if parent else None,
            name=name,
            created_ms=len(self.units) * MINUTE,
            quota=Bounds(_milli(quota), _milli(quota_cores), None),
            limit=Bounds(_milli(limit), _milli(limit_cores), None),
            **settings,
        )
        return self

    def work(
        self,
        name: str,
        unit: str,
        gpus: int = 1,
        *,
        pods: int = 1,
        milli: int = GPU,
        cores: int = 0,
        gib: int = 0,
        minimum: int | None = None,
        on: list[str] | str = (),
        devices: list[tuple[int, ...]] = (),
        stopping: bool = False,
        reserved: list[tuple[str, tuple[int, ...]]] = (),
        priority: int = 50,
        preemptible: bool = True,
        started_ago_ms: int = 60 * MINUTE,
        disruptions_allowed: int | None = None,
    ) -> Pool:
        """`pods` alike; the first run on the nodes `on` (or are stopping there), the rest is pending."""
        nodes = [on] * pods if isinstance(on, str) else list(on)
        node_ids = {node.name: node.id for node in self.nodes}
        members = []
        for index in range(pods):
            self._pods += 1
            pod = Pod(self._pods)
            if index < len(nodes):
                state = PodState.RELEASING if stopping else PodState.BOUND
                pod = replace(pod, state=state, node=node_ids[nodes[index]])
                pod = replace(pod, devices=devices[index] if devices else ())
            elif index < len(reserved):
                pod = replace(pod, reserved_node=node_ids[reserved[index][0]], reserved_devices=reserved[index][1])
            members.append(pod)
        group = SubGroup(
            1, Request(gpus, milli, cores * CORE, gib * GIB), pods if minimum is None else minimum, tuple(members)
        )
        self.workloads[name] = Workload(
            id=len(self.workloads) + 1,
            unit=self.units[unit].id,
            name=name,
            priority=priority,
            preemptible=preemptible,
            created_ms=NOW - 100 * MINUTE + len(self.workloads) * MINUTE,
            sub_groups=(group,),
            started_ms=NOW - started_ago_ms if nodes and not stopping else None,
            disruptions_allowed=disruptions_allowed,
        )
        return self

    def group(self, name: str, gpus: int = 1, *, pods: int = 1, cores: int = 0, minimum: int | None = None) -> Pool:
        """One more sub-group, all pending, for a workload."""
        workload = self.workloads[name]
        members = tuple(Pod(self._pods + index + 1) for index in range(pods))
        self._pods += pods
        request = Request(gpus, GPU, cores * CORE)
        group = SubGroup(len(workload.sub_groups) + 1, request, pods if minimum is None else minimum, members)
        self.workloads[name] = replace(workload, sub_groups=(*workload.sub_groups, group))
        return self

    def spread(self) -> Pool:
        self.settings |= {"gpu_placement": Placement.SPREAD, "cpu_placement": Placement.SPREAD}
        return self

    def snapshot(self) -> Snapshot:
        units, workloads = tuple(self.units.values()), tuple(self.workloads.values())
        return Snapshot(1, NOW, tuple(self.nodes), units, workloads, **self.settings)

    def decide(self) -> Outcome:
        return named(self.snapshot())


def named(snapshot: Snapshot) -> Outcome:
    """Decide, and say it in names."""
    decisions = decide(snapshot)
    outcome = Outcome(decisions)
    workloads = {workload.id: workload.name for workload in snapshot.workloads}
    nodes = {node.id: node.name for node in snapshot.nodes}
    units = {unit.id: unit.name for unit in snapshot.units}
    for place in decisions.places:
        outcome.placed[workloads[place.workload]].append(nodes[place.node])
        outcome.devices[workloads[place.workload]].append(place.devices)
    for reserve in decisions.reserves:
        outcome.reserved[workloads[reserve.workload]].append(nodes[reserve.node])
    for evict in decisions.evicts:
        outcome.evicted[workloads[evict.workload]] += 1
    outcome.waits = {workloads[wait.workload]: wait for wait in decisions.waits}
    outcome.gpus = {units[share.unit]: share.allocated.gpu_milli / GPU for share in decisions.shares}
    outcome.fair = {units[share.unit]: share.fair_share.gpu_milli / GPU for share in decisions.shares}
    return outcome


def _milli(amount: float | None) -> int | None:
    return None if amount is None else round(amount * 1000)
