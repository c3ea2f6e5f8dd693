# mypy: disable-error-code="empty-body"
"""What quotas asks of the app above it, which knows workloads and pods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.hooks import Hook
from quotas.models import Node, Pool, Topology


@dataclass(frozen=True, slots=True)
class DeviceFill:
    """How much of one GPU of a node is in use. GPUs that nobody uses have none."""

    device: int
    used_milli: int
    over_milli: int = 0
    """Of `used_milli`: what is used over quota."""

    @property
    def inside_milli(self) -> int:
        return self.used_milli - self.over_milli

    @property
    def free_milli(self) -> int:
        return max(1000 - self.used_milli, 0)


@dataclass(frozen=True, slots=True)
class NodePod:
    """A pod on a node, as far as the person who asks may know of it."""

    name: str
    """Empty where the person may not see it; then only the amounts are told."""
    workload_name: str
    workload_url: str | None
    project_name: str
    gpu_milli: int
    cpu_millicores: int
    memory_bytes: int
    devices: tuple[int, ...]
    over: bool
    """Runs over quota."""
    state: str
    """The word for its phase."""


@dataclass(frozen=True, slots=True)
class PoolWork:
    """Active workloads that are assigned to a pool or hold room in it."""

    running: int = 0
    """With pods in the cluster; `waiting` ones have none yet."""
    waiting: int = 0
    gpu_milli: int = 0
    """What they hold."""

    @property
    def workloads(self) -> int:
        return self.running + self.waiting


@dataclass(frozen=True, slots=True)
class MovedWork:
    """A running workload that other quotas would put over quota, or back inside."""

    project: int
    name: str
    """Empty where the person who asks may not see it."""
    url: str
    over: bool
    """Would run over quota; else it would no longer."""
    gpu_milli: int
    """Of it over quota, then or now."""


@dataclass(frozen=True, slots=True)
class PoolEffect:
    """What other quotas would change in a pool, by the rules that its loop decides by."""

    fair_now: Mapping[int, int]
    fair_then: Mapping[int, int]
    """By unit, of the resource that was asked for."""
    moved: tuple[MovedWork, ...]


@Hook
def quota_effect(pool: Pool, changes: Mapping[int, Mapping[str, Any] | None], resource: str, user: Any) -> PoolEffect:
    """What would be with other quotas: unit -> the columns of its row, None = no row. `resource`: its column in Quota.
    Constant queries."""


@Hook
def pool_work(pool: Pool) -> PoolWork:
    """What of anybody's work the pool concerns now."""


@Hook
def topology_work(topology: Topology, levels: Sequence[str]) -> int:
    """How many active workloads ask for a level of the topology that is not one of `levels`."""


@Hook
def node_fills(nodes: Sequence[int]) -> dict[int, tuple[DeviceFill, ...]]:
    """GPUs in use on each of the nodes (ids), by device number; nodes without any may be left out. Constant queries."""


@Hook
def node_cpu_used(nodes: Sequence[int]) -> dict[int, int]:
    """Millicores that pods ask for on each of the nodes (ids); nodes without any may be left out. Constant queries."""


@dataclass(frozen=True, slots=True)
class NodeEvent:
    """Something that happened on a node, in words for the person who asks."""

    at: datetime
    text: str
    url: str | None = None


@Hook
def node_history(node: Node, user: Any) -> list[NodeEvent]:
    """What started on the node of late, oldest first: named where `user` may see it."""


@Hook
def node_pods(node: Node, user: Any) -> list[NodePod]:
    """The pods that hold room on the node: named where `user` may see them, amounts only elsewhere."""
