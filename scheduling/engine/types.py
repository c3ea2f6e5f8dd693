"""What goes into the engine; `decisions` has what comes out.

All of it is frozen and of integers: milli-GPU (500 = half a device), millicores, bytes, MiB of GPU memory, milliseconds
since the epoch. Ids are only compared. Tuples are in a stated order: equal snapshots give equal decisions.
"""

from __future__ import annotations

from dataclasses import dataclass
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


NOTHING = Amounts()
UNBOUNDED = Bounds()
NO_GPU_QUOTA = Bounds(gpu_milli=0)
"""No guaranteed GPU; CPU and memory as the access mode and the hardware allow."""
NODE_NAME = "metadata.name"


class Placement(StrEnum):
    """Which of the nodes that fit takes a pod."""

    BINPACK = "binpack"
    """The fullest, so that large rooms stay whole."""
    SPREAD = "spread"
    """The emptiest."""
    FRAGMENTATION = "fragmentation"
    """Where it costs least of what the pool could still serve. Of GPUs only; CPU is bin-packed."""


class PodState(StrEnum):
    """What the pool's loop knows of a pod, its own open decisions included."""

    PENDING = "pending"
    """Wants a node."""
    BOUND = "bound"
    """Has a node, or a place decision that still counts; holds its room."""
    RELEASING = "releasing"
    """Is being stopped; holds its room on the node, but not in its unit's account, until it is gone."""
    STUCK = "stuck"
    """The same, for so long that nobody should count on its room any more."""


class Operator(StrEnum):
    """As in Kubernetes' node affinity."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"
    GREATER = "Gt"
    LESS = "Lt"


class Requirement(NamedTuple):
    """Of one label of a node, or, with the key `NODE_NAME`, of its name."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()


class Taint(NamedTuple):
    """Keeps off pods that do not tolerate it; only the effects NoSchedule and NoExecute are given to the engine."""

    key: str
    value: str = ""
    effect: str = "NoSchedule"


class Toleration(NamedTuple):
    """`key` "" = every key; `exists`: whatever the value; `effect` "" = every effect."""

    key: str = ""
    value: str = ""
    exists: bool = True
    effect: str = ""


class PodRule(NamedTuple):
    """To be in the same domain as pods with these labels, or in another: all nodes with one value of `topology_key`."""

    topology_key: str
    labels: tuple[tuple[str, str], ...]


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
    device_memory_mib: int = 0
    """Of one GPU; 0 = not known: requests by GPU memory do not go there."""
    labels: tuple[tuple[str, str], ...] = ()
    """In the order of the keys."""
    taints: tuple[Taint, ...] = ()
    taken: tuple[tuple[int, int], ...] = ()
    """Devices by number with the milli-GPU of each that pods outside the pool hold; part of what `capacity` lacks."""


@dataclass(frozen=True, slots=True)
class Topology:
    """How the nodes of a cluster lie: label keys from the widest level (zone) to the narrowest (rack)."""

    id: int
    levels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Near:
    """Pods that belong together: inside one domain of the level `required`, if possible of the level `preferred`."""

    topology: int
    required: str | None = None
    preferred: str | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """A department or project with what it is given in this pool. Units come parents first."""

    id: int
    parent: int | None
    name: str
    created_ms: int
    rank: int = 0
    """Higher is served first when spare resources are divided among siblings."""
    weight_milli: int | Amounts = 2000
    """Its part of the spare inside its rank, of all resources or of each."""
    quota: Bounds = NO_GPU_QUOTA
    limit: Bounds = UNBOUNDED
    over_quota: bool = True
    usage_ppm: Amounts = NOTHING
    """Its part of the pool in the past, of each resource in millionths of the capacity over the window."""
    reclaim_min_runtime_ms: int | None = None
    """What of it started less long ago is not reclaimed; None = as the unit above, at the top as the pool."""
    preempt_min_runtime_ms: int | None = None
    """The same for preemption inside a project."""

    @property
    def blocked(self) -> bool:
        """Nothing of it may run here: it has no quota and no right to more (DESIGN, access to a pool)."""
        return not self.over_quota and not any(self.quota)


