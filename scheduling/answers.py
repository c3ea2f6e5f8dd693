"""What scheduling answers to the questions of the apps below it; registered in `ready()`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from django.db.models import Count, Q, Sum
from django.urls import reverse

from orgs.hooks import WorkloadsImpact
from orgs.models import OrgUnit
from orgs.scope import below
from portal.actor import Actor
from portal.services.audit import Act, audit_record_all
from portal.services.feed import feed_tell
from quotas.hooks import DeviceFill, NodePod, PoolWork
from quotas.models import Node, Pool, Topology
from scheduling.models import TO_REMOVE, Event, Pod, Workload
from scheduling.selectors.over import pods_over_milli
from scheduling.selectors.visible import visible_workloads

MOST_NAMED = 5
ON_A_NODE = Q(phase__lte=Pod.Phase.STOPPING, node__isnull=False)


def workloads_impact(unit: OrgUnit) -> WorkloadsImpact:
    active = Workload.objects.filter(below(unit, "project"), is_active=True)
    found = active.aggregate(
        running=Count("id", filter=~Q(state=Workload.State.WAITING)),
        waiting=Count("id", filter=Q(state=Workload.State.WAITING)),
        gpu_milli=Sum("allocated_gpu_milli", default=0),
    )
    running = active.exclude(state=Workload.State.WAITING).order_by("created_at", "id")
    return WorkloadsImpact(**found, names=tuple(running.values_list("name", flat=True)[:MOST_NAMED]))


def workloads_ever(units: Sequence[int]) -> int:
    return Workload.objects.filter(project__in=units).count()


def workloads_end(unit: OrgUnit, actor: Actor) -> None:
    """The caller has asked whether `actor` may."""
    # What was stopped has its object still.
    left = Q(is_active=True) | Q(applied=True, desired=Workload.Desired.STOPPED)
    wanted = Workload.objects.filter(left, below(unit, "project")).exclude(desired=Workload.Desired.DELETED)
    workloads = list(wanted.order_by("id").select_for_update(no_key=True))
    if not workloads:
        return
    Workload.objects.filter(id__in=[workload.pk for workload in workloads]).update(desired=Workload.Desired.DELETED)
    numbers = {"by": actor.name, "unit": unit.name}
    Event.objects.bulk_create(
        [Event(workload=workload, code="delete_asked", numbers=numbers) for workload in workloads], batch_size=500
    )
    acts = [
        Act(
            "delete",
            workload,
            workload.project_id,
            before={"desired": workload.get_desired_display()},
            after={"desired": Workload.Desired.DELETED.label, "with": unit.name, "with_id": unit.pk},
        )
        for workload in workloads
    ]
    audit_record_all(actor=actor, acts=acts)
    by_cluster: dict[int, list[int]] = defaultdict(list)
    for workload in workloads:
        by_cluster[workload.cluster_id].append(workload.pk)
    for cluster, ids in sorted(by_cluster.items()):
        feed_tell(cluster=cluster, workloads=ids)


def workload_links(user: Any, ids: Collection[int]) -> dict[int, str]:
    """Where workloads lie that the audit log names."""
    found = visible_workloads(user).filter(pk__in=ids).exclude(desired=Workload.Desired.DELETED, is_active=False)
    return {pk: reverse("workload", args=[pk]) for pk in found.values_list("pk", flat=True)}


def live_pods(unit: OrgUnit) -> int:
    pods = Pod.objects.filter(below(unit, "workload__project"), phase__lte=Pod.Phase.STOPPING).count()
    return pods + Workload.objects.filter(TO_REMOVE, below(unit, "project")).count()


def pool_work(pool: Pool) -> PoolWork:
    holds = Pod.objects.filter(ON_A_NODE, charged_pool=pool).values("workload")
    found = Workload.objects.filter(Q(pool=pool) | Q(id__in=holds), is_active=True).aggregate(
        running=Count("id", filter=~Q(state=Workload.State.WAITING)),
        waiting=Count("id", filter=Q(state=Workload.State.WAITING)),
        gpu_milli=Sum("allocated_gpu_milli", default=0),
    )
    return PoolWork(**found)


def topology_work(topology: Topology, levels: Sequence[str]) -> int:
    asks = (Q(near_required__gt="") & ~Q(near_required__in=levels)) | (
        Q(near_preferred__gt="") & ~Q(near_preferred__in=levels)
    )
    return Workload.objects.filter(asks, near_topology=topology, is_active=True).count()


def node_fills(nodes: Sequence[int]) -> dict[int, tuple[DeviceFill, ...]]:
    pods = Pod.objects.filter(ON_A_NODE, node__in=nodes, sub_group__devices__gt=0).values_list(
        "id", "node_id", "devices", "device_milli", "charged_pool_id"
    )
    rows = list(pods)
    over = pods_over_milli({pool for *_, pool in rows if pool})
    used: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
    for pod, node, devices, milli, _ in rows:
        left = over.get(pod, 0)
        for device in reversed(_numbers(devices)):
            part = min(left, milli)
            left -= part
            fill = used[node, device]
            fill[0] += milli
            fill[1] += part
    fills: dict[int, list[DeviceFill]] = defaultdict(list)
    for (node, device), (milli, part) in sorted(used.items()):
        fills[node].append(DeviceFill(device, milli, part))
    return {node: tuple(found) for node, found in fills.items()}


def node_cpu_used(nodes: Sequence[int]) -> dict[int, int]:
    rows = Pod.objects.filter(ON_A_NODE, node__in=nodes).values("node").annotate(cpu=Sum("sub_group__cpu_millicores"))
    return dict(rows.values_list("node", "cpu"))


def node_pods(node: Node, user: Any) -> list[NodePod]:
    pods = list(
        Pod.objects.filter(ON_A_NODE, node=node)
        .select_related("sub_group", "workload__project")
        .order_by("workload__name", "name")
    )
    seen = set(visible_workloads(user).filter(id__in={pod.workload_id for pod in pods}).values_list("id", flat=True))
    over = pods_over_milli({pod.charged_pool_id for pod in pods if pod.charged_pool_id})
    return [_node_pod(pod, pod.workload_id in seen, pod.pk in over) for pod in pods]


def _node_pod(pod: Pod, seen: bool, over: bool) -> NodePod:
    group = pod.sub_group
    return NodePod(
        name=pod.name if seen else "",
        workload_name=pod.workload.name if seen else "",
        workload_url=reverse("workload", args=[pod.workload_id]) if seen else None,
        project_name=pod.workload.project.name if seen else "",
        gpu_milli=group.devices * pod.device_milli,
        cpu_millicores=group.cpu_millicores,
        memory_bytes=group.memory_bytes,
        devices=tuple(_numbers(pod.devices)),
        over=over,
        state=pod.get_phase_display(),
    )


def _numbers(devices: str) -> list[int]:
    return [int(device) for device in devices.split(",") if device]
