"""What goes into the engine and what comes out of it.

Everything is frozen and made of integers: milli-GPU (500 = half a device), millicores, bytes, milliseconds since the
epoch. Ids are the database's; the engine only compares them. A tuple is in a stated order, so the same snapshot gives
the same decisions, byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Amounts(NamedTuple):
    """A quantity of each resource."""

    gpu_milli: int = 0
    cpu_millicores: int = 0
    memory_bytes: int = 0


class Bounds(NamedTuple):
    """A bound on each resource; None = without bound (a quota that is not set, no limit)."""

    gpu_milli: int | None = None
    cpu_millicores: int | None = None
    memory_bytes: int | None = None


UNBOUNDED = Bounds()
NO_GPU_QUOTA = Bounds(gpu_milli=0)
"""No guaranteed GPU; CPU and memory as the access mode and the hardware allow."""


class Placement(StrEnum):
    """Which of the nodes that fit takes a pod: the fullest, or the emptiest."""

    BINPACK = "binpack"
    SPREAD = "spread"


class PodState(StrEnum):
    """What the pool's loop knows of a pod, its own open decisions included."""

    PENDING = "pending"
    """Wants a node."""
    BOUND = "bound"
    """Has a node, or a place decision that still counts; holds its room."""
    RELEASING = "releasing"
    """Is being stopped; holds its room on the node, but not in its unit's account, until it is gone."""


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of the pool."""

    id: int
    name: str
    devices: int
    """Whole GPUs, numbered from 0."""
    capacity: Amounts
    """Allocatable, less what pods of other schedulers and DaemonSets take."""
    pod_slots: int
    ready: bool = True
    """Ready and not cordoned; otherwise it takes nothing new."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A department or project with what it is given in this pool. Units come parents first."""

    id: int
    parent: int | None
    name: str
    created_ms: int
    rank: int = 0
    """Higher is served first when spare resources are divided among siblings."""
    weight_milli: int = 2000
    """Its part of the spare inside its rank; 0 gets nothing."""
    quota: Bounds = NO_GPU_QUOTA
    limit: Bounds = UNBOUNDED
    over_quota: bool = True

    @property
    def blocked(self) -> bool:
        """Nothing of it may run here: it has no quota and no right to more (DESIGN, access to a pool)."""
        return not self.over_quota and not any(self.quota)


@dataclass(frozen=True, slots=True)
class Request:
    """What one pod asks for."""

    devices: int = 0
    """How many distinct GPUs of one node; 0 = work without GPU."""
    device_milli: int = 1000
    """Of each of them: 1000 = the whole device, less = a share of one."""
    cpu_millicores: int = 0
    memory_bytes: int = 0

    @property
    def amounts(self) -> Amounts:
        return Amounts(self.devices * self.device_milli, self.cpu_millicores, self.memory_bytes)


@dataclass(frozen=True, slots=True)
class Pod:
    id: int
    state: PodState = PodState.PENDING
    node: int | None = None
    """Where it is bound or releasing. None while pending."""
    devices: tuple[int, ...] = ()
    """Which GPUs of that node it holds."""
    reserved_node: int | None = None
    """While pending: where an earlier cycle keeps room for it (a reserve decision that still counts)."""
    reserved_devices: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SubGroup:
    """Pods of one workload that ask for the same; pods in the order in which they are to start."""

    id: int
    request: Request
    min_members: int
    """So many must run together; the rest may follow one at a time."""
    pods: tuple[Pod, ...]


@dataclass(frozen=True, slots=True)
class Workload:
    id: int
    unit: int
    """Its project. Must be a leaf among the units."""
    name: str
    priority: int
    """Counts only inside the project; has nothing to do with preemptibility."""
    preemptible: bool
    created_ms: int
    sub_groups: tuple[SubGroup, ...]
    started_ms: int | None = None
    """When it last started; protects it for the pool's minimum runtime."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything one cycle of one pool looks at."""

    pool: int
    now_ms: int
    nodes: tuple[Node, ...]
    units: tuple[Unit, ...]
    """Parents before children."""
    workloads: tuple[Workload, ...]
    """Only those with a pod that is pending, bound or releasing here."""
    gpu_placement: Placement = Placement.BINPACK
    cpu_placement: Placement = Placement.BINPACK
    min_runtime_ms: int = 0
    """A preemptible workload that started less long ago is not stopped for others."""


