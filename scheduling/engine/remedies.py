"""What would give a waiting workload its place, as data: one change of its units or of itself.

A remedy is applied to a snapshot with `apply`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from .arithmetic import RESOURCES, Numbers
from .types import Bounds, Near, Request, Snapshot, SubGroup, SubGroupSet, Topology, Unit, Workload


class RemedyCode(StrEnum):
    """In the order of how little they ask: first what only the workload gives up, then what others have to grant."""

    PREEMPTIBLE = "preemptible"
    """The workload may be stopped for others."""
    WIDER_TOPOLOGY = "wider_topology"
    """Its pods are together at the level `level` instead of `instead_of`."""
    WITHOUT_TOPOLOGY = "without_topology"
    """Its pods need not be together at the level `instead_of`."""
    WITHOUT_SELECTOR = "without_selector"
    """Its pods go to any node that their tolerations allow: no node selector, no node affinity."""
    SMALLER_MINIMUM = "smaller_minimum"
    """So many `pods` of a sub-group start together instead of `instead_of`; the rest may follow one at a time."""
    FEWER_DEVICES = "fewer_devices"
    """At most so many `devices` (GPUs) a pod instead of `instead_of`."""
    OVER_QUOTA = "over_quota"
    """The units `units` may go over their quota."""
    QUOTA = "quota"
    """The quotas `raises`: of its project and, where they must be, of units above it."""
    LIMIT = "limit"
    """The limits `raises`."""


@dataclass(frozen=True, slots=True)
class Raise:
    """So much more of one resource for one unit."""

    unit: int
    resource: str
    by: int
    """In the unit of the resource: milli-GPU, millicores, bytes."""
    step: int
    """What one unit less means: 1000 milli-GPU for work on whole GPUs, otherwise the smallest amount."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """One change. `numbers`, `raises` and `units` as the code says."""

    code: RemedyCode
    workload: int
    """For which it is meant; the one that is changed where the code is about the workload."""
    numbers: Numbers = field(default_factory=dict)
    raises: tuple[Raise, ...] = ()
    units: tuple[int, ...] = ()
    is_least: bool = True
    """One unit less was seen not to be enough; False: a search for victims ended before that was certain."""

    @property
    def changes_workload(self) -> bool:
        return not (self.raises or self.units)


def apply(snapshot: Snapshot, remedy: Remedy) -> Snapshot:
    """The snapshot with the remedy. Ids that it does not have are passed over."""
    if remedy.changes_workload:
        changed = tuple(
            changed_workload(workload, remedy, snapshot.topologies) if workload.id == remedy.workload else workload
            for workload in snapshot.workloads
        )
        return replace(snapshot, workloads=changed)
    return replace(snapshot, units=tuple(changed_unit(unit, remedy) for unit in snapshot.units))


def changed_unit(unit: Unit, remedy: Remedy) -> Unit:
    """A unit with the part of the remedy that is about it."""
    if unit.id in remedy.units:
        unit = replace(unit, over_quota=True)
    for item in remedy.raises:
        if item.unit == unit.id and remedy.code is RemedyCode.QUOTA:
            unit = replace(unit, quota=_raised(unit.quota, item))
        elif item.unit == unit.id:
            unit = replace(unit, limit=_raised(unit.limit, item))
    return unit


def _raised(bounds: Bounds, item: Raise) -> Bounds:
    values = [
        bound if bound is None or name != item.resource else bound + item.by
        for name, bound in zip(RESOURCES, bounds, strict=True)
    ]
    return Bounds(*values)


def changed_workload(workload: Workload, remedy: Remedy, topologies: tuple[Topology, ...]) -> Workload:
    """The workload with a remedy that is about workloads."""

    def other_near(near: Near | None) -> Near | None:
        return changed_near(near, remedy, topologies)

    def other_group(group: SubGroup) -> SubGroup:
        pods = tuple(
            pod if pod.request is None else replace(pod, request=changed_request(pod.request, remedy))
            for pod in group.pods
        )
        return replace(
            group,
            request=changed_request(group.request, remedy),
            min_members=changed_minimum(group.min_members, remedy),
            near=other_near(group.near),
            pods=pods,
        )

    def other_set(item: SubGroupSet) -> SubGroupSet:
        return replace(item, near=other_near(item.near))

    return replace(
        workload,
        preemptible=workload.preemptible or remedy.code is RemedyCode.PREEMPTIBLE,
        sub_groups=tuple(map(other_group, workload.sub_groups)),
        sets=tuple(map(other_set, workload.sets)),
        near=other_near(workload.near),
    )


def changed_request(request: Request, remedy: Remedy) -> Request:
    if remedy.code is RemedyCode.WITHOUT_SELECTOR:
        return replace(request, nodes=())
    if remedy.code is RemedyCode.FEWER_DEVICES:
        return replace(request, devices=min(request.devices, int(remedy.numbers["devices"])))
    return request


def changed_minimum(minimum: int, remedy: Remedy) -> int:
    return min(minimum, int(remedy.numbers["pods"])) if remedy.code is RemedyCode.SMALLER_MINIMUM else minimum


def changed_near(near: Near | None, remedy: Remedy, topologies: tuple[Topology, ...]) -> Near | None:
    """A wider level only in topologies that have it."""
    if near is None or near.required is None or near.required != remedy.numbers.get("instead_of"):
        return near
    if remedy.code is RemedyCode.WITHOUT_TOPOLOGY:
        return replace(near, required=None) if near.preferred else None
    if remedy.code is RemedyCode.WIDER_TOPOLOGY:
        level = str(remedy.numbers["level"])
        has_it = any(near.topology == topology.id and level in topology.levels for topology in topologies)
        return replace(near, required=level) if has_it else near
    return near


def wider_levels(near: Near, topologies: tuple[Topology, ...]) -> tuple[str, ...]:
    """The levels above the required one, the nearest first."""
    levels = next((topology.levels for topology in topologies if topology.id == near.topology), ())
    return levels[: levels.index(near.required)][::-1] if near.required in levels else ()
