"""Everything one cycle of a pool looks at, read as of one moment, without objects of the ORM."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field

from django.db.models import Count, Q

from portal.reading import EpochMs, as_of_one_moment
from quotas.models import Node, Pool
from scheduling.engine import types as engine
from scheduling.models import OPEN_STATES, Decision, SubGroup, Workload
from scheduling.models import Pod as PodRow

from .snapshot_units import units_of
from .thread import Gone

LIVE = (PodRow.Phase.STARTING, PodRow.Phase.RUNNING, PodRow.Phase.STOPPING)
GPU, CPU, MEMORY = "sub_group__devices", "sub_group__cpu_millicores", "sub_group__memory_bytes"
PLACEMENTS: dict[int, engine.Placement] = {
    Pool.Placement.BINPACK: engine.Placement.BINPACK,
    Pool.Placement.SPREAD: engine.Placement.SPREAD,
}


@dataclass(slots=True)
class _Open:
    """Decisions under way, by pod."""

    places: dict[int, tuple[int | None, tuple[int, ...]]] = field(default_factory=dict)
    reserves: dict[int, tuple[int | None, tuple[int, ...]]] = field(default_factory=dict)
    evicts: set[int] = field(default_factory=set)


def take_snapshot(pool: int) -> engine.Snapshot:
    """The pool with this id, now. Raises Gone."""
    now_ms = time.time_ns() // 1_000_000
    with as_of_one_moment():
        settings = Pool.objects.filter(pk=pool).values_list(
            "cluster_id", "gpu_placement", "cpu_placement", "min_runtime_seconds"
        )
        row = settings.first()
        if row is None:
            raise Gone
        cluster, gpu_placement, cpu_placement, min_runtime = row
        opened = _open_decisions(pool)
        pods = _pods(pool, opened)
        return engine.Snapshot(
            pool=pool,
            now_ms=now_ms,
            nodes=_nodes(pool),
            units=units_of(cluster, pool),
            workloads=_workloads(pods),
            gpu_placement=PLACEMENTS[gpu_placement],
            cpu_placement=PLACEMENTS[cpu_placement],
            min_runtime_ms=min_runtime * 1000,
        )


def device_numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(",") if part.isdecimal())


def _open_decisions(pool: int) -> _Open:
    found = _Open()
    rows = Decision.objects.filter(pool=pool, state__in=OPEN_STATES).order_by("pk")
    for kind, pod, node, devices in rows.values_list("kind", "pod", "node", "devices"):
        if kind == Decision.Kind.EVICT:
            found.evicts.add(pod)
        elif kind == Decision.Kind.PLACE:
            found.places[pod] = node, device_numbers(devices)
        else:
            found.reserves[pod] = node, device_numbers(devices)
    return found


def _nodes(pool: int) -> tuple[engine.Node, ...]:
    """What others take is subtracted: pods of other schedulers, and pods charged to another pool or to none."""
    elsewhere: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    strangers = PodRow.objects.filter(node__pool=pool, phase__in=LIVE).exclude(charged_pool=pool)
    for node, devices, milli, cpu, memory in strangers.values_list(
        "node_id", GPU, "sub_group__device_milli", CPU, MEMORY
    ):
        for place, amount in enumerate((devices * milli, cpu, memory, 1)):
            elsewhere[node][place] += amount
    rows = Node.objects.filter(pool=pool, removed_at=None).order_by("name", "pk")
    nodes = []
    for pk, name, gpus, cpu, memory, slots, state, schedulable, *foreign in rows.values_list(
        "pk",
        "name",
        "gpu_count",
        "cpu_millicores",
        "memory_bytes",
        "pod_slots",
        "state",
        "schedulable",
        "foreign_gpu_milli",
        "foreign_cpu_millicores",
        "foreign_memory_bytes",
        "foreign_pods",
    ):
        gpu_taken, cpu_taken, memory_taken, pods = (a + b for a, b in zip(foreign, elsewhere[pk], strict=True))
        nodes.append(
            engine.Node(
                id=pk,
                name=name,
                devices=gpus,
                capacity=engine.Amounts(
                    max(gpus * 1000 - gpu_taken, 0), max(cpu - cpu_taken, 0), max(memory - memory_taken, 0)
                ),
                pod_slots=max(slots - pods, 0),
                ready=state == Node.State.READY and schedulable,
            )
        )
    return tuple(nodes)


def _pods(pool: int, opened: _Open) -> dict[int, list[engine.Pod]]:
    """By sub-group: what holds room here, and what waits for it."""
    waits = Q(
        phase=PodRow.Phase.PENDING,
        workload__assignment__pool=pool,
        workload__is_active=True,
        workload__desired=Workload.Desired.RUNNING,
    )
    placed = Q(pk__in=list(opened.places), phase=PodRow.Phase.PENDING)
    holds = Q(charged_pool=pool, phase__in=LIVE)
    found: dict[int, list[engine.Pod]] = defaultdict(list)
    rows = PodRow.objects.filter(waits | placed | holds).order_by("name", "pk")
    for pk, group, phase, node, devices in rows.values_list("pk", "sub_group_id", "phase", "node_id", "devices"):
        found[group].append(_pod(pk, phase, node, devices, opened))
    return found


def _pod(pk: int, phase: int, node: int | None, devices: str, opened: _Open) -> engine.Pod:
    if phase == PodRow.Phase.PENDING:
        if pk in opened.places:
            place, held = opened.places[pk]
            return engine.Pod(pk, engine.PodState.BOUND, place, held)
        reserved, kept = opened.reserves.get(pk, (None, ()))
        return engine.Pod(pk, reserved_node=reserved, reserved_devices=kept)
    releasing = phase == PodRow.Phase.STOPPING or pk in opened.evicts
    state = engine.PodState.RELEASING if releasing else engine.PodState.BOUND
    return engine.Pod(pk, state, node, device_numbers(devices))


def _workloads(pods: dict[int, list[engine.Pod]]) -> tuple[engine.Workload, ...]:
    succeeded = Count("pods", filter=Q(pods__phase=PodRow.Phase.SUCCEEDED))
    groups: dict[int, list[engine.SubGroup]] = defaultdict(list)
    rows = SubGroup.objects.filter(pk__in=list(pods)).annotate(succeeded=succeeded).order_by("pk")
    for pk, workload, devices, milli, cpu, memory, min_members, done in rows.values_list(
        "pk", "workload_id", "devices", "device_milli", "cpu_millicores", "memory_bytes", "min_members", "succeeded"
    ):
        request = engine.Request(devices, milli, cpu, memory)
        groups[workload].append(engine.SubGroup(pk, request, max(min_members - done, 0), tuple(pods[pk])))
    found = Workload.objects.filter(pk__in=list(groups)).order_by("pk")
    return tuple(
        engine.Workload(
            id=pk,
            unit=project,
            name=name,
            priority=priority,
            preemptible=preemptible,
            created_ms=created,
            sub_groups=tuple(groups[pk]),
            started_ms=started,
        )
        for pk, project, name, priority, preemptible, created, started in found.values_list(
            "pk", "project_id", "name", "priority", "preemptible", EpochMs("created_at"), EpochMs("started_at")
        )
    )