@dataclass(frozen=True, slots=True)
class Request:
    """What one pod asks for. Pods with equal requests are alike to the engine: one request class."""

    devices: int = 0
    """How many distinct GPUs of one node; 0 = work without GPU."""
    device_milli: int = 1000
    """Of each of them: 1000 = the whole device, less = a share of one."""
    cpu_millicores: int = 0
    memory_bytes: int = 0
    device_memory_mib: int = 0
    """Instead of `device_milli`: a share that has so much GPU memory, whatever part of the device that is."""
    nodes: tuple[tuple[Requirement, ...], ...] = ()
    """All requirements of one of these terms; () = any node."""
    tolerations: tuple[Toleration, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    """Labels of the pod that rules of other pods ask for."""
    together: tuple[PodRule, ...] = ()
    apart: tuple[PodRule, ...] = ()

    @property
    def amounts(self) -> Amounts:
        """With nothing for GPU memory, which is a part of a device only on a known node."""
        gpu_milli = 0 if self.device_memory_mib else self.devices * self.device_milli
        return Amounts(gpu_milli, self.cpu_millicores, self.memory_bytes)


@dataclass(frozen=True, slots=True)
class Pod:
    id: int
    state: PodState = PodState.PENDING
    node: int | None = None
    """Where it is bound or releasing. None while pending."""
    devices: tuple[int, ...] = ()
    """Which GPUs of that node it holds."""
    reserved_node: int | None = None
    """Where an earlier cycle keeps room for it; if it is moved, for its successor, the next of its sub-group."""
    reserved_devices: tuple[int, ...] = ()
    request: Request | None = None
    """Where it differs from the sub-group's."""


@dataclass(frozen=True, slots=True)
class SubGroup:
    """Pods of one workload that belong together; in the order in which they are to start."""

    id: int
    request: Request
    min_members: int
    """So many must run together; the rest may follow one at a time."""
    pods: tuple[Pod, ...]
    name: str = ""
    parent: int | None = None
    """The set it lies in; None = directly in the workload."""
    near: Near | None = None


@dataclass(frozen=True, slots=True)
class SubGroupSet:
    """An inner node of a workload's tree of sub-groups. Sets come parents first."""

    id: int
    name: str = ""
    parent: int | None = None
    min_children: int | None = None
    """So many of its children must run together; None = all."""
    near: Near | None = None


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
    """When it last started; protects it for the minimum runtime."""
    sets: tuple[SubGroupSet, ...] = ()
    min_children: int | None = None
    """So many of its sub-groups and sets at the top must run together; None = all."""
    near: Near | None = None
    waiting_since_ms: int | None = None
    """None = `created_ms`."""
    displaces_after_ms: int = 0
    """Nobody is stopped for it before this moment (creation or last eviction, plus its preemption delay)."""
    backs_off_until_ms: int = 0
    """Left out until then: its starts have failed again and again."""
    stale_since_ms: int | None = None
    """Since when it runs below its minimum; None = not seen so."""
    staleness_grace_ms: int | None = None
    """None = the pool's."""
    disruptions_allowed: int | None = None
    """So many of its pods its disruption budget lets be stopped or moved now; None = it has none."""
    has_succeeded_pods: bool = False
    """It is coming to its end: running below the minimum is no reason to stop it."""


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
    usage_weight_milli: int = 1000
    """How much past use counts against a unit when spare is divided (k); 0 = not at all."""
    staleness_grace_ms: int | None = 60_000
    """So long a workload may run below its minimum; None = for ever."""
    disruptions_per_workload: int | None = None
    """So many running pods may be stopped or moved for a workload beyond its guaranteed quota; None = any number."""
    disruptions_per_cycle: int | None = None
    """Once so many are, victims are looked for no more in that cycle."""
    disruption_budget_delay_ms: int | None = None
    """After so long reclaim inside guaranteed quota overrides disruption budgets; None = never."""
    topologies: tuple[Topology, ...] = ()
    search_first: tuple[int, ...] = ()
    """Workloads for which an earlier cycle had no time to look for victims."""
