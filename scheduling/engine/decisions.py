"""What comes out of the engine: decisions, each with its reason in figures."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from .types import Amounts, Bounds


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
    NO_MATCHING_NODE = "no_matching_node"
    """Of `nodes` ready nodes none is one that its rules allow; `by`: what rules the last of them out, `selector` (node
    selector and affinity), `taints` or `pods` (rules about other pods)."""
    SHORT = "short"
    """The pool lacks `short` of `resource`: `requested` in all, `free`."""
    FRAGMENTED = "fragmented"
    """Enough is free in sum, but not together: `pods` pods of `requested` of `resource` each, room for `slots`;
    `free` in all, at most `largest` usable on one node. `resource` can be `pods`: the nodes' pod slots."""
    TOPOLOGY = "topology"
    """It must be inside one domain of the level `level`: of `domains` the best has room for `slots` of `pods` pods."""
    ROOM_RESERVED = "room_reserved"
    """Room is being freed for it: `nodes` nodes, `pods` pods still stopping there."""
    INCOMPLETE = "incomplete"
    """Of a sub-group that needs `minimum` pods together only `pods` exist, those that are stopping apart."""
    BACKING_OFF = "backing_off"
    """Its starts failed again and again: left out until `until_ms`."""


class EvictCode(StrEnum):
    """Why a running pod is stopped."""

    RECLAIM = "reclaim"
    """Crosses projects: the other is entitled to what this one holds above its own entitlement."""
    PREEMPT = "preempt"
    """Inside one project: the other has the higher priority."""
    CONSOLIDATE = "consolidate"
    """It starts again elsewhere, so that the other finds room in one place."""
    STALE = "stale"
    """Its workload runs below its minimum for too long: `since_ms`, `grace_ms`. For nobody else: `for_workload` is its
    own workload."""


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
    """Stop this pod to make room for `for_workload`. A pod that is moved has a `Reserve`, too: the room of its
    successor."""

    pod: int
    workload: int
    code: EvictCode
    for_workload: int
    numbers: dict[str, int | str] = field(default_factory=dict)
    """`unit` (the victim's side below the common ancestor), `allocated`, `quota`, `fair_share` of it in `resource`;
    for a preemption `priority` and `for_priority`. `allowed` where its workload's disruption budget was overridden: so
    many pods it would have let go."""


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
    withdrawn: tuple[int, ...] = ()
    """Pods that would have started, or had room reserved, had it not gone to others later in the same cycle; and those
    that lose the room that an earlier cycle has reserved for them."""
    not_searched: tuple[int, ...] = ()
    """Workloads for which there was no time to look for victims: `Snapshot.search_first` of the next cycle."""
    waits: tuple[Wait, ...] = ()
    shares: tuple[UnitShare, ...] = ()
    """Every unit, in the order in which they are served next: departments by order, projects by order inside."""
