"""Everything a cycle of a pool looks at, read from the rows without objects of the ORM. `kept` reads it bit by bit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from django.db.models import Q

from portal.selectors.feed import feed_seq
from quotas.models import Pool, Topology
from scheduling.engine import types as engine
from scheduling.models import OPEN_STATES, Decision, Workload
from scheduling.models import Pod as PodRow

from .back_off import Pauses, pauses_of
from .history import History
from .snapshot_nodes import LIVE, device_numbers, nodes_of
from .snapshot_units import units_of
from .snapshot_workloads import workloads_of
from .thread import Gone

PLACEMENTS: dict[int, engine.Placement] = {
    Pool.Placement.BINPACK: engine.Placement.BINPACK,
    Pool.Placement.SPREAD: engine.Placement.SPREAD,
    Pool.Placement.FRAGMENTATION: engine.Placement.FRAGMENTATION,
}


class PoolRow(NamedTuple):
    """The settings of a pool: its columns of these names."""

    cluster_id: int
    gpu_placement: int
    cpu_placement: int
    min_runtime_seconds: int
    staleness_grace_seconds: int | None
    topology_id: int | None
    history_weight_milli: int
    history_window_days: int
    history_half_life_hours: int | None
    disruptions_per_workload: int | None
    disruptions_per_cycle: int | None
    disruption_budget_delay_seconds: int | None


class OpenRow(NamedTuple):
    """A decision under way: its columns of these names."""

    pk: int
    kind: int
    pod: int
    node: int | None
    devices: str
    workload: int
    sub_group: int | None


Room = tuple[int | None, tuple[int, ...]]
"""A node and devices of it."""
Pods = dict[int, dict[int, list[engine.Pod]]]
"""By workload and sub-group."""


@dataclass(slots=True)
class _Open:
    """Decisions under way, by pod."""

    places: dict[int, Room] = field(default_factory=dict)
    reserves: dict[int, Room] = field(default_factory=dict)
    evicts: set[int] = field(default_factory=set)
    owners: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Workload and sub-group of the pods with a reserve."""


@dataclass(slots=True)
class Reading:
    """What the rows of a pool said when they were read last."""

    pool: int
    seq: int
    """Number in the change feed up to which it is true."""
    row: PoolRow
    topologies: tuple[engine.Topology, ...]
    usage: dict[int, engine.Amounts]
    units: tuple[engine.Unit, ...]
    nodes: tuple[engine.Node, ...]
    strangers: frozenset[int]
    """Workloads with pods on nodes of the pool that are charged elsewhere."""
    opened: frozenset[OpenRow]
    pauses: Pauses
    workloads: dict[int, engine.Workload]
    """By id, in their order."""

    @property
    def usual(self) -> engine.Near | None:
        return usual_near(self.topologies, self.row.topology_id)

    def snapshot(self, now_ms: int) -> engine.Snapshot:
        row = self.row
        grace, delay = row.staleness_grace_seconds, row.disruption_budget_delay_seconds
        return engine.Snapshot(
            pool=self.pool,
            now_ms=now_ms,
            nodes=self.nodes,
            units=self.units,
            workloads=tuple(self.workloads.values()),
            gpu_placement=PLACEMENTS[row.gpu_placement],
            cpu_placement=PLACEMENTS[row.cpu_placement],
            min_runtime_ms=row.min_runtime_seconds * 1000,
            usage_weight_milli=row.history_weight_milli,
            staleness_grace_ms=None if grace is None else grace * 1000,
            disruptions_per_workload=row.disruptions_per_workload,
            disruptions_per_cycle=row.disruptions_per_cycle,
            disruption_budget_delay_ms=None if delay is None else delay * 1000,
            topologies=self.topologies,
        )


def read_all(pool: int, history: History) -> Reading:
    """Call as of one moment. Raises Gone."""
    row = read_pool(pool)
    topologies, usage = read_topologies(row.cluster_id), read_usage(row, history)
    nodes, strangers = nodes_of(pool)
    opened, pauses = open_decisions(pool), pauses_of(pool)
    usual = usual_near(topologies, row.topology_id)
    workloads = workloads_of(pods_of(pool, opened), usual, pauses)
    return Reading(
        pool=pool,
        seq=feed_seq(row.cluster_id),
        row=row,
        topologies=topologies,
        usage=usage,
        units=units_of(row.cluster_id, pool, usage),
        nodes=nodes,
        strangers=strangers,
        opened=opened,
        pauses=pauses,
        workloads={workload.id: workload for workload in workloads},
    )