class WaitCode(StrEnum):
    """Why a workload waits. One dominant reason each; `Wait.numbers` holds the figures named here."""

    BLOCKED = "blocked"
    """The unit `unit` may run nothing in this pool."""
    OVER_LIMIT = "over_limit"
    """Would pass the limit of `unit` in `resource`: `limit`, `allocated`, `requested`."""
    OVER_QUOTA_OFF = "over_quota_off"
    """`unit` may not exceed its quota of `resource`: `quota`, `allocated`, `requested`."""
    NON_PREEMPTIBLE_OVER_QUOTA = "non_preemptible_over_quota"
    """Non-preemptible work stays inside quota: `unit`, `resource`, `quota`, `allocated` (non-preemptible),
    `requested`."""
    NO_READY_NODE = "no_ready_node"
    """The pool has `nodes` nodes and none takes new work."""
    NEVER_FITS = "never_fits"
    """No node is big enough even when empty: `resource`, `requested` per pod, `largest`: the most that a node could
    give it, among the nodes with enough of the resources before (in the order of `Amounts`)."""
    SHORT = "short"
    """The pool lacks `short` of `resource`: `requested` in all, `free`."""
    FRAGMENTED = "fragmented"
    """Enough is free in sum, but not together: `pods` pods of `requested` of `resource` each, room for `slots`;
    `free` in all, at most `largest` usable on one node. `resource` can be `pods`: the nodes' pod slots."""
    ROOM_RESERVED = "room_reserved"
    """Room is being freed for it: `nodes` nodes, `pods` pods still stopping there."""
    INCOMPLETE = "incomplete"
    """Of a sub-group that needs `minimum` pods together only `pods` exist, those that are stopping apart."""


class EvictCode(StrEnum):
    """Why a running pod is stopped for another workload."""

    RECLAIM = "reclaim"
    """Crosses projects: the other is entitled to what this one holds above its own entitlement."""
    PREEMPT = "preempt"
    """Inside one project: the other has the higher priority."""


@dataclass(frozen=True, slots=True)
class Place:
    """Start this pod on this node now."""

    pod: int
    workload: int
    node: int
    devices: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Reserve:
    """Keep this room for this pod: it is being freed."""

    pod: int
    workload: int
    node: int
    devices: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Evict:
    """Stop this pod to make room for `for_workload`."""

    pod: int
    workload: int
    code: EvictCode
    for_workload: int
    numbers: dict[str, int | str] = field(default_factory=dict)
    """`unit` (the victim's side below the common ancestor), `allocated`, `quota`, `fair_share` of it in `resource`;
    for a preemption `priority` and `for_priority`."""


@dataclass(frozen=True, slots=True)
class Wait:
    """This workload stays waiting, and why: true of the state after this cycle's decisions."""

    workload: int
    code: WaitCode
    numbers: dict[str, int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UnitShare:
    """How a unit stands in this pool after the cycle, its descendants included."""

    unit: int
    quota: Bounds
    fair_share: Amounts
    allocated: Amounts
    allocated_non_preemptible: Amounts
    requested: Amounts
    """Allocated plus what waits."""
    running: int
    """Workloads with at least one bound pod."""
    pending: int
    """Workloads that wait with all they ask for, or with the minimum they need."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """The outcome of a cycle."""

    places: tuple[Place, ...] = ()
    reserves: tuple[Reserve, ...] = ()
    evicts: tuple[Evict, ...] = ()
    waits: tuple[Wait, ...] = ()
    shares: tuple[UnitShare, ...] = ()
    """Every unit, in the order in which they are served next: departments by order, projects by order inside."""
