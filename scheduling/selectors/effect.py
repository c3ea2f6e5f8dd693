"""What other quotas would change in a pool: the answer to a hook of quotas, by the engine's own rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.urls import reverse
from django.utils import timezone

from quotas.hooks import MovedWork, PoolEffect
from quotas.models import Pool, PoolSummary, UnitUsage
from quotas.selectors.pools import NO_HARDWARE, hardware
from scheduling.engine.shares import fair_shares
from scheduling.engine.types import Amounts, Unit
from scheduling.loops.history import usage_ppm
from scheduling.loops.snapshot_units import units_of
from scheduling.models import Workload
from scheduling.selectors.visible import visible_workloads

Work = tuple[int, int, int]
"""A workload's id, its project and what it holds, in milli-GPU."""


def quota_effect(pool: Pool, changes: Mapping[int, Mapping[str, Any] | None], resource: str, user: Any) -> PoolEffect:
    past = (
        usage_ppm(pool.pk, timezone.now(), pool.history_window_days, pool.history_half_life_hours)
        if pool.history_weight_milli
        else {}
    )
    now = units_of(pool.cluster_id, pool.pk, past)
    then = units_of(pool.cluster_id, pool.pk, past, changes)
    requested, held = _usage(pool, resource)
    capacity = _capacity(pool)

    def shares(units: Sequence[Unit]) -> dict[int, int]:
        found = fair_shares(units, requested, capacity, pool.history_weight_milli)
        return {unit: getattr(amounts, resource) for unit, amounts in found.items()}

    return PoolEffect(fair_now=shares(now), fair_then=shares(then), moved=_moved(pool, now, then, held, user))


def over_milli(units: Sequence[Unit], held: Mapping[int, int], work: Sequence[Work]) -> dict[int, int]:
    """milli-GPU over quota by workload. What a project holds above its quota is its own, and so what a department holds
    above its: of the workloads in it, which come those first that would be taken back first."""
    parents = {unit.id: unit.parent for unit in units}
    left = {unit.id: held.get(unit.id, 0) - unit.quota.gpu_milli for unit in units if unit.quota.gpu_milli is not None}
    over: dict[int, int] = {}
    for workload, project, holds in work:
        at: int | None = project
        while at is not None and at in parents:
            if (part := min(holds, left.get(at, 0))) > 0:
                left[at] -= part
                over[workload] = max(over.get(workload, 0), part)
            at = parents[at]
    return over


def _moved(
    pool: Pool, now: Sequence[Unit], then: Sequence[Unit], held: Mapping[int, int], user: Any
) -> tuple[MovedWork, ...]:
    running = Workload.objects.filter(pool=pool, is_active=True, preemptible=True, allocated_gpu_milli__gt=0)
    work = list(
        running.order_by("priority", "-started_at", "-id").values_list("id", "project_id", "allocated_gpu_milli")
    )
    before, after = over_milli(now, held, work), over_milli(then, held, work)
    moved = {workload: project for workload, project, _ in work if (workload in before) != (workload in after)}
    names = dict(visible_workloads(user).filter(id__in=moved).values_list("id", "name")) if moved else {}
    return tuple(
        MovedWork(
            project=project,
            name=names.get(workload, ""),
            url=reverse("workload", args=[workload]) if workload in names else "",
            over=workload in after,
            gpu_milli=after.get(workload, 0) or before.get(workload, 0),
        )
        for workload, project in moved.items()
    )


def _usage(pool: Pool, resource: str) -> tuple[dict[int, Amounts], dict[int, int]]:
    """By unit: what it holds and asks for of the one resource (each is divided on its own), and milli-GPU it holds."""
    requested, held = {}, {}
    rows = UnitUsage.objects.filter(pool=pool).values_list("unit_id", f"requested_{resource}", "gpu_milli")
    for unit, asks, holds in rows:
        requested[unit], held[unit] = Amounts(**{resource: asks}), holds
    return requested, held


def _capacity(pool: Pool) -> Amounts:
    """As the pool's loop last saw it; before its first cycle what its nodes have."""
    row = PoolSummary.objects.filter(pool=pool).values_list(*Amounts._fields).first()
    return Amounts(*(row or hardware([pool.pk]).get(pool.pk, NO_HARDWARE).ready))
