"""Which sums of quotas a move in the tree would change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from orgs.hooks import SumChange
from orgs.models import OrgUnit, UnitKind
from orgs.services.unit import is_default_department
from quotas.models import Pool, Quota

from .pools import NO_HARDWARE, hardware
from .sums import guaranteed, sums


def quota_move_impact(unit: OrgUnit, new_parent: OrgUnit) -> list[SumChange]:
    """In five queries; nothing when the unit has no quota."""
    own = {pool: amounts.gpu_milli for (_, pool), amounts in guaranteed([unit.pk]).items() if amounts.gpu_milli}
    assert unit.parent is not None
    changes: dict[OrgUnit, int] = defaultdict(int)
    for sign, parent in ((-1, unit.parent), (1, new_parent)):
        changes[parent] += sign
        if is_default_department(parent) and parent.parent is not None:
            # It has no quota of its own: what it is guaranteed is what its projects are.
            changes[parent.parent] += sign
    changed = {parent: sign for parent, sign in changes.items() if sign}
    if not own or not changed:
        return []
    pools = {pool.pk: pool.name for pool in Pool.objects.filter(pk__in=own).order_by("name")}
    now, whole = given(changed), available(changed, pools)
    return [
        SumChange(
            unit=parent,
            pool=name,
            before=now.get((parent.pk, pool), 0),
            after=now.get((parent.pk, pool), 0) + sign * own[pool],
            available=whole.get((parent.pk, pool)),
        )
        for parent, sign in changed.items()
        for pool, name in pools.items()
    ]


def given(parents: Iterable[OrgUnit]) -> dict[tuple[int, int], int]:
    """(unit, pool) -> what the units right below it are guaranteed."""
    return {key: amounts.gpu_milli for key, amounts in sums([parent.pk for parent in parents]).given.items()}


def available(parents: Iterable[OrgUnit], pools: dict[int, str]) -> dict[tuple[int, int], int]:
    """(unit, pool) -> what can be given out there: its quota, of a cluster what its ready nodes have."""
    found = {
        (unit, pool): milli
        for unit, pool, milli in Quota.objects.filter(unit__in=[parent.pk for parent in parents]).values_list(
            "unit", "pool", "gpu_milli"
        )
    }
    machines = hardware(pools)
    for parent in parents:
        if parent.kind == UnitKind.CLUSTER:
            for pool in pools:
                found[parent.pk, pool] = machines.get(pool, NO_HARDWARE).ready.gpu_milli
    return found
