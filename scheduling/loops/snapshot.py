"""Everything one cycle of a pool looks at, read as of one moment, without objects of the ORM."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field, replace

from django.db.models import Q

from portal.reading import as_of_one_moment
from quotas.models import Pool, Topology
from scheduling.engine import types as engine
from scheduling.models import OPEN_STATES, Decision, Workload
from scheduling.models import Pod as PodRow

from .back_off import backs_off_until_ms
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
SETTINGS = (
    "cluster_id",
    "gpu_placement",
    "cpu_placement",
    "min_runtime_seconds",
    "staleness_grace_seconds",
    "topology_id",
    "history_weight_milli",
    "history_window_days",
    "history_half_life_hours",
    "disruptions_per_workload",
    "disruptions_per_cycle",
)

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


def take_snapshot(pool: int, history: History | None = None) -> engine.Snapshot:
    """The pool with this id, now. `history` remembers past use between cycles. Raises Gone."""
    now_ms = time.time_ns() // 1_000_000
    with as_of_one_moment():
        row = Pool.objects.filter(pk=pool).values_list(*SETTINGS).first()
        if row is None:
            raise Gone
        cluster, gpu_placement, cpu_placement, min_runtime, grace, topology, weight, window, half_life, *most = row
        topologies = _topologies(cluster)
        usage = (history or History(pool)).usage_ppm(window, half_life) if weight else {}
        pods = _pods(pool, _open_decisions(pool))
        return engine.Snapshot(
            pool=pool,
            now_ms=now_ms,
            nodes=nodes_of(pool),
            units=units_of(cluster, pool, usage),
            workloads=workloads_of(pods, _usual(topologies, topology), backs_off_until_ms(pool)),
            gpu_placement=PLACEMENTS[gpu_placement],
            cpu_placement=PLACEMENTS[cpu_placement],
            min_runtime_ms=min_runtime * 1000,
            usage_weight_milli=weight,
            staleness_grace_ms=None if grace is None else grace * 1000,
            disruptions_per_workload=most[0],
            disruptions_per_cycle=most[1],
            topologies=topologies,
        )


def _topologies(cluster: int) -> tuple[engine.Topology, ...]:
    rows = Topology.objects.filter(cluster=cluster).order_by("pk").values_list("pk", "levels")
    return tuple(engine.Topology(pk, tuple(levels)) for pk, levels in rows)


def _usual(topologies: tuple[engine.Topology, ...], chosen: int | None) -> engine.Near | None:
    """What a pool's topology means for distributed work: near together if possible, and nothing more."""
    levels = next((topology.levels for topology in topologies if topology.id == chosen), ())
    return engine.Near(chosen, preferred=levels[-1]) if chosen is not None and levels else None


def _open_decisions(pool: int) -> _Open:
    found = _Open()
    rows = Decision.objects.filter(pool=pool, state__in=OPEN_STATES).order_by("pk")
    for kind, pod, node, devices, workload, group in rows.values_list(
        "kind", "pod", "node", "devices", "workload", "sub_group"
    ):
        if kind == Decision.Kind.EVICT:
            found.evicts.add(pod)
        elif kind == Decision.Kind.PLACE:
            found.places[pod] = node, device_numbers(devices)
        else:
            found.reserves[pod] = node, device_numbers(devices)
            if group is not None:
                found.owners[pod] = workload, group
    return found


def _pods(pool: int, opened: _Open) -> Pods:
    """What holds room here, and what waits for it."""
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
    for pk, workload, group, phase, node, devices in rows.values_list(
        "pk", "workload_id", "sub_group_id", "phase", "node_id", "devices"
    ):
        found[workload][group].append(_pod(pk, phase, node, devices, opened))
        seen.add(pk)
    for pk, (workload, group) in opened.owners.items():
        # Its pod is gone, and no successor has come yet. Until then the room is as if the pod were still leaving it.
        if pk not in seen:
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