def read_pool(pool: int) -> PoolRow:
    """Raises Gone."""
    row = Pool.objects.filter(pk=pool).values_list(*PoolRow._fields).first()
    if row is None:
        raise Gone
    return PoolRow(*row)


def read_usage(row: PoolRow, history: History) -> dict[int, engine.Amounts]:
    """Past use by unit, where the pool counts it."""
    if not row.history_weight_milli:
        return {}
    return history.usage_ppm(row.history_window_days, row.history_half_life_hours)


def read_topologies(cluster: int) -> tuple[engine.Topology, ...]:
    rows = Topology.objects.filter(cluster=cluster).order_by("pk").values_list("pk", "levels")
    return tuple(engine.Topology(pk, tuple(levels)) for pk, levels in rows)


def usual_near(topologies: tuple[engine.Topology, ...], chosen: int | None) -> engine.Near | None:
    """What a pool's topology means for distributed work: near together if possible, and nothing more."""
    levels = next((topology.levels for topology in topologies if topology.id == chosen), ())
    return engine.Near(chosen, preferred=levels[-1]) if chosen is not None and levels else None


def open_decisions(pool: int) -> frozenset[OpenRow]:
    rows = Decision.objects.filter(pool=pool, state__in=OPEN_STATES)
    return frozenset(OpenRow(*row) for row in rows.values_list(*OpenRow._fields))


def _by_pod(rows: Iterable[OpenRow]) -> _Open:
    found = _Open()
    for _, kind, pod, node, devices, workload, group in sorted(rows, key=lambda row: row.pk):
        if kind == Decision.Kind.EVICT:
            found.evicts.add(pod)
        elif kind == Decision.Kind.PLACE:
            found.places[pod] = node, device_numbers(devices)
        else:
            found.reserves[pod] = node, device_numbers(devices)
            if group is not None:
                found.owners[pod] = workload, group
    return found


def pods_of(pool: int, decisions: Iterable[OpenRow], only: Collection[int] | None = None) -> Pods:
    """What holds room here, and what waits for it. `only`: of these workloads (ids)."""
    opened = _by_pod(decisions)
    waits = Q(
        phase=PodRow.Phase.PENDING,
        workload__assignment__pool=pool,
        workload__is_active=True,
        workload__desired=Workload.Desired.RUNNING,
    )
    placed = Q(pk__in=list(opened.places), phase=PodRow.Phase.PENDING)
    holds = Q(charged_pool=pool, phase__in=LIVE)
    found: Pods = defaultdict(lambda: defaultdict(list))
    seen: set[int] = set()
    rows = PodRow.objects.filter(waits | placed | holds).order_by("name", "pk")
    if only is not None:
        rows = rows.filter(workload__in=only)
    for pk, workload, group, phase, node, devices in rows.values_list(
        "pk", "workload_id", "sub_group_id", "phase", "node_id", "devices"
    ):
        found[workload][group].append(_pod(pk, phase, node, devices, opened))
        seen.add(pk)
    for pk, (workload, group) in opened.owners.items():
        # Its pod is gone, and no successor has come yet. Until then the room is as if the pod were still leaving it.
        if pk not in seen and (only is None or workload in only):
            place, kept = opened.reserves[pk]
            found[workload][group].append(engine.Pod(pk, engine.PodState.RELEASING, place, kept, place, kept))
    return found


def _pod(pk: int, phase: int, node: int | None, devices: str, opened: _Open) -> engine.Pod:
    reserved, kept = opened.reserves.get(pk, (None, ()))
    if phase == PodRow.Phase.PENDING:
        if pk in opened.places:
            place, held = opened.places[pk]
            return engine.Pod(pk, engine.PodState.BOUND, place, held)
        return engine.Pod(pk, reserved_node=reserved, reserved_devices=kept)
    pod = engine.Pod(pk, engine.PodState.BOUND, node, device_numbers(devices))
    if phase == PodRow.Phase.STOPPING or pk in opened.evicts:
        # What is moved keeps the room of its successor.
        return replace(pod, state=engine.PodState.RELEASING, reserved_node=reserved, reserved_devices=kept)
    return pod
