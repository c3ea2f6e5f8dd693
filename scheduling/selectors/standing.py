"""How projects stand in pools, and what the pools have free: what forecasts and My work are made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from django.db.models import Count, Max, Q, TextField
from django.db.models.functions import Cast

from orgs.models import OrgUnit, UnitKind
from quotas.models import Node, Pool, PoolSummary, Quota, UnitUsage
from quotas.selectors.access import no_row
from scheduling.asking import FreeNodes, Room, Standing
from scheduling.engine.types import NOTHING, Amounts, Bounds
from scheduling.loops.snapshot_nodes import labels_of, taints_of
from scheduling.quantities import MEBIBYTE

NO_KIND = FreeNodes()
"""Of a node that is gone."""


@dataclass(frozen=True, slots=True)
class Standings:
    """Of several projects in several pools; read in a fixed number of queries."""

    units: dict[int, OrgUnit]
    quotas: dict[tuple[int, int], Quota]
    usages: dict[tuple[int, int], UnitUsage]
    unset: Quota
    """What counts where there is no row."""

    def chain(self, project: OrgUnit, pool: Pool) -> list[Standing]:
        """The project, then its departments upwards. A cluster's `default` department counts as its projects do."""
        units = [self.units[unit] for unit in reversed(project.ancestor_ids) if unit in self.units]
        return [self._standing(unit, pool) for unit in units if not _is_default(unit)]

    def usage(self, project: OrgUnit, pool: Pool) -> UnitUsage | None:
        return self.usages.get((project.pk, pool.pk))

    def _standing(self, unit: OrgUnit, pool: Pool) -> Standing:
        quota = self.quotas.get((unit.pk, pool.pk), self.unset)
        usage = self.usages.get((unit.pk, pool.pk)) or UnitUsage(unit=unit, pool=pool)
        return Standing(
            id=unit.pk,
            name=unit.name,
            quota=Bounds(quota.gpu_milli, quota.cpu_millicores, quota.memory_bytes),
            limit=Bounds(quota.limit_gpu_milli, quota.limit_cpu_millicores, quota.limit_memory_bytes),
            over_quota=quota.over_quota,
            blocked=quota.blocked,
            allocated=Amounts(usage.gpu_milli, usage.cpu_millicores, usage.memory_bytes),
            non_preemptible=Amounts(
                usage.non_preemptible_gpu_milli,
                usage.non_preemptible_cpu_millicores,
                usage.non_preemptible_memory_bytes,
            ),
            fair_share=Amounts(usage.fair_gpu_milli, usage.fair_cpu_millicores, usage.fair_memory_bytes),
            borrowed_gpu_milli=usage.over_gpu_milli if unit.kind == UnitKind.DEPARTMENT else 0,
        )


def standings(projects: Sequence[OrgUnit], pools: Collection[int]) -> Standings:
    ids = {unit for project in projects for unit in project.ancestor_ids}
    units = OrgUnit.objects.filter(id__in=ids, kind__in=(UnitKind.DEPARTMENT, UnitKind.PROJECT))
    asked = Q(unit__in=ids, pool__in=pools)
    return Standings(
        units={unit.pk: unit for unit in units},
        quotas={(quota.unit_id, quota.pool_id): quota for quota in Quota.objects.filter(asked)},
        usages={(usage.unit_id, usage.pool_id): usage for usage in UnitUsage.objects.filter(asked)},
        unset=no_row(),
    )


def rooms(pools: Collection[int], node_labels: Mapping[str, str] | None = None) -> dict[int, Room]:
    """What the pools' loops last published; a pool without a summary is not ready. Three queries, four with labels."""
    summaries = {summary.pool_id: summary for summary in PoolSummary.objects.filter(pool__in=pools)}
    kinds = _kinds({row[0] for summary in summaries.values() for row in summary.free_nodes})
    hardware = {
        pool: (nodes, Amounts(gpus * 1000, cpu, memory), gpu_memory // MEBIBYTE)
        for pool, nodes, gpus, cpu, memory, gpu_memory in Node.objects.filter(pool__in=pools, removed_at=None)
        .values("pool")
        .annotate(
            nodes=Count("id"),
            gpus=Max("gpu_count"),
            cpu=Max("cpu_millicores"),
            memory=Max("memory_bytes"),
            gpu_memory=Max("gpu_memory_bytes", filter=Q(gpu_count__gt=0), default=0),
        )
        .values_list("pool", "nodes", "gpus", "cpu", "memory", "gpu_memory")
    }
    found = {pool: room_of(summaries.get(pool), kinds, *hardware.get(pool, (0, NOTHING, 0))) for pool in pools}
    if not node_labels:
        return found
    matching = matching_nodes(pools, [node_labels])[0]
    return {pool: replace(room, matching_nodes=matching[pool]) for pool, room in found.items()}


def matching_nodes(pools: Collection[int], asked: Sequence[Mapping[str, str]]) -> list[Counter[int]]:
    """For each of these sets of labels, how many nodes of each pool have them all. The database narrows them to those
    that have one of the keys. One query."""
    keys = sorted({key for labels in asked for key in labels})
    nodes = Node.objects.filter(pool__in=pools, removed_at=None, labels__has_any_keys=keys)
    rows = [(pool, labels.items()) for pool, labels in nodes.values_list("pool", "labels")]
    return [Counter(pool for pool, found in rows if labels.items() <= found) for labels in asked]


def _kinds(nodes: Collection[int]) -> dict[int, FreeNodes]:
    """Labels, taints and GPU memory of these nodes (ids)."""
    wide = (Cast("labels", TextField()), Cast("taints", TextField()))
    return {
        pk: FreeNodes(labels=labels_of(labels), taints=taints_of(taints), device_memory_mib=memory // MEBIBYTE)
        for pk, memory, labels, taints in Node.objects.filter(pk__in=nodes).values_list("pk", "gpu_memory_bytes", *wide)
    }


def room_of(
    summary: PoolSummary | None, kinds: Mapping[int, FreeNodes], nodes: int, largest: Amounts, device_memory_mib: int
) -> Room:
    if summary is None:
        return Room(nodes, 0, NOTHING, largest, device_memory_mib=device_memory_mib)
    return Room(
        nodes=summary.nodes,
        ready=summary.ready,
        free=Amounts(
            max(0, summary.gpu_milli - summary.allocated_gpu_milli),
            max(0, summary.cpu_millicores - summary.allocated_cpu_millicores),
            max(0, summary.memory_bytes - summary.allocated_memory_bytes),
        ),
        largest_node=largest,
        free_nodes=tuple(_free(kinds.get(node, NO_KIND), *free) for node, *free in summary.free_nodes),
        lent_milli=summary.over_gpu_milli,
        device_memory_mib=device_memory_mib,
    )


def _free(kind: FreeNodes, gpus: int, share: int, cpu: int, memory: int, pods: int, count: int) -> FreeNodes:
    return replace(
        kind,
        count=count,
        gpus=gpus,
        share_milli=share,
        cpu_millicores=cpu,
        memory_bytes=memory,
        pods=pods,
    )


def _is_default(unit: OrgUnit) -> bool:
    return unit.kind == UnitKind.DEPARTMENT and unit.name == "default" and unit.parent_id == unit.cluster_id
